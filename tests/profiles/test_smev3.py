"""`uses: smev3@1` against a fake queue, in both directions."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from adapters.adapter import FeedRefused
from domain.foreign_change import Meaning
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.fakes.smev3 import Smev3
from tests.profiles.story import HARD_TEXT, Connected, photo

CASE = "7d814314-5335-11f0-a819-ed5ee62702ea"


@pytest_asyncio.fixture
async def queue() -> AsyncIterator[Smev3]:
    queue = await Smev3().start()
    yield queue
    await queue.stop()


@pytest.fixture
def agency(queue: Smev3, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    return Connected.by("smev3@1", {"address": "${NORTH_ADDRESS}"}, {"NORTH_ADDRESS": queue.address}, tmp_path, session)


async def test_a_message_is_queued_under_an_identifier_of_version_1_with_its_files_beside_the_body(
    agency: Connected, queue: Smev3
) -> None:
    files = (photo(1, b"\xff\xd8 first \x00"), photo(2, b"\xff\xd8 second"))
    outcome = await agency.submit(agency.message(text=HARD_TEXT, attachments=files))
    assert (outcome.kind, outcome.case_id) == (OutcomeKind.ACCEPTED, CASE)
    assert uuid.UUID(CASE).version == 1
    request = queue.requests[CASE]
    assert request.said["Text"] == HARD_TEXT
    assert (request.said["Reference"], request.said["ReceivedAt"]) == ("26-0001-2345-8", "2026-03-02T12:00:00+03:00")
    assert request.files == [("image/jpeg", b"\xff\xd8 first \x00"), ("image/jpeg", b"\xff\xd8 second")]


@pytest.mark.parametrize("kind", ["lost_reply", "half", "created_with_error"])
async def test_a_message_whose_answer_was_lost_is_sent_again_and_is_there_once(
    agency: Connected, queue: Smev3, kind: str
) -> None:
    """Q8, Q44: the queue knows the MessageID, and its fault is a success."""
    queue.spoil(kind, "SendRequest")
    first = await agency.submit(agency.message())
    again = await agency.submit(agency.message())
    assert (first.kind, again.kind, again.already_there, again.case_id) == (
        OutcomeKind.UNKNOWN,
        OutcomeKind.ACCEPTED,
        True,
        CASE,
    )
    assert len(queue.requests) == 1


async def test_a_queue_that_takes_nothing_now_is_tried_later(agency: Connected, queue: Smev3) -> None:
    await queue.stop()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    await queue.start()
    queue.stands = True
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    queue.stands = False
    assert (await agency.submit(agency.message())).kind is OutcomeKind.ACCEPTED


async def test_our_own_number_does_not_make_an_unknown_fault_a_success(agency: Connected, queue: Smev3) -> None:
    """Q7: only a number of theirs beats an error."""
    queue.spoil("error_500", "SendRequest")
    assert (await agency.submit(agency.message())).kind is OutcomeKind.UNKNOWN
    assert queue.requests == {}


async def test_answers_come_one_by_one_and_leave_the_queue_when_they_are_safe(agency: Connected, queue: Smev3) -> None:
    """Q15: nothing is acknowledged before it is kept."""
    await agency.submitted(agency.message())
    own = [
        queue.reports(CASE, 2, "принято"),
        queue.says(CASE, "QUESTION", "Где именно яма?"),
        queue.says(CASE, "ANSWERED", answer="Яма заделана."),
    ]
    changes, cursor = await agency.reading()
    assert [(one.case_id, one.means, one.note, one.note_is_public) for one in changes] == [
        (CASE, Status.REGISTERED, "принято", False),
        (CASE, Status.WAITING_FOR_CITIZEN, "Где именно яма?", True),
        (CASE, Status.ANSWERED, None, False),
    ]
    assert changes[2].answer is not None
    assert changes[2].answer.text == "Яма заделана."
    assert [one.event_key for one in changes] == own == queue.acknowledged
    assert await agency.reading(cursor) == ([], {})


async def test_an_answer_that_was_not_acknowledged_comes_again_and_is_known(agency: Connected, queue: Smev3) -> None:
    """P8: seen twice, it changes nothing the second time."""
    await agency.submitted(agency.message())
    queue.says(CASE, "IN_PROGRESS")
    _, first = await agency.page(None, acknowledges=False)
    _, again = await agency.page(None)
    keys = [item.change.event_key for item in (*first, *again) if item.change is not None]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_a_request_that_the_agency_does_not_take_is_declined_with_a_private_reason(
    agency: Connected, queue: Smev3
) -> None:
    await agency.submitted(agency.message())
    queue.rejects(CASE, "NO_DATA", "нет данных")
    changes, _ = await agency.reading()
    assert [(one.means, one.note, one.note_is_public) for one in changes] == [
        (Status.CLOSED_UNSOLVED, "нет данных", False)
    ]


async def test_a_code_nobody_told_us_of_waits_for_a_person(agency: Connected, queue: Smev3) -> None:
    queue.reports(CASE, 77, "что-то")
    changes, _ = await agency.reading()
    assert [one.means for one in changes] == [Meaning.UNKNOWN]


async def test_a_fault_of_the_queue_is_no_empty_queue(
    agency: Connected, queue: Smev3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "on_GetResponseRequest", None)
    with pytest.raises(FeedRefused):
        await agency.page(None)
