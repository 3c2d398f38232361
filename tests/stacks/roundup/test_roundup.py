"""A product that ships no profile, connected by YAML alone: a Roundup tracker, from the first recording to the citizen's answer."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from domain.delivery import Purpose
from store.unit import Database
from tests.cli.program import okno
from tests.delivery.installation import Installation, hurried_config, until
from tests.delivery.test_wishes import wish
from tests.stacks.roundup.conftest import OFFICIALS_PASSWORD

PHOTO = b"\xff\xd8\xff\xe0 a photo, as far as a tracker looks"


class Official:
    """Who works in the tracker, by its REST interface."""

    def __init__(self, client: aiohttp.ClientSession, tracker: str) -> None:
        self._client = client
        self._data = f"{tracker}/appeals/rest/data"
        self._origin = tracker

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        login = base64.b64encode(f"admin:{OFFICIALS_PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "X-Requested-With": "test", "Origin": self._origin}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = json.dumps(body) if body is not None else None
        async with self._client.request(method, f"{self._data}/{path}", data=content, headers=headers) as response:
            text = await response.text()
            assert response.status < 300, text
            return json.loads(text)["data"]

    async def case(self, number: str) -> dict[str, Any]:
        """The issue as it stands, and the words of its first and its last text."""
        issue = await self.call("GET", f"issue/{number}?@verbose=2")
        shown: dict[str, Any] = issue["attributes"] | {"etag": issue["@etag"], "texts": []}
        for one in sorted(shown["messages"], key=lambda text: int(text["id"])):
            text = await self.call("GET", f"msg/{one['id']}?@verbose=3")
            shown["texts"].append(text["attributes"]["content"])
        return shown

    async def move(self, number: str, state: str, words: str | None = None) -> None:
        """Put the issue into a state, with a text to whoever wrote."""
        case = await self.case(number)
        texts = [one["id"] for one in case["messages"]]
        if words is not None:
            texts.append((await self.call("POST", "msg", {"content": words, "author": "admin"}))["id"])
        await self.call("PATCH", f"issue/{number}", {"@etag": case["etag"], "status": state, "messages": texts})


@pytest_asyncio.fixture
async def official(tracker: str) -> AsyncIterator[Official]:
    async with aiohttp.ClientSession() as client:
        yield Official(client, tracker)


@pytest_asyncio.fixture
async def installation(
    database: Database, config: Path, tmp_path: Path, variables: dict[str, str]
) -> AsyncIterator[Installation]:
    yield await Installation.open(database, hurried_config(config, tmp_path / "hurried"), tmp_path, variables)


async def delivered(installation: Installation, reference: str, purpose: str = "SUBMIT") -> None:
    async def is_done() -> bool:
        row = await installation.delivery(reference, purpose)
        assert row["state"] not in ("REFUSED", "CANCELLED", "WAITS_FOR_PERSON"), row
        return str(row["state"]) == "DELIVERED"

    await until(is_done)


async def case_of(installation: Installation, reference: str) -> str:
    (row,) = await installation.rows(
        "SELECT c.case_id FROM agency_case c JOIN message m ON m.id = c.message_id WHERE m.reference = :r", r=reference
    )
    return str(row["case_id"])


def test_recordings_of_the_tracker_hold_and_bring_the_grade(config: Path, variables: dict[str, str]) -> None:
    environment = {"OKNO_CONFIG": str(config), **variables}
    for command in (["check"], ["record", "--writes"], ["test"], ["grade", "--at-least", "silver"]):
        result = okno("agency", command[0], "appeals-desk", *command[1:], **environment)
        assert result.exit_code == 0, (command, result.output)
    kept = {path.stem for path in (config / "agencies" / "appeals-desk" / "recordings").glob("*.yaml")}
    assert {"words-ordinary", "upload-ordinary", "submit-longest-text", "withdraw-ordinary", "look_up-found"} <= kept


@pytest.mark.parametrize("words", ["Яма на дороге.", "Яма 🕳️🚧 <b>&amp; «цитата» … №5 ₽", "Длинное слово. " * 600])
async def test_words_arrive_as_they_were_written(installation: Installation, official: Official, words: str) -> None:
    async with installation.worker():
        reference = await installation.send(words, "roads/pothole")
        await delivered(installation, reference)
    case = await official.case(await case_of(installation, reference))
    assert case["title"].startswith(f"{reference} ")
    assert [text.rstrip() for text in case["texts"]] == [words.rstrip()]


async def test_two_photos_states_answers_and_wishes(installation: Installation, official: Official) -> None:
    photos = [await installation.attach(PHOTO + bytes([number]), f"яма {number}.jpg") for number in (1, 2)]
    async with installation.worker():
        reference = await installation.send("Яма у остановки.", "roads/pothole", attachments=photos)
        await delivered(installation, reference)
        number = await case_of(installation, reference)
        assert len((await official.case(number))["files"]) == 2

        await official.move(number, "need-eg", "У какого дома?")
        await until(lambda: stands(installation, reference, "WAITING_FOR_CITIZEN"))
        assert await wish(installation, reference, Purpose.ADD_COMMENT, comment("У дома пять."))
        await delivered(installation, reference, "ADD_COMMENT")
        assert (await official.case(number))["texts"][-1] == "У дома пять."

        await official.move(number, "resolved", "Яма засыпана.")
        await until(lambda: stands(installation, reference, "ANSWERED"))
    notes = await installation.rows(
        "SELECT e.note FROM event e JOIN message m ON m.id = e.message_id WHERE m.reference = :r AND e.note_is_public",
        r=reference,
    )
    assert "У какого дома?" in [row["note"] for row in notes]
    (answer,) = await installation.rows(
        "SELECT a.text FROM answer a JOIN message m ON m.id = a.message_id WHERE m.reference = :r", r=reference
    )
    assert answer["text"] == "Яма засыпана."


async def test_what_was_withdrawn_is_closed_there(installation: Installation, official: Official) -> None:
    async with installation.worker():
        reference = await installation.send("Уже не нужно.", "roads/pothole")
        await delivered(installation, reference)
        assert await wish(installation, reference, Purpose.WITHDRAW, {})
        await delivered(installation, reference, "WITHDRAW")
    assert (await official.case(await case_of(installation, reference)))["status"]["name"] == "resolved"


async def stands(installation: Installation, reference: str, status: str) -> bool:
    return await installation.status(reference) == status


def comment(text: str) -> dict[str, object]:
    return {"id": "0197b0a0-0000-7000-8000-0000000000c1", "text": text, "at": datetime.now(UTC).isoformat()}
