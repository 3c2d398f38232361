"""Files through the door: what is taken, what is refused and why, and what is left on the disk and in the table."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from sqlalchemy import create_engine, select

from store.tables import AttachmentRow
from tests.gateway import pictures
from tests.gateway.conftest import Running

TAKE = "mutation($file: Upload!) { take(file: $file) { id name problems } }"
PREFLIGHT = {"X-Requested-With": "test", "Accept-Language": "en"}


def _form(*files: tuple[str, bytes], operations: object = None, places: object = None) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    operations = {"query": TAKE, "variables": {"file": None}} if operations is None else operations
    places = {"0": ["variables.file"]} if places is None else places
    form.add_field("operations", json.dumps(operations))
    form.add_field("map", json.dumps(places))
    for number, (name, content) in enumerate(files):
        form.add_field(str(number), io.BytesIO(content), filename=name, content_type="image/jpeg")
    return form


async def _take(
    client: aiohttp.ClientSession, running: Running, name: str, content: bytes, who: str = "u"
) -> dict[str, Any]:
    headers = PREFLIGHT | running.signed_in(who)
    async with client.post("/graphql", data=_form((name, content)), headers=headers) as response:
        assert response.status == 200, await response.text()
        taken: dict[str, Any] = (await response.json())["data"]["take"]
        return taken


def _row(running: Running, attachment_id: str) -> Any:
    engine = create_engine(running.home.external_database_url or "")
    with engine.connect() as connection:
        row = connection.execute(select(AttachmentRow.__table__).where(AttachmentRow.id == attachment_id)).one()
    engine.dispose()
    return row


def _files_on_disk(running: Running) -> set[str]:
    return {path.name for path in running.home.attachments.rglob("*") if path.is_file()}


async def test_a_photo_is_stored_with_its_digest_and_keeps_its_place_and_time(
    client: aiohttp.ClientSession, running: Running
) -> None:
    content = pictures.photo(exif=pictures.exif_of())
    taken = await _take(client, running, "Яма.JPG", content)
    assert taken["problems"] == []
    row = _row(running, taken["id"])
    digest = hashlib.sha256(content).hexdigest()
    assert (row.file_name, row.media_type, row.size_bytes, row.sha256) == (
        "Яма.JPG",
        "image/jpeg",
        len(content),
        digest,
    )
    assert row.latitude == pytest.approx(54.5138, abs=1e-4)
    assert row.longitude == pytest.approx(36.2612, abs=1e-4)
    assert row.taken_at == datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
    assert row.message_id is None
    assert (running.home.attachments / digest[:2] / digest[2:4] / digest).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "content", "media_type", "stored"),
    [
        ("a.png", pictures.photo("PNG"), "image/png", "a.png"),
        ("a.jpg", pictures.photo("WEBP"), "image/webp", "a.webp"),
        ("noname", pictures.photo("JPEG"), "image/jpeg", "noname.jpg"),
        ("акт.pdf", pictures.PDF, "application/pdf", "акт.pdf"),
        ("a.mp4", pictures.video(), "video/mp4", "a.mp4"),
        ("заметка.txt", "Во дворе яма.\n".encode(), "text/plain", "заметка.txt"),
        ("../../etc/passwd.png", pictures.photo("PNG"), "image/png", "passwd.png"),
        ("C:\\dir\\a\u202egnp.exe", pictures.photo("PNG"), "image/png", "agnp.png"),
        ("ш" * 400 + ".png", pictures.photo("PNG"), "image/png", "ш" * 196 + ".png"),
    ],
)
async def test_what_may_be_attached_is_known_by_its_content(
    client: aiohttp.ClientSession, running: Running, name: str, content: bytes, media_type: str, stored: str
) -> None:
    taken = await _take(client, running, name, content)
    assert taken["problems"] == []
    assert taken["name"] == stored
    assert _row(running, taken["id"]).media_type == media_type


HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.jpg", b"", "empty (0 bytes)"),
        ("photo.jpg", b"#!/bin/sh\nrm -rf /\n", "By its name this is a JPEG image, by its content a script"),
        ("photo.jpg", b"import os\nos.remove('x')\n", "By its name this is a JPEG image, by its content plain text"),
        ("photo.jpg", HTML, "by its content a web page"),
        ("photo.jpg", b"<?xml version='1.0'?><svg onload='x'/>", "an XML or SVG document"),
        ("photo.jpg", b"MZ\x90\x00" + b"\0" * 100, "a program"),
        ("photo.jpg", pictures.archive(), "an archive"),
        ("photo.jpg", pictures.PDF, "by its content a PDF document"),
        ("photo.jpg", b"\x00\x01\x02\x03", "a file of an unknown kind"),
        ("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC image"),
        ("run.js", b"alert(1)", "plain text"),
        ("notes.txt", b"hello <script >x</script>", "a script"),
        ("photo.jpg", pictures.photo() + pictures.archive(), "hides inside"),
        ("photo.jpg", pictures.photo() + HTML, "hides inside"),
        ("photo.png", pictures.photo("PNG") + b"<?php system(1); ?>", "hides inside"),
        ("photo.jpg", pictures.photo()[:200], "damaged"),
        ("photo.png", pictures.photo("PNG")[:60], "damaged"),
        ("photo.png", pictures.bomb(), "damaged or has far too many pixels"),
        ("a.mp4", pictures.video()[:20], "damaged"),
        ("a.pdf", b"%PDF-1.4 nothing else", "damaged"),
        ("a.txt", "Яма".encode("cp1251"), "damaged"),
    ],
)
async def test_what_may_not_be_attached_is_refused_with_the_remedy_and_leaves_nothing(
    client: aiohttp.ClientSession, running: Running, name: str, content: bytes, words: str
) -> None:
    before = _files_on_disk(running)
    taken = await _take(client, running, name, content)
    assert taken["id"] is None
    assert words in taken["problems"][0]
    assert _files_on_disk(running) == before


async def test_a_file_that_is_too_large_is_refused_with_the_remedy(
    client: aiohttp.ClientSession, running: Running
) -> None:
    taken = await _take(client, running, "big.jpg", pictures.photo() + b"\0" * (50 * 1024 * 1024))
    assert "larger than 20 MB" in taken["problems"][0]


async def test_a_form_beyond_every_size_is_refused(client: aiohttp.ClientSession, running: Running) -> None:
    headers = PREFLIGHT | running.signed_in()
    form = _form(("big.jpg", b"\0" * (65 * 1024 * 1024)))
    async with client.post("/graphql", data=form, headers=headers) as response:
        assert response.status == 413


@pytest.mark.parametrize("number", range(5))
async def test_hostile_exif_never_makes_a_photo_unusable(
    client: aiohttp.ClientSession, running: Running, number: int
) -> None:
    taken = await _take(client, running, "photo.jpg", pictures.photo(exif=pictures.hostile_exifs()[number]), "hostile")
    assert taken["problems"] == []
    row = _row(running, taken["id"])
    assert (row.latitude, row.longitude) == (None, None) or number == 4
    assert row.taken_at is None or number < 4


# Pillow says so in a warning; only the tests make errors of warnings.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
@pytest.mark.parametrize(
    "raw", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 500, b"x" * 60_000]
)
async def test_a_broken_exif_block_never_makes_a_photo_unusable(
    client: aiohttp.ClientSession, running: Running, raw: bytes
) -> None:
    taken = await _take(client, running, "photo.jpg", pictures.jpeg_with_raw_exif(raw), "broken")
    assert taken["problems"] == []


async def test_a_photo_without_a_place_has_none(client: aiohttp.ClientSession, running: Running) -> None:
    exif = pictures.exif_of(latitude=(0.0, 0.0, 0.0), longitude=(0.0, 0.0, 0.0))
    taken = await _take(client, running, "photo.jpg", pictures.photo(exif=exif))
    assert _row(running, taken["id"]).latitude is None


async def test_a_person_who_uploads_and_never_sends_is_stopped(client: aiohttp.ClientSession, running: Running) -> None:
    content = pictures.photo()
    for _ in range(10):
        await asyncio.gather(*(_take(client, running, "a.jpg", content, "hoarder") for _ in range(5)))
    taken = await _take(client, running, "a.jpg", content, "hoarder")
    assert "More than 50 files" in taken["problems"][0]


async def test_a_form_needs_a_header_that_no_foreign_page_can_send(
    client: aiohttp.ClientSession, running: Running
) -> None:
    form = _form(("a.jpg", pictures.photo()))
    async with client.post("/graphql", data=form, headers=running.signed_in()) as response:
        assert response.status == 400
        assert "apollo-require-preflight" in (await response.json())["errors"][0]["message"]


async def test_a_stranger_uploads_nothing(client: aiohttp.ClientSession) -> None:
    async with client.post("/graphql", data=_form(("a.jpg", pictures.photo())), headers=PREFLIGHT) as response:
        assert response.status == 401
        assert (await response.json())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


OPERATIONS = {"query": TAKE, "variables": {"file": None}}


@pytest.mark.parametrize(
    ("operations", "places"),
    [
        ([], {"0": ["variables.file"]}),
        ("x", {"0": ["variables.file"]}),
        ([OPERATIONS], {"0": ["0.variables.file"]}),
        (OPERATIONS, []),
        (OPERATIONS, "x"),
        (OPERATIONS, {}),
        (OPERATIONS, {"0": []}),
        (OPERATIONS, {"0": "variables.file"}),
        (OPERATIONS, {"0": [1]}),
        (OPERATIONS, {"0": ["variables.file", "variables.file"]}),
        (OPERATIONS, {"0": ["variables.other"]}),
        (OPERATIONS, {"0": ["query"]}),
        (OPERATIONS, {"0": ["variables"]}),
        (OPERATIONS, {"0": ["variables.file.x"]}),
        (OPERATIONS, {"0": ["variables.__class__"]}),
        (OPERATIONS, {"1": ["variables.file"]}),
        (OPERATIONS, {"0": ["variables.file"], "1": ["variables.file"]}),
        ({"query": TAKE, "variables": {"file": "x"}}, {"0": ["variables.file"]}),
        ({"query": TAKE, "variables": None}, {"0": ["variables.file"]}),
        ({"query": TAKE}, {"0": ["variables.file"]}),
        ({"query": TAKE, "variables": {"file": [None]}}, {"0": ["variables.file.7"]}),
    ],
)
async def test_a_form_of_a_wrong_shape_is_refused(
    client: aiohttp.ClientSession, running: Running, operations: object, places: object
) -> None:
    form = _form(("a.jpg", pictures.photo()), operations=operations, places=places)
    async with client.post("/graphql", data=form, headers=PREFLIGHT | running.signed_in()) as response:
        assert response.status == 400
        assert (await response.json())["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nbad"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 500, b"--x"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"a" * 70_000 + b": b\r\n"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(
    client: aiohttp.ClientSession, running: Running, content_type: str, body: bytes
) -> None:
    headers = PREFLIGHT | running.signed_in() | {"Content-Type": content_type}
    async with client.post("/graphql", data=body, headers=headers) as response:
        assert response.status == 400


async def test_too_many_files_are_refused(client: aiohttp.ClientSession, running: Running) -> None:
    form = _form(*[("a.jpg", b"x")] * 13)
    async with client.post("/graphql", data=form, headers=PREFLIGHT | running.signed_in()) as response:
        assert response.status == 400
        assert "12" in (await response.json())["errors"][0]["message"]


async def test_a_value_in_the_place_of_a_file_is_a_problem_and_not_a_crash(
    client: aiohttp.ClientSession, running: Running
) -> None:
    body = {"query": TAKE, "variables": {"file": {"path": "/etc/passwd"}}}
    async with client.post("/graphql", json=body, headers=PREFLIGHT | running.signed_in()) as response:
        assert "A file is needed here" in (await response.json())["data"]["take"]["problems"][0]
