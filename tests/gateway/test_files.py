"""`GET /files/{token}`: who holds a link gets exactly its file, and nobody gets anything else."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import pytest
from sqlalchemy import insert
from uuid6 import uuid7

from domain.message import Channel, Regime
from domain.status import Status
from gateway.access_log import AccessLog
from gateway.services import utc_now
from store.blobs import Blobs
from store.home import BadHome, Home
from store.messages import NewMessage, accept
from store.people import person_id
from store.tables import AttachmentRow
from store.unit import Database
from tests.gateway.conftest import Running

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 700
LATER = timedelta(days=1)


@dataclass(frozen=True)
class Shelf:
    """Files of messages, as the uploads of the running gateway would keep them."""

    database: Database
    home: Home

    async def put(
        self, content: bytes, name: str = "photo.jpg", media_type: str = "image/jpeg", *, in_use: bool = True
    ) -> UUID:
        """The key of a new file; one that is not in use belongs to no message."""
        with Blobs(self.home.attachments).receive() as arriving:
            arriving.write(content)
            arriving.keep()
        file, person = uuid7(), await person_id(self.database, "test", "citizen")
        row = {
            "id": file,
            "person_id": person,
            "file_name": name,
            "media_type": media_type,
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        fields = {
            "reference": f"R-{uuid4().hex[:12]}",
            "text": "Яма",
            "regime": Regime.MESSAGE,
            "channel": Channel.PORTAL,
            "rubricator_version": "1",
            "status": Status.ON_MODERATION,
            "deadline_on": utc_now().date(),
            "deadline_rule": "days",
        }
        async with self.database.unit() as unit:
            await unit.execute(insert(AttachmentRow), row)
            if in_use:
                await accept(unit, NewMessage(person, uuid4().hex, b"", utc_now(), fields, None, (file,)))
        return file

    def path(self, file: UUID, after: timedelta = LATER) -> str:
        """The path of a link to a file that ends so long from now."""
        return f"/files/{self.home.file_links().token(file, utc_now() + after)}"


@pytest.fixture
async def shelf(running: Running) -> AsyncIterator[Shelf]:
    database = Database(running.home.external_database_url or "")
    await database.open()
    yield Shelf(database, running.home)
    await database.close()


async def test_whoever_holds_a_link_gets_the_file_as_something_to_save(
    client: aiohttp.ClientSession, shelf: Shelf
) -> None:
    file = await shelf.put(PHOTO, "Фото «двора»; №1.jpg")
    async with client.get(shelf.path(file)) as response:
        assert response.status == 200
        assert await response.read() == PHOTO
        headers = response.headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Length"] == str(len(PHOTO))
    assert headers["Content-Disposition"] == (
        "attachment; filename*=UTF-8''%D0%A4%D0%BE%D1%82%D0%BE%20%C2%AB%D0%B4%D0%B2%D0%BE%D1%80%D0%B0%C2%BB%3B%20%E2%84%961.jpg"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store, private"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "ETag" not in headers


async def test_words_are_sent_as_words_and_never_as_a_page(client: aiohttp.ClientSession, shelf: Shelf) -> None:
    file = await shelf.put("Яма".encode(), "words.txt", "text/plain")
    async with client.get(shelf.path(file)) as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Content-Disposition"].startswith("attachment;")
        assert await response.text() == "Яма"


async def test_everything_else_is_one_and_the_same_nothing(client: aiohttp.ClientSession, shelf: Shelf) -> None:
    file, unused = await shelf.put(PHOTO), await shelf.put(b"unused", in_use=False)
    gone = await shelf.put(b"a file that was lost")
    digest = hashlib.sha256(b"a file that was lost").hexdigest()
    Blobs(shelf.home.attachments).path(digest).unlink()
    foreign = replace(shelf.home.file_links(), key=b"x" * 32)
    good = shelf.path(file)
    wrong = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good + "A",
        shelf.path(file, timedelta(seconds=-1)),
        shelf.path(uuid4()),
        shelf.path(unused),
        shelf.path(gone),
        f"/files/{foreign.token(file, utc_now() + LATER)}",
        f"/files/{file}",
        "/files/x",
        "/files/%00",
        "/files/" + "A" * 4000,
    ]
    answers = set()
    for path in wrong:
        async with client.get(path, headers={"Accept-Language": "en"}) as response:
            assert response.status == 404, path
            assert response.headers["Cache-Control"] == "no-store"
            answers.add(await response.text())
    assert len(answers) == 1
    assert "wrong or has ended" in answers.pop()


async def test_a_link_is_for_reading_alone(client: aiohttp.ClientSession, shelf: Shelf) -> None:
    path = shelf.path(await shelf.put(PHOTO))
    for method in ("POST", "PUT", "DELETE"):
        async with client.request(method, path) as response:
            assert response.status == 405
    async with client.head(path) as response:
        assert (response.status, await response.read()) == (200, b"")


def test_a_link_is_not_written_to_the_access_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """P9: who reads the log must not be able to read the file."""
    token = Home(tmp_path, tmp_path, None).file_links().token(uuid4(), utc_now() + LATER)
    with caplog.at_level(logging.INFO, "gateway.access"):
        AccessLog().note("GET", f"/files/{token}", 200, 5, 0.001, "id")
    assert "200" in caplog.text
    assert token not in caplog.text


def test_every_process_of_an_installation_signs_with_one_key_that_only_it_may_read(tmp_path: Path) -> None:
    home = Home(tmp_path / "new", tmp_path, None)
    first = home.file_links()
    assert home.file_links().key == first.key
    assert len(first.key) == 32
    (kept,) = (tmp_path / "new").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert Home(tmp_path / "other", tmp_path, None).file_links().key != first.key


def test_a_key_from_the_environment_needs_no_file(tmp_path: Path) -> None:
    variables = {
        "OKNO_HOME": str(tmp_path),
        "OKNO_LINK_KEY": "s" * 32,
        "OKNO_PUBLIC_ADDRESS": "https://hub.example/okno/",
    }
    home = Home.from_environment(variables)
    assert home.public_address == "https://hub.example/okno"
    assert home.file_links() == home.file_links()
    assert list(tmp_path.iterdir()) == []
    assert "s" * 32 not in repr(home)


def test_a_damaged_key_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "link-key").write_bytes(b"short")
    with pytest.raises(BadHome, match="remove it"):
        Home(tmp_path, tmp_path, None).file_links()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OKNO_LINK_KEY", "short"),
        ("OKNO_PUBLIC_ADDRESS", "hub.example"),
        ("OKNO_PUBLIC_ADDRESS", "ftp://hub.example"),
        ("OKNO_PUBLIC_ADDRESS", "https://user:secret@hub.example"),
        ("OKNO_PUBLIC_ADDRESS", "https://hub.example/?a=1"),
        ("OKNO_PUBLIC_ADDRESS", "https://hub.example:port"),
        ("OKNO_PUBLIC_ADDRESS", "https://"),
    ],
)
def test_a_setting_for_links_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(BadHome, match=name) as found:
        Home.from_environment({name: value})
    assert "secret" not in str(found.value)
