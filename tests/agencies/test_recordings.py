"""Recordings: kept from a real server, scrubbed of persons and secrets, replayed without a network."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agencies.dry_run import CASE_ID, DryRun, invented_message
from agencies.grade import recorded_steps
from agencies.recordings import Bench, record, replay
from agencies.registry import Registry
from agencies.rehearsal import NotRehearsed
from agencies.rule_pages import EXAMPLES
from agencies.scrubbing import CannotScrub, scrub
from agencies.source import Source
from connectors.http import open_session
from tests.adapters.small_agency import Answers, Asked, SmallAgency, small_agency, submit
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


# What comes before a call

DESK = """
before:
  - name: words
    request: POST /texts
    send: {text: message.text}
    when_answer_is_lost: resend
    repeat_harms_nobody: true
    answer: {keep: {id: id}, outcome: {from: http.status, accepted: ["201"]}}
upload:
  request: POST /files
  when_answer_is_lost: resend
  files: [{field: file, name: item.name}]
  answer: {keep: {id: id}, outcome: {from: http.status, accepted: ["201"]}}
withdraw:
  before:
    - name: edition
      request: 'GET /cases/{case.id | text}'
      reads_only: true
      answer: {keep: {tag: tag}, outcome: {from: http.status, accepted: ["200"]}}
  request: PATCH /cases/{case.id}
  when_answer_is_lost: ask-a-person
  send: {tag: steps.edition.tag}
  answer: {outcome: {from: http.status, accepted: ["200"]}}
"""
ROWS = "send: {texts: {each: steps.words.id, value: item}, files: {each: message.attachments, value: item.uploaded.id}}"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A system whose cases name texts and files that were made before them."""
    path = tmp_path / "small.yaml"
    path.write_text(submit(ROWS, DESK))
    return path


def locking(asked: Asked) -> tuple[int, object]:
    """It answers everything, and gives each thing a number of its path."""
    name = asked.path.strip("/").split("/")[0]
    return (201 if asked.method == "POST" else 200), {"id": f"{name}-1", "tag": "e-7"}


async def kept_of(path: Path, step: str, answers: Answers) -> tuple[SmallAgency, str, str]:
    """What the system was asked, the recording, and what it came to."""
    async with small_agency(answers) as system, open_session() as session:
        edit(path, "http://127.0.0.1:1", system.address)
        bench, registry = Bench(path, "sandbox"), Registry.of_files([path])
        connector = registry.connector("small", session)
        kept, comes_to, _ = await record(
            bench, registry, connector, step, "ordinary", invented_message(bench.run.file), CASE_ID
        )
        return system, kept_text(kept), comes_to


async def test_a_case_is_recorded_after_the_calls_that_come_before_it(desk: Path) -> None:
    system, text, comes_to = await kept_of(desk, "submit", locking)
    assert system.paths() == ["POST /texts", "POST /files", "POST /files", "POST /cases"]
    assert system.asked[-1].json == {"texts": ["texts-1"], "files": ["files-1", "files-1"]}
    assert comes_to == "accepted cases-1"
    assert "texts-1" in text
    assert await problems(desk) == []


async def test_a_wish_is_recorded_with_the_edition_that_was_read_for_it(desk: Path) -> None:
    system, _, comes_to = await kept_of(desk, "withdraw", locking)
    assert system.paths() == ["GET /cases/CASE-1", "PATCH /cases/CASE-1"]
    assert (system.asked[-1].json, comes_to) == ({"tag": "e-7"}, "accepted")
    assert await problems(desk) == []


async def test_nothing_is_recorded_where_what_comes_before_did_not_succeed(desk: Path) -> None:
    def no_files(asked: Asked) -> tuple[int, object]:
        return (415, {}) if asked.path == "/files" else locking(asked)

    with pytest.raises(NotRehearsed, match=r"`upload` before it came to unknown.*415"):
        await kept_of(desk, "submit", no_files)
    assert not (desk.parent / "small" / "recordings").exists()


def test_a_dry_run_shows_the_rows_that_earlier_answers_fill(desk: Path) -> None:
    run = DryRun(desk, raw=False, environment="sandbox")
    body = json.loads(run.request("submit", run.sample()).body)
    assert body == {"texts": ["1"], "files": ["1", "1"]}
    assert run.request("withdraw.edition", run.sample()).url.endswith("/cases/CASE-1")


@pytest.mark.parametrize(("status", "counts"), [(201, True), (415, False), (503, False)])
async def test_only_a_recording_of_a_success_counts_for_a_grade(desk: Path, status: int, counts: bool) -> None:
    def answers(asked: Asked) -> tuple[int, object]:
        return (status, {"id": "C-1"} if status == 201 else {}) if asked.path == "/cases" else locking(asked)

    await kept_of(desk, "submit", answers)
    assert ("submit" in set(recorded_steps(Source.read(desk)))) is counts


async def test_a_time_in_a_form_of_its_own_and_our_number_in_a_text_survive_scrubbing(tmp_path: Path) -> None:
    more = """
    look_up:
      request: GET /cases
      settles_within: 5m
      query: {title: message.reference}
      answer: {each: items, case_id: item.id, reference_inside: item.title}
    status:
      poll:
        request: GET /cases
        every: 5m
        query: {since: poll.since | local}
        each: items
        case_id: item.id
        at: item.activity
        at_form: "%Y-%m-%d.%H:%M:%S"
        state: item.state
      means: {open: in_progress, shut: answered}
    """
    path = tmp_path / "small.yaml"
    path.write_text(submit("send: {text: message.text}", more))
    reference = invented_message(DryRun(path, raw=False, environment="sandbox").file).reference
    found = {"id": "7", "title": f"{reference} Иван с улицы Мира", "activity": "2026-11-23.01:10:04", "state": "open"}
    _, text, comes_to = await kept_of(path, "look_up", lambda _: (200, {"items": [found]}))
    assert comes_to == "found 7"
    assert "Иван" not in text
    edit(path, path.read_text().split("address: ")[1].split("}")[0], "http://127.0.0.1:1")
    _, text, comes_to = await kept_of(path, "poll", lambda _: (200, {"items": [found]}))
    assert comes_to == "1 items: IN_PROGRESS"
    assert await problems(path) == []
