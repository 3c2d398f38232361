"""What a file does before a wish is passed on: a text made once, an edition read anew for every try, for systems that lock optimistically."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from agencies.checking import read_checked
from agencies.source import FileFaults
from connectors.http import Wire, open_session
from connectors.rest.connector import RestConnection, RestConnector
from domain.delivery import DeliveryState, Purpose
from tests.adapters.small_agency import Asked, SmallAgency, adapter_of, file_of, small_agency, submit
from tests.delivery.ledger import Files, Ledger

PLAIN = "send: {text: message.text}"
EDITION = """
    - name: edition
      request: GET /cases/{case.id}
      reads_only: true
      answer: {keep: {tag: tag}, outcome: {from: http.status, accepted: ["200"], refused: ["404"], try_later: ["503"]}}
"""
CHANGE = """
  request: PATCH /cases/{case.id}
  headers: {If-Match: steps.edition.tag}
  when_answer_is_lost: ask-a-person
  answer: {outcome: {from: http.status, accepted: ["200"], refused: ["422"], try_later: ["412"]}}
"""
WITHDRAW = f"withdraw:\n  before:{EDITION}{CHANGE}  send: {{state: '\"closed\"'}}\n"
COMMENT = f"""
add_comment:
  before:
    - name: words
      request: POST /texts
      send: {{text: comment.text}}
      when_answer_is_lost: resend
      repeat_harms_nobody: true
      answer: {{keep: {{id: id}}, outcome: {{from: http.status, accepted: ["201"]}}}}
{EDITION}{CHANGE}
  send: {{texts: {{each: steps.words.id, value: item}}}}
"""
ATTACHMENT = f"""
upload:
  request: POST /files
  when_answer_is_lost: resend
  files: [{{field: file, name: item.name}}]
  answer: {{keep: {{id: id}}, outcome: {{from: http.status, accepted: ["201"]}}}}
attachment:
  before:{EDITION}{CHANGE}
  send: {{files: {{each: item.uploaded.id, value: item}}}}
"""


class LockingDesk:
    """A system in which every change makes a new edition, and whoever names another one is told 412."""

    def __init__(self, refuses_first: int = 0, reads: int = 200) -> None:
        self.edition = 1
        self.refuses = refuses_first
        self.reads = reads
        self.changes: list[dict[str, object]] = []
        self.numbers = count(1)

    def __call__(self, asked: Asked) -> tuple[int, object]:
        if asked.method == "GET":
            return self.reads, {"tag": f"e{self.edition}"}
        if asked.method == "POST":
            return 201, {"id": f"{asked.path.strip('/')}-{next(self.numbers)}"}
        if self.refuses:
            # Somebody else was quicker.
            self.refuses -= 1
            self.edition += 1
        if asked.headers["if-match"] != f"e{self.edition}":
            return 412, {}
        self.edition += 1
        self.changes.append(asked.json)
        return 200, {}


@pytest_asyncio.fixture(scope="module")
async def wire() -> AsyncIterator[Wire]:
    async with open_session() as session:
        yield Wire(session)


def wish(text: str, agency: SmallAgency, wire: Wire, purpose: Purpose, body: dict[str, object] | None = None) -> Ledger:
    connector = RestConnector(RestConnection(agency.address), wire)
    return Ledger(adapter_of(text), connector, purpose=purpose, case_ids={"case_id": "C-1"}, body=body)


async def test_the_edition_is_read_at_once_before_the_change_that_names_it(wire: Wire) -> None:
    desk = LockingDesk()
    async with small_agency(desk) as agency:
        ours = wish(submit(PLAIN, WITHDRAW), agency, wire, Purpose.WITHDRAW)
        assert await ours.walk() == ["withdraw"]
    assert agency.paths() == ["GET /cases/C-1", "PATCH /cases/C-1"]
    assert (ours.state(), desk.changes) == (DeliveryState.DELIVERED, [{"state": "closed"}])


async def test_an_edition_that_somebody_else_made_old_is_read_anew_at_the_next_try(wire: Wire) -> None:
    desk = LockingDesk(refuses_first=1)
    async with small_agency(desk) as agency:
        ours = wish(submit(PLAIN, WITHDRAW), agency, wire, Purpose.WITHDRAW)
        await ours.walk()
        assert (ours.state(), desk.changes) == (DeliveryState.READY, [])
        await ours.walk()
    assert (ours.state(), len(desk.changes)) == (DeliveryState.DELIVERED, 1)
    assert agency.paths() == ["GET /cases/C-1", "PATCH /cases/C-1"] * 2


async def test_a_text_is_made_once_however_often_the_call_that_hangs_it_on_is_tried(wire: Wire) -> None:
    desk = LockingDesk(refuses_first=1)
    async with small_agency(desk) as agency:
        ours = wish(submit(PLAIN, COMMENT), agency, wire, Purpose.ADD_COMMENT, {"text": "Яма растёт"})
        await ours.walk()
        await ours.walk()
    assert ours.state() is DeliveryState.DELIVERED
    assert agency.paths().count("POST /texts") == 1
    assert agency.asked[0].json == {"text": "Яма растёт"}
    assert desk.changes == [{"texts": ["texts-1"]}]


async def test_each_file_names_the_edition_that_the_one_before_it_made(wire: Wire) -> None:
    desk, files = LockingDesk(), Files()
    stored = [files.keep(b"one", "1.jpg"), files.keep(b"two", "2.jpg")]
    async with small_agency(lambda asked: (201, {"id": "C-1"}) if asked.path == "/cases" else desk(asked)) as agency:
        connector = RestConnector(RestConnection(agency.address), wire)
        ours = Ledger(adapter_of(submit(PLAIN, ATTACHMENT)), connector, files, stored)
        await ours.walk()
    assert ours.state() is DeliveryState.DELIVERED
    assert desk.changes == [{"files": ["files-1"]}, {"files": ["files-2"]}]


async def test_a_case_that_cannot_be_read_any_more_takes_no_wish(wire: Wire) -> None:
    async with small_agency(LockingDesk(reads=404)) as agency:
        ours = wish(submit(PLAIN, WITHDRAW), agency, wire, Purpose.WITHDRAW)
        await ours.walk()
    assert ours.state() is DeliveryState.REFUSED
    assert agency.paths() == ["GET /cases/C-1"]


@pytest.mark.parametrize("status", [503, 500, 0])
async def test_a_read_that_fails_left_nothing_behind_and_is_tried_again(wire: Wire, status: int) -> None:
    desk = LockingDesk(reads=status)
    async with small_agency(desk) as agency:
        ours = wish(submit(PLAIN, WITHDRAW), agency, wire, Purpose.WITHDRAW)
        await ours.walk()
        assert ours.state() is DeliveryState.READY
        assert "before:withdraw.edition" in ours.history[-1].text
        desk.reads = 200
        await ours.walk()
    assert (ours.state(), len(desk.changes)) == (DeliveryState.DELIVERED, 1)


def test_what_comes_before_an_attachment_may_only_read() -> None:
    with pytest.raises(FileFaults, match="`before` of an attachment needs `reads_only: true`"):
        file_of(submit(PLAIN, ATTACHMENT.replace("reads_only: true", "when_answer_is_lost: ask-a-person")))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps.edition.tag", "steps.edition.tga", "keeps no `tga`"),
        ("steps.words.id", "steps.word.id", "there is no `steps.word`"),
        ("repeat_harms_nobody: true", "repeat_harms_nobody: false", "repeat-not-recognised"),
        ("{text: comment.text}", "{text: steps.edition.tag}", "`edition` comes later"),
        ("{text: comment.text}", "{text: comment.txt}", "Did you mean `comment.text`"),
    ],
)
def test_a_mistake_before_a_wish_is_found_by_the_check(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = submit(PLAIN, COMMENT)
    path = tmp_path / "small.yaml"
    path.write_text(text)
    read_checked(path)
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(FileFaults, match=said):
        read_checked(path)
