"""The folder wire: packets are put whole or not at all, and taken whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import time
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import BadConnection, Call, FilePart, NotSent, Tree
from connectors.folder.connector import FolderConnector
from connectors.folder.document import NotADocument, read_document, write_document
from connectors.folder.rules import FileList, FolderConnection
from connectors.folder.writing import sent_record

CALL = Call(
    "send",
    body={"m": {"@id": "7", "text": "Яма <&>"}},
    headers={"packet": "a-1"},
    files=(FilePart("", "фото.jpg", "image/jpeg", b"\xff\xd8"),),
)


@pytest.fixture
def connection(tmp_path: Path) -> FolderConnection:
    for name in ("out", "in"):
        (tmp_path / name).mkdir()
    return FolderConnection(tmp_path, settles_s=10.0)


def drop(connection: FolderConnection, name: str, files: Mapping[str, bytes] | bytes, age_s: float = 60.0) -> Path:
    place = connection.root / "in" / name
    moment = time.time() - age_s
    if isinstance(files, bytes):
        place.write_bytes(files)
    else:
        place.mkdir()
        for file, content in files.items():
            (place / file).write_bytes(content)
            os.utime(place / file, (moment, moment))
    os.utime(place, (moment, moment))
    return place


async def packets(connection: FolderConnection) -> list[Mapping[str, Tree]]:
    tree = (await FolderConnector(connection).send(Call("read", safe=True))).tree
    assert isinstance(tree, Mapping)
    found = tree["packets"]
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, Mapping)]


async def test_what_is_rendered_is_what_is_put_there(connection: FolderConnection) -> None:
    connector = FolderConnector(connection)
    request = connector.render(CALL)
    assert (await connector.send(CALL)).status == 201
    place = connection.root / "out" / "a-1"
    assert request.body == (place / "document.xml").read_bytes()
    assert (place / "фото.jpg").read_bytes() == b"\xff\xd8"
    assert request.headers["X-Files"] == "%D1%84%D0%BE%D1%82%D0%BE.jpg"


async def test_a_dry_run_puts_nothing_there(connection: FolderConnection) -> None:
    with pytest.raises(NotSent):
        await FolderConnector(connection, live=False).send(CALL)
    assert list((connection.root / "out").iterdir()) == []


async def test_a_packet_whose_rename_the_power_cut_prevented_is_finished_by_the_repeat(
    connection: FolderConnection,
) -> None:
    connector = FolderConnector(connection)
    await connector.send(CALL)
    place = connection.root / "out" / "a-1"
    place.rename(place.with_name(".a-1.part"))
    assert (await connector.send(CALL)).status == 201
    assert (place / "фото.jpg").read_bytes() == b"\xff\xd8"
    assert (await connector.send(CALL)).status == 200


async def test_a_packet_that_was_half_built_is_built_anew(connection: FolderConnection) -> None:
    half = connection.root / "out" / ".a-1.part"
    half.mkdir()
    (half / "document.xml").write_bytes(b"<m")
    assert (await FolderConnector(connection).send(CALL)).status == 201
    assert [one.name for one in (connection.root / "out").iterdir()] == ["a-1"]


async def test_a_record_that_the_power_cut_left_half_written_does_not_stop_the_packet(
    connection: FolderConnection,
) -> None:
    record = sent_record(connection, "a-1")
    record.parent.mkdir(parents=True)
    record.write_bytes(b'{"digest": "a')
    assert (await FolderConnector(connection).send(CALL)).status == 201


async def test_a_zip_packet_is_the_same_bytes_each_time(connection: FolderConnection) -> None:
    zipped = replace(connection, packs_as="zip")
    await FolderConnector(zipped).send(CALL)
    raw = (connection.root / "out" / "a-1.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert sorted(archive.namelist()) == ["document.xml", "фото.jpg"]
    assert (await FolderConnector(zipped).send(CALL)).status == 200


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "a\n", "имя", "a" * 200])
async def test_the_name_of_a_packet_cannot_lead_elsewhere(connection: FolderConnection, name: str) -> None:
    with pytest.raises(NotSent, match=r"headers\.packet"):
        await FolderConnector(connection).send(replace(CALL, headers={"packet": name}))


@pytest.mark.parametrize("name", ["../a", "a\\b", "..", ".env", "a\x00b", "C:x", "document.xml", "Document.XML"])
async def test_the_name_of_a_file_cannot_lead_elsewhere_or_hide_the_document(
    connection: FolderConnection, name: str
) -> None:
    with pytest.raises(NotSent, match="files"):
        await FolderConnector(connection).send(replace(CALL, files=(FilePart("", name, "image/jpeg", b"1"),)))
    assert list((connection.root / "out").iterdir()) == []


async def test_a_row_of_the_envelope_cannot_begin_a_section(connection: FolderConnection) -> None:
    connector = FolderConnector(replace(connection, envelope="envelope.ini"))
    for value in ("a\r\n[АДРЕСАТЫ]\r\n0=X", "a]"):
        with pytest.raises(NotSent, match="envelope"):
            await connector.send(replace(CALL, form={"ПИСЬМО.ТЕМА": value}))


async def test_packets_of_every_kind_are_read_oldest_first(connection: FolderConnection) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("sub/document.xml", "<m><n>2</n></m>")
        archive.writestr("фото.jpg", b"\xff")
    drop(connection, "b.zip", out.getvalue(), age_s=50)
    drop(connection, "a", {"document.xml": b"<m><n>1</n></m>"}, age_s=60)
    drop(connection, "c.xml", b"<m><n>3</n></m>", age_s=40)
    drop(connection, "note.txt", b"hello")
    found = await packets(connection)
    assert [(one["packet"], one["document"]) for one in found] == [
        ("a", {"m": {"n": "1"}}),
        ("b.zip", {"m": {"n": "2"}}),
        ("c.xml", {"m": {"n": "3"}}),
    ]
    digest = hashlib.sha256(b"\xff").hexdigest()
    assert found[1]["files"] == [{"name": "фото.jpg", "size_bytes": 1, "sha256": digest}]


@pytest.mark.parametrize("name", [".a", "a.tmp", "a.part", "a~"])
async def test_what_is_marked_as_unfinished_is_passed_over(connection: FolderConnection, name: str) -> None:
    drop(connection, name, {"document.xml": b"<m/>"}, age_s=9999)
    assert await packets(connection) == []


async def test_links_are_not_followed(connection: FolderConnection, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "document.xml").write_bytes(b"<m/>")
    (connection.root / "in" / "link").symlink_to(secret)
    inside = drop(connection, "inside", {"document.xml": b"<m/>"}, age_s=9999)
    (inside / "more").symlink_to("/etc/passwd")
    os.utime(inside, (1, 1))
    os.utime(inside / "more", (1, 1), follow_symlinks=False)
    assert [one.get("problem") for one in await packets(connection)] == ["it holds something that is no file"]


async def test_a_zip_that_unpacks_to_more_than_the_limit_is_not_unpacked(connection: FolderConnection) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("document.xml", b"<m>" + b" " * 5_000_000 + b"</m>")
    drop(connection, "bomb.zip", out.getvalue(), age_s=9999)
    (found,) = await packets(replace(connection, max_packet_bytes=1_000_000))
    assert "more than 1000000 bytes" in str(found["problem"])


async def test_a_listed_file_with_another_hash_is_told_when_it_stays_so(connection: FolderConnection) -> None:
    rule = FileList("m.f", "@name", "@hash")
    wrong = hashlib.sha256(b"other").hexdigest()
    document = f'<m><f name="A.PDF" hash="{wrong}"/></m>'.encode()
    guessed = replace(connection, files=rule)
    sworn = replace(connection, files=replace(rule, algorithm="sha256"))
    drop(connection, "a", {"document.xml": document, "a.pdf": b"x"}, age_s=9999)
    assert ["problem" in one for one in await packets(guessed)] == [False]
    assert [one.get("problem") for one in await packets(sworn)] == [
        "a file is not what its document lists: the hash is another"
    ]


async def test_an_archived_packet_is_kept_and_a_repeat_does_no_harm(connection: FolderConnection) -> None:
    connector = FolderConnector(connection)
    call = Call("archive", headers={"packet": "a"})
    for number in (1, 2):
        drop(connection, "a", {"document.xml": b"<m/>", "n": str(number).encode()})
        assert (await connector.send(call)).status == 200
    assert (await connector.send(call)).status == 200
    kept = connection.root / "archive" / "in"
    assert [(kept / name / "n").read_bytes() for name in ("a", "a~2")] == [b"1", b"2"]
    with pytest.raises(NotSent):
        await connector.send(Call("archive", headers={"packet": "../out"}))


@pytest.mark.parametrize(
    "raw", [b"", b"<a", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", b"\xff\xfe", b"<a/><b/>"]
)
def test_what_is_no_document_is_said_without_its_content(raw: bytes) -> None:
    with pytest.raises(NotADocument) as problem:
        read_document(raw)
    assert "passwd" not in str(problem.value)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"a": {}, "b": {}},
        {"a b": {"c": "1"}},
        {"x:a": {"c": "1"}},
        {"a": {"c": "\x00"}},
        {"a": {"@b": {"c": "1"}}},
        {"a": "1"},
    ],
)
def test_what_cannot_be_written_is_refused_with_its_path(body: Tree) -> None:
    with pytest.raises(NotSent, match="send"):
        write_document(body, "utf-8")


def test_a_document_written_is_read_as_it_was() -> None:
    tree: Tree = {
        "x:m": {
            "@xmlns:x": "urn:m",
            "@x:id": "7",
            "x:n#first": {"@at": "1", "#text": "Яма <&> ы"},
            "x:n#others": [{"x:o": "2"}, "3"],
            "x:yes": True,
        }
    }
    assert read_document(write_document(tree, "windows-1251")) == {
        "m": {"@id": "7", "n": [{"@at": "1", "#text": "Яма <&> ы"}, {"o": "2"}, "3"], "yes": "true"}
    }


def test_a_folder_that_can_never_work_is_refused_with_the_remedy(tmp_path: Path) -> None:
    for wrong in (
        FolderConnection(Path("medo")),
        FolderConnection(tmp_path, out="../x"),
        FolderConnection(tmp_path, out="in"),
    ):
        with pytest.raises(BadConnection):
            FolderConnector(wrong)
