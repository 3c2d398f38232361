"""`uses: znuny@1` against a fake Znuny, in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from adapters.adapter import Found, NotFound, Unclear
from adapters.plan_sending import AttachmentsGo
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.fakes.znuny import Znuny
from tests.profiles.story import HARD_TEXT, Connected, photo

ANSWERS: dict[str, object] = {
    "address": "${NORTH_ADDRESS}",
    "username": "${NORTH_USER}",
    "password": "${NORTH_PASSWORD}",
    "customer": "okno-citizens",
    "queues": {"roads/pothole": "Roads", "*": "Misc"},
    "notes": "public",
}
SECRETS = {"NORTH_USER": "okno", "NORTH_PASSWORD": "znuny-secret"}


@pytest_asyncio.fixture
async def product() -> AsyncIterator[Znuny]:
    product = await Znuny().start()
    yield product
    await product.stop()


@pytest.fixture
def agency(product: Znuny, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    return Connected.by("znuny@1", ANSWERS, {**SECRETS, "NORTH_ADDRESS": product.address}, tmp_path, session)


async def test_a_message_becomes_a_ticket_with_its_photos_in_one_call(agency: Connected, product: Znuny) -> None:
    files = (photo(1, b"\xff\xd8 first \x00"), photo(2, b"\xff\xd8 second", "план.png"))
    assert agency.adapter.plan.attachments_go is AttachmentsGo.INSIDE
    message = agency.message(text="Яма\nвторая строка", attachments=files)
    outcome = await agency.submit(message)
    assert (outcome.kind, dict(outcome.case_ids)) == (
        OutcomeKind.ACCEPTED,
        {"case_id": "1", "number": "2026030200000001"},
    )
    ticket = product.tickets[1]
    assert (ticket.title, ticket.queue, ticket.state) == ("26-0001-2345-8 Яма у остановки", "Roads", "new")
    assert ticket.fields == {"OknoReference": "26-0001-2345-8"}
    article = ticket.articles[0]
    assert article.body == "Яма\nвторая строка [Калуга, улица Суворова, 121] [54.507041, 36.252277]"
    assert article.attachments == [
        ("Фото двора.JPG", "image/jpeg", b"\xff\xd8 first \x00"),
        ("план.png", "image/jpeg", b"\xff\xd8 second"),
    ]


async def test_hard_text_arrives(agency: Connected, product: Znuny) -> None:
    await agency.submitted(agency.message(text=HARD_TEXT, address=None, latitude=None))
    assert product.tickets[1].articles[0].body == HARD_TEXT


async def test_one_session_serves_many_calls_and_is_renewed_when_it_runs_out(agency: Connected, product: Znuny) -> None:
    """Q1: login call → token; the call is made again because nothing was done."""
    await agency.submitted(agency.message("26-0001-0000-1"))
    await agency.submitted(agency.message("26-0001-0000-2"))
    assert product.logins == 1
    product.sessions.clear()
    await agency.submitted(agency.message("26-0001-0000-3"))
    assert (product.logins, len(product.tickets)) == (2, 3)


async def test_a_wrong_password_is_no_refusal(product: Znuny, tmp_path: Path, session: aiohttp.ClientSession) -> None:
    variables = {**SECRETS, "NORTH_PASSWORD": "another", "NORTH_ADDRESS": product.address}
    stranger = Connected.by("znuny@1", ANSWERS, variables, tmp_path, session)
    assert (await stranger.submit(stranger.message())).kind is OutcomeKind.TRY_LATER
    assert product.tickets == {}


@pytest.mark.parametrize("kind", ["lost_reply", "half", "created_with_error", "html", "garbage", "error_500"])
async def test_a_broken_answer_is_unknown_and_the_look_up_tells_whether_there_is_a_ticket(
    agency: Connected, product: Znuny, kind: str
) -> None:
    """Q43, Q44, Q49."""
    await agency.submitted(agency.message("26-0001-2345-80"))
    product.spoil(kind, "TicketCreate")
    assert (await agency.submit(agency.message())).kind is OutcomeKind.UNKNOWN
    found = await agency.look_up(agency.message())
    made = kind in ("lost_reply", "half", "created_with_error")
    assert found == (Found({"case_id": "2"}) if made else NotFound())


async def test_a_search_that_ignores_our_number_settles_nothing(agency: Connected, product: Znuny) -> None:
    """Q18: a backend that ignores a filter returns everything."""
    await agency.submitted(agency.message("26-0001-0000-1"))
    await agency.submitted(agency.message("26-0001-0000-2"))
    product.fields.clear()
    assert isinstance(await agency.look_up(agency.message("26-0001-0000-3")), Unclear)


@pytest.mark.parametrize("wish", ["queue", "field"])
async def test_what_znuny_does_not_know_is_refused(
    agency: Connected, product: Znuny, wish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q6: the error stands inside HTTP 200."""
    if wish == "field":
        product.fields.clear()
    else:
        monkeypatch.setattr("tests.fakes.znuny.server.QUEUES", frozenset({"Misc"}))
    outcome = await agency.submit(agency.message())
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "TicketCreate.InvalidParameter")


async def test_what_the_citizen_wishes_reaches_the_ticket(agency: Connected, product: Znuny) -> None:
    message = agency.message()
    case_ids = await agency.submitted(message)
    assert (await agency.comment(message, case_ids, "Яма стала глубже")).kind is OutcomeKind.ACCEPTED
    priority = await agency.write("set_priority", message, case_ids=case_ids, priority={"value": "urgent"})
    assert priority.kind is OutcomeKind.ACCEPTED
    assert (await agency.write("withdraw", message, case_ids=case_ids)).kind is OutcomeKind.ACCEPTED
    ticket = product.tickets[1]
    assert (ticket.priority, ticket.state) == ("5 very high", "closed unsuccessful")
    assert [one.body for one in ticket.articles[1:]] == ["Яма стала глубже", "Отозвано заявителем"]
    assert (await agency.reopen(message, case_ids, "Яма на месте")).kind is OutcomeKind.ACCEPTED
    assert ticket.state == "open"
    gone = await agency.comment(message, {"case_id": "77"}, "никому")
    assert gone.kind is OutcomeKind.REFUSED


async def test_a_lost_answer_to_a_comment_waits_for_a_person(agency: Connected, product: Znuny) -> None:
    message = agency.message()
    case_ids = await agency.submitted(message)
    product.spoil("lost_reply", "TicketUpdate")
    assert (await agency.comment(message, case_ids, "ещё")).kind is OutcomeKind.UNKNOWN
    assert agency.adapter.when_lost("add_comment").value == "ask-a-person"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Yekaterinburg"])
async def test_changes_come_home_whatever_the_zone_of_the_query(
    zone: str, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Q46: query times in the zone of the API user, answers in UTC; Q36: the ticket is read by itself; Q38: private stays private."""
    product = await Znuny(zone=zone).start()
    variables = {**SECRETS, "NORTH_ADDRESS": product.address}
    agency = Connected.by("znuny@1", {**ANSWERS, "query_zone": zone}, variables, tmp_path, session)
    case_ids = await agency.submitted(agency.message())
    changes, cursor = await agency.reading(None, product.clock.passes(60))
    assert [(one.case_id, one.means) for one in changes] == [("1", Status.REGISTERED)]
    product.works_on(1, "pending reminder", "Где именно яма?")
    product.works_on(1, "pending reminder", "заявитель надоел", visible=False)
    changes, cursor = await agency.reading(cursor, product.clock.passes(60))
    assert (changes[-1].means, changes[-1].note) == (Status.WAITING_FOR_CITIZEN, "Где именно яма?")
    product.works_on(1, "closed successful", "Яма заделана.")
    moment = product.clock.now
    changes, cursor = await agency.reading(cursor, product.clock.passes(60))
    assert (changes[-1].means, changes[-1].occurred_at) == (Status.ANSWERED, moment)
    assert changes[-1].answer is not None
    assert changes[-1].answer.text == "Яма заделана."
    product.clock.passes(3600)
    later, cursor = await agency.reading(cursor, product.clock.now)
    assert [one.event_key for one in later] in ([], [changes[-1].event_key])
    assert (await agency.reading(cursor, product.clock.passes(3600)))[0] == []
    assert (await agency.ask(case_ids)).means is Status.ANSWERED
    await product.stop()


async def test_more_changes_than_one_search_gives_are_read_in_smaller_spans(
    product: Znuny, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Q18: a reply that is cut off at a limit is asked for again in halves."""
    own = "status: {poll: {at_most: 20, send: {Limit: \"'20'\"}}}\n"
    variables = {**SECRETS, "NORTH_ADDRESS": product.address}
    agency = Connected.by("znuny@1", ANSWERS, variables, tmp_path, session, own=own)
    for number in range(50):
        await agency.submitted(agency.message(f"26-0001-{number:04}-0"))
    changes, _ = await agency.reading(None, product.clock.passes(60))
    assert len({one.case_id for one in changes}) == 50


async def test_a_znuny_that_is_down_is_tried_later_and_taken_up_again(agency: Connected, product: Znuny) -> None:
    await product.stop()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    await product.start()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.ACCEPTED


async def test_our_number_is_what_is_searched_for_and_no_longer_one(agency: Connected) -> None:
    await agency.submitted(replace(agency.message(), reference="26-0001-2345-80"))
    assert await agency.look_up(agency.message("26-0001-2345-8")) == NotFound()
