"""The two real files, through the real wires, against the two real sample agencies: the same story at both."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from adapters.adapter import Adapter, AttachmentContext, Found, MessageContext, NotFound, PollPage, Step
from agencies.registry import Registry
from connectors.base import Call, Connector, ConnectorError
from connectors.http import open_session
from domain.foreign_change import Meaning
from domain.outcome import Outcome, OutcomeKind
from domain.status import Status
from tests.adapters.words import MESSAGE
from tests.fakes.serving import AgencyProcess

CREDENTIALS = {
    "CITY_ROADS_USER": "okno",
    "CITY_ROADS_PASSWORD": "roads-secret",
    "HOUSING_CLIENT_ID": "okno",
    "HOUSING_CLIENT_SECRET": "housing-secret",
    "HOUSING_WEBHOOK_SECRET": "webhook-secret",
}
CATEGORIES = {"city-roads": "roads/pothole", "housing-inspection": "housing/roof"}
STATES = {"city-roads": ("2", "3"), "housing-inspection": ("accepted", "need_info")}
HARD_TEXT = "Такой ремонт 🕳 стоил 5 000 ₽ \x00<b>&amp;]]> „кавычки“ — №5…\r\n" + "ы" * 5000


@dataclass(frozen=True)
class Connected:
    """One agency with everything between us and it."""

    process: AgencyProcess
    adapter: Adapter
    connector: Connector

    def message(self, reference: str, **changes: object) -> MessageContext:
        category = CATEGORIES[self.adapter.code]
        return replace(MESSAGE, reference=reference, category=category, received_at=datetime.now(UTC), **changes)  # type: ignore[arg-type]  # tests name real fields

    async def submit(self, message: MessageContext) -> Outcome:
        call = self.adapter.submit_call(message)
        try:
            return self.adapter.read_submit(await self.connector.send(call))
        except ConnectorError as error:
            return self.adapter.outcome_of(error, Step.SUBMIT)

    async def look_up(self, message: MessageContext) -> object:
        return self.adapter.read_look_up(await self.connector.send(_known(self.adapter.look_up_call(message))), message)

    async def poll(self, cursor: Mapping[str, str] | None) -> PollPage:
        now = datetime.now(UTC)
        return self.adapter.read_poll(await self.connector.send(self.adapter.poll_call(cursor, now)), cursor, now)

    async def everything(self) -> PollPage:
        page = await self.poll(None)
        items = page.items
        while page.has_more:
            page = await self.poll(page.next_cursor)
            items += page.items
        return replace(page, items=items)


def _known(call: Call | None) -> Call:
    assert call is not None
    return call


@pytest_asyncio.fixture(scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    opened = open_session()
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", params=["city-roads", "housing-inspection"])
async def agency(
    request: pytest.FixtureRequest,
    session: aiohttp.ClientSession,
    config_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Connected]:
    code: str = request.param
    process = await AgencyProcess(f"tests.fakes.{code.replace('-', '_')}").start(tmp_path_factory.mktemp(code))
    name = "CITY_ROADS_ADDRESS" if code == "city-roads" else "HOUSING_ADDRESS"
    registry = Registry.load(config_folder, variables={**CREDENTIALS, name: process.address})
    connector = registry.connector(code, session)
    yield Connected(process, registry.adapter(code), connector)
    await connector.close()
    await process.stop()


async def test_a_case_is_made_once_and_found_by_our_reference(agency: Connected) -> None:
    message = agency.message("REF-1")
    assert await agency.look_up(message) == NotFound()
    first = await agency.submit(message)
    again = await agency.submit(message)
    assert (first.kind, first.already_there) == (OutcomeKind.ACCEPTED, False)
    assert (again.kind, again.already_there, again.case_id) == (OutcomeKind.ACCEPTED, True, first.case_id)
    assert await agency.look_up(message) == Found({"case_id": str(first.case_id)})
    assert len(await agency.process.operator.cases("REF-1")) == 1


async def test_hard_text_arrives_as_far_as_the_agency_can_hold_it(agency: Connected) -> None:
    outcome = await agency.submit(agency.message("REF-2", text=HARD_TEXT, subject="📢" * 300, address="ул. Ленина\n5"))
    assert outcome.kind is OutcomeKind.ACCEPTED
    (case,) = await agency.process.operator.cases("REF-2")
    sign, roubles = ("?", "руб.") if agency.adapter.code == "city-roads" else ("🕳", "₽")
    assert case["text"].startswith(f"Такой ремонт {sign} стоил 5 000 {roubles} <b>&amp;]]> „кавычки“ — №5…\nы")
    assert case["place"]["address"] == "ул. Ленина 5"
    assert abs(case["place"]["lat"] - 54.507041) < 1e-9


async def test_a_message_with_nothing_optional_is_taken(agency: Connected) -> None:
    bare = agency.message("REF-3", latitude=None, longitude=None, address=None, territory=None, attachments_count=0)
    assert (await agency.submit(bare)).kind is OutcomeKind.ACCEPTED
    (case,) = await agency.process.operator.cases("REF-3")
    assert not any(case["place"].values())


async def test_each_photo_arrives_once_byte_for_byte(agency: Connected) -> None:
    message = agency.message("REF-4")
    case_ids = (await agency.submit(message)).case_ids
    contents = [b"\xff\xd8\xff first \x00\xd0", b"\xff\xd8\xff second"]
    outcomes = []
    for content in (*contents, contents[0]):
        digest = hashlib.sha256(content).hexdigest()
        photo = AttachmentContext(digest, "Фото «двора» №1.JPG", "image/jpeg", len(content), digest, content)
        call = agency.adapter.attachment_call(message, case_ids, photo)
        outcomes.append(agency.adapter.read_attachment(await agency.connector.send(call)))
    assert [(one.kind, one.already_there) for one in outcomes] == [
        (OutcomeKind.ACCEPTED, False),
        (OutcomeKind.ACCEPTED, False),
        (OutcomeKind.ACCEPTED, True),
    ]
    (case,) = await agency.process.operator.cases("REF-4")
    assert {file["sha256"] for file in case["files"]} == {hashlib.sha256(content).hexdigest() for content in contents}


async def test_a_withdrawal_is_done_once_and_its_echo_ignored(agency: Connected) -> None:
    message = agency.message("REF-5")
    case_ids = (await agency.submit(message)).case_ids
    call = _known(agency.adapter.withdraw_call(message, case_ids))
    first = agency.adapter.read_withdraw(await agency.connector.send(call))
    again = agency.adapter.read_withdraw(await agency.connector.send(call))
    assert [(first.kind, first.already_there), (again.kind, again.already_there)] == [
        (OutcomeKind.ACCEPTED, False),
        (OutcomeKind.ACCEPTED, True),
    ]
    echoes = [one for one in (await agency.everything()).changes if one.case_id == case_ids["case_id"]]
    assert echoes[-1].means is Meaning.IGNORE


async def test_a_withdrawal_after_the_answer_is_refused(agency: Connected) -> None:
    message = agency.message("REF-6")
    case_ids = (await agency.submit(message)).case_ids
    await agency.process.operator.answer(case_ids["case_id"], "Сделано")
    call = _known(agency.adapter.withdraw_call(message, case_ids))
    outcome = agency.adapter.read_withdraw(await agency.connector.send(call))
    assert outcome.kind is OutcomeKind.REFUSED


async def test_every_state_and_the_answer_come_home_in_order(agency: Connected) -> None:
    operator = agency.process.operator
    case_id = str((await agency.submit(agency.message("REF-7"))).case_id)
    in_work, question = STATES[agency.adapter.code]
    await operator.move(case_id, in_work)
    await operator.move(case_id, question, "Где именно?")
    await operator.move(case_id, "2" if in_work == "2" else "in_work")
    await operator.answer(case_id, "Яма заделана — приходите проверить")
    page = await agency.everything()
    ours = [one for one in page.changes if one.case_id == case_id]
    assert page.unreadable == []
    assert [one.means for one in ours] == [
        Status.REGISTERED,
        Status.IN_PROGRESS,
        Status.WAITING_FOR_CITIZEN,
        Status.IN_PROGRESS,
        Status.ANSWERED,
    ]
    assert (ours[2].note, ours[2].note_is_public) == ("Где именно?", True)
    assert ours[4].answer is not None
    assert ours[4].answer.text == "Яма заделана — приходите проверить"
    assert all(
        abs(datetime.now(UTC) - (one.occurred_at or datetime.min.replace(tzinfo=UTC))) < timedelta(minutes=1)
        for one in ours
    )


async def test_a_feed_goes_on_from_its_cursor_and_repeats_are_told_apart(agency: Connected) -> None:
    before = await agency.everything()
    case_id = str((await agency.submit(agency.message("REF-8"))).case_id)
    after = await agency.poll(before.next_cursor)
    known = {one.event_key for one in before.changes}
    fresh = [one for one in after.changes if one.event_key not in known]
    assert [(one.case_id, one.means) for one in fresh] == [(case_id, Status.REGISTERED)]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("garbage", OutcomeKind.UNKNOWN),
        ("half", OutcomeKind.UNKNOWN),
        ("html", OutcomeKind.UNKNOWN),
        ("error_500", OutcomeKind.UNKNOWN),
        ("ok_with_error", OutcomeKind.UNKNOWN),
        ("lost_reply", OutcomeKind.UNKNOWN),
        ("created_with_error", OutcomeKind.UNKNOWN),
        ("busy", OutcomeKind.TRY_LATER),
        ("refuse_login", OutcomeKind.TRY_LATER),
    ],
)
async def test_a_broken_answer_is_decided_by_the_file_and_makes_no_second_case(
    agency: Connected, kind: str, outcome: OutcomeKind
) -> None:
    message = agency.message(f"BAD-{kind}")
    operation = "CreateCase" if agency.adapter.code == "city-roads" else "createRequest"
    # Two: the connector renews a refused login once by itself.
    await agency.process.operator.faults(kind, times=2 if kind == "refuse_login" else 1, operation=operation)
    try:
        first = await agency.submit(message)
    finally:
        await agency.process.operator.clear_faults()
    assert first.kind is outcome, first.text
    if kind == "busy" and agency.adapter.code == "housing-inspection":
        assert first.retry_after_s == 1.0
    settled = await agency.look_up(message)
    second = await agency.submit(message)
    assert second.kind is OutcomeKind.ACCEPTED
    if isinstance(settled, Found):
        assert settled.case_ids == second.case_ids
        assert second.already_there
    assert len(await agency.process.operator.cases(message.reference)) == 1


async def test_many_messages_at_once_make_one_case_each(agency: Connected) -> None:
    messages = [agency.message(f"MANY-{number}") for number in range(20)]
    outcomes = await asyncio.gather(*(agency.submit(message) for message in messages for _ in range(2)))
    assert all(one.kind is OutcomeKind.ACCEPTED for one in outcomes)
    assert len({one.case_id for one in outcomes}) == 20
