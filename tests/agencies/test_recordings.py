"""Recordings: kept from a real server, scrubbed of persons and secrets, replayed without a network."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agencies.dry_run import CASE_ID, invented_message
from agencies.recordings import Bench, record, replay
from agencies.registry import Registry
from agencies.rule_pages import EXAMPLES
from agencies.scrubbing import CannotScrub, scrub
from connectors.http import open_session
from tests.connectors.raw_server import Answer, Caller, raw_server, replying

VARIABLES = {"YARDS_TOKEN": "yards-word", "ROADS_USER": "okno", "ROADS_PASSWORD": "roads-word"}
JSON = "Content-Type: application/json; charset=utf-8\r\n"
XML = "Content-Type: text/xml; charset=utf-8\r\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config")) / "agencies"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def kept_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def recorded(path: Path, answer: Answer, step: str, address: str) -> tuple[Path, str]:
    async with raw_server(answer) as server, open_session() as session:
        edit(path, address, server.address)
        bench = Bench(path, "sandbox")
        registry = Registry.of_files([path], variables=VARIABLES)
        code = bench.run.file.agency.code
        message = replace(invented_message(bench.run.file), reference="00-1111-2222-3")
        kept, comes_to, _ = await record(
            bench, registry, registry.connector(code, session), step, "ordinary", message, CASE_ID
        )
        assert server.requests
        return kept, comes_to


async def problems(path: Path) -> list[str]:
    return [problem for one in [one async for one in replay(Bench(path, "sandbox"))] for problem in one.problems]


async def test_a_recording_holds_without_a_network_until_the_mapping_changes(files: Path) -> None:
    path = files / "yards.yaml"
    answer = replying(json.dumps({"id": "Y-17", "clerk": "Иванова А. П."}).encode(), "201 Created", JSON)
    kept, comes_to = await recorded(path, answer, "submit", "https://yards.example/api")
    assert comes_to == "accepted Y-17"
    assert await problems(path) == []
    edit(path, "    address: message.address\n", "    address: message.address | upper\n")
    (problem,) = await problems(path)
    assert "the request is other than recorded" in problem
    edit(path, "    address: message.address | upper\n", "    address: message.address\n")
    edit(
        path, "    case_id: id\n    outcome: {from: http.status", "    case_id: number\n    outcome: {from: http.status"
    )
    assert any("comes to `unknown`" in one or "unknown-field" in one for one in await _told(path))
    assert kept.parent == files / "yards" / "recordings"


async def _told(path: Path) -> list[str]:
    from agencies.source import FileFaults

    try:
        return await problems(path)
    except FileFaults as found:
        return [str(found)]


async def test_names_words_and_secrets_of_others_are_not_kept(files: Path) -> None:
    """Q41, P9: no citizen's words, personal data or secret in recordings."""
    items = [
        {
            "id": "Y-1",
            "external_id": "26-9999-0000-1",
            "state": "done",
            "changed_at": "2026-03-02T10:00:00Z",
            "clerk": "Иванова А. П.",
            "phone": "+7 910 000-00-00",
            "text": "yards-word лежит тут",
            "lat": 54.50711,
        }
    ]
    answer = replying(json.dumps({"items": items, "next": "7"}).encode(), headers=JSON)
    kept, comes_to = await recorded(files / "yards.yaml", answer, "poll", "https://yards.example/api")
    text = kept_text(kept)
    assert comes_to == "1 items: ANSWERED"
    for private in ("Иванова", "910", "yards-word", "лежит", "54.50711"):
        assert private not in text
    assert "Y-1" in text
    assert await problems(files / "yards.yaml") == []


async def test_a_soap_reply_is_scrubbed_and_read_by_the_same_reader(files: Path) -> None:
    async def answer(caller: Caller) -> None:
        body = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            '<r:CreateCaseResponse xmlns:r="urn:roads:cases"><r:Code>0</r:Code><r:CaseNumber>R-0042</r:CaseNumber>'
            "</r:CreateCaseResponse></s:Body></s:Envelope>"
        )
        await caller.reply(body.encode(), headers=XML)

    kept, comes_to = await recorded(files / "roads.yaml", answer, "submit", "https://roads.example/soap")
    assert comes_to == "accepted R-0042"
    assert "roads-word" not in kept_text(kept)
    assert "Security" not in kept_text(kept)
    assert await problems(files / "roads.yaml") == []


def test_what_cannot_be_taken_apart_is_not_kept() -> None:
    for body in (b"\x89PNG....", b"<a><b></a>", b"Hello Ivan"):
        with pytest.raises(CannotScrub):
            scrub(body, "text/plain", codes_under=(), ours="", secrets=())


def test_an_entity_is_never_opened() -> None:
    body = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>'
    with pytest.raises(CannotScrub):
        scrub(body, "text/xml", codes_under=(), ours="", secrets=())
