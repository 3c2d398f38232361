"""`uses: request-tracker@1` against a fake Request Tracker, in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from adapters.adapter import AskRefused, Found, NotFound
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.fakes.request_tracker import RequestTracker
from tests.profiles.story import HARD_TEXT, Connected, photo

ANSWERS: dict[str, object] = {"address": "${NORTH_ADDRESS}", "token": "${NORTH_TOKEN}", "queues": {"*": "Roads"}}


@pytest_asyncio.fixture
async def product() -> AsyncIterator[RequestTracker]:
    product = await RequestTracker().start()
    yield product
    await product.stop()


def connected(
    product: RequestTracker, folder: Path, session: aiohttp.ClientSession, token: str = "1-12-rt-token", **others: str
) -> Connected:
    variables = {"NORTH_ADDRESS": product.address, "NORTH_TOKEN": token}
    return Connected.by("request-tracker@1", {**ANSWERS, **others}, variables, folder, session)


@pytest.fixture
def agency(product: RequestTracker, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    return connected(product, tmp_path, session)


async def test_a_message_becomes_a_ticket_with_its_photos(agency: Connected, product: RequestTracker) -> None:
    files = (photo(1, b"\xff\xd8 first \x00"), photo(2, b"\xff\xd8 second"))
    bare = agency.message(text=HARD_TEXT, address=None, latitude=None, attachments=files)
    ticket = product.tickets[int((await agency.submitted(bare))["case_id"])]
    assert (ticket.subject, ticket.content) == ("26-0001-2345-8 Яма у остановки", HARD_TEXT)
    assert ticket.files == [
        ("Фото двора.JPG", "image/jpeg", b"\xff\xd8 first \x00"),
        ("Фото двора.JPG", "image/jpeg", b"\xff\xd8 second"),
    ]


@pytest.mark.parametrize("kind", ["lost_reply", "half", "created_with_error", "html", "garbage", "error_500"])
async def test_a_broken_answer_is_unknown_and_the_look_up_tells_whether_there_is_a_ticket(
    agency: Connected, product: RequestTracker, kind: str
) -> None:
    """Q43, Q44."""
    await agency.submitted(agency.message("26-0001-2345-80"))
    product.spoil(kind, "POST /REST/2.0/ticket")
    assert (await agency.submit(agency.message())).kind is OutcomeKind.UNKNOWN
    found = await agency.look_up(agency.message())
    made = kind in ("lost_reply", "half", "created_with_error")
    assert found == (Found({"case_id": "2"}) if made else NotFound())


async def test_what_the_citizen_wishes_reaches_the_ticket(agency: Connected, product: RequestTracker) -> None:
    message = agency.message()
    case_ids = await agency.submitted(message)
    assert (await agency.comment(message, case_ids, "Яма стала глубже")).kind is OutcomeKind.ACCEPTED
    priority = await agency.write("set_priority", message, case_ids=case_ids, priority={"value": "urgent"})
    assert priority.kind is OutcomeKind.ACCEPTED
    first = await agency.write("withdraw", message, case_ids=case_ids)
    again = await agency.write("withdraw", message, case_ids=case_ids)
    assert (first.kind, again.kind, again.already_there) == (OutcomeKind.ACCEPTED, OutcomeKind.ACCEPTED, True)
    ticket = product.tickets[1]
    assert (ticket.priority, ticket.status) == (100, "rejected")
    assert (await agency.reopen(message, case_ids, "Яма на месте")).kind is OutcomeKind.ACCEPTED
    assert (ticket.status, ticket.said) == (
        "open",
        ["Заявитель дополняет: Яма стала глубже", "Заявитель не согласен с ответом: Яма на месте"],
    )


async def test_a_status_that_this_rt_does_not_have_is_no_withdrawal(
    product: RequestTracker, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Q45: status 200 for something that was ignored."""
    agency = connected(product, tmp_path, session, withdrawn="gone")
    message = agency.message()
    case_ids = await agency.submitted(message)
    assert (await agency.write("withdraw", message, case_ids=case_ids)).kind is OutcomeKind.REFUSED


@pytest.mark.parametrize("zone", ["UTC", "Asia/Yekaterinburg"])
async def test_changes_come_home_whatever_the_zone_of_the_query(
    zone: str, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Q46: query times in the zone of the API user, answers in UTC."""
    product = await RequestTracker(zone=zone).start()
    agency = connected(product, tmp_path, session, query_zone=zone)
    case_ids = await agency.submitted(agency.message())
    changes, cursor = await agency.reading(None, product.clock.now)
    assert [(one.case_id, one.means) for one in changes] == [("1", Status.REGISTERED)]
    product.works_on(1, "stalled", "Где именно яма?")
    changes, cursor = await agency.reading(cursor, product.clock.now)
    assert [(one.means, one.note, one.note_is_public) for one in changes] == [
        (Status.WAITING_FOR_CITIZEN, "Где именно яма?", True)
    ]
    product.works_on(1, "resolved", "Яма заделана.")
    changes, cursor = await agency.reading(cursor, product.clock.passes(600))
    assert (changes[0].means, changes[0].answer and changes[0].answer.text) == (Status.ANSWERED, "Яма заделана.")
    assert (await agency.ask(case_ids)).note == "Яма заделана."
    await product.stop()


async def test_a_feed_of_several_pages_shows_every_ticket_once(agency: Connected, product: RequestTracker) -> None:
    """Q19, Q47."""
    for number in range(110):
        await agency.submitted(agency.message(f"26-0001-{number:04}-0"))
    changes, _ = await agency.reading(None, product.clock.now)
    assert (len(changes), len({one.case_id for one in changes})) == (110, 110)


async def test_a_wrong_token_is_no_refusal(
    product: RequestTracker, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    stranger = connected(product, tmp_path, session, token="another")
    assert (await stranger.submit(stranger.message())).kind is OutcomeKind.TRY_LATER
    assert product.tickets == {}


async def test_an_rt_that_is_down_is_tried_later_and_taken_up_again(agency: Connected, product: RequestTracker) -> None:
    await product.stop()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    await product.start()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.ACCEPTED


async def test_a_queue_that_is_not_there_is_a_refusal_and_a_ticket_that_is_gone_has_no_state(
    agency: Connected, product: RequestTracker
) -> None:
    product.queue = "Another"
    assert (await agency.submit(agency.message())).kind is OutcomeKind.REFUSED
    with pytest.raises(AskRefused):
        await agency.ask({"case_id": "77"})
