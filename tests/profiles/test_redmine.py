"""`uses: redmine@1` against a fake Redmine, in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from adapters.adapter import AskRefused, Found, NotFound
from domain.foreign_change import Meaning
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.fakes.redmine import Redmine
from tests.profiles.story import HARD_TEXT, Connected, photo

ANSWERS: dict[str, object] = {
    "address": "${NORTH_ADDRESS}",
    "api_key": "${NORTH_KEY}",
    "project": "appeals",
    "trackers": {"roads/pothole": "2", "*": "1"},
    "withdrawn": "6",
    "notes": "public",
}


@pytest_asyncio.fixture
async def product() -> AsyncIterator[Redmine]:
    product = await Redmine().start()
    yield product
    await product.stop()


def connected(product: Redmine, folder: Path, session: aiohttp.ClientSession, key: str = "redmine-key") -> Connected:
    return Connected.by("redmine@1", ANSWERS, {"NORTH_ADDRESS": product.origin, "NORTH_KEY": key}, folder, session)


@pytest.fixture
def agency(product: Redmine, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    return connected(product, tmp_path, session)


async def test_a_message_becomes_an_issue_with_our_number_in_its_subject(agency: Connected, product: Redmine) -> None:
    case_ids = await agency.submitted(agency.message(text=HARD_TEXT))
    issue = product.issues[int(case_ids["case_id"])]
    assert issue.subject == "26-0001-2345-8 Яма у остановки"
    assert issue.description == f"{HARD_TEXT} [Калуга, улица Суворова, 121] [54.507041, 36.252277]"
    assert issue.tracker_id == 2


async def test_a_message_without_a_place_and_with_the_longest_subject_is_taken(
    agency: Connected, product: Redmine
) -> None:
    bare = agency.message(subject="Я" * 400, latitude=None, longitude=None, address=None)
    issue = product.issues[int((await agency.submitted(bare))["case_id"])]
    assert (len(issue.subject), issue.description) == (255, bare.text)


@pytest.mark.parametrize("kind", ["lost_reply", "half", "created_with_error", "html", "garbage", "error_500"])
async def test_a_broken_answer_is_unknown_and_the_look_up_tells_whether_there_is_an_issue(
    agency: Connected, product: Redmine, kind: str
) -> None:
    """Q43, Q44: an exception after sending is unknown; no filter of theirs is believed (Q18)."""
    await agency.submitted(agency.message("26-0001-2345-80"))
    product.spoil(kind, "POST /issues.json")
    assert (await agency.submit(agency.message())).kind is OutcomeKind.UNKNOWN
    found = await agency.look_up(agency.message())
    made = kind in ("lost_reply", "half", "created_with_error")
    assert found == (Found({"case_id": "2"}) if made else NotFound())


async def test_a_closed_issue_is_found_too(agency: Connected, product: Redmine) -> None:
    """Q47: closed cases are hidden unless they are asked for."""
    case_ids = await agency.submitted(agency.message())
    product.works_on(int(case_ids["case_id"]), 5)
    assert await agency.look_up(agency.message()) == Found(case_ids)


async def test_two_photos_arrive_byte_for_byte_with_their_names_and_a_repeat_adds_none(
    agency: Connected, product: Redmine
) -> None:
    """Q51: two steps, upload and use; the whole body is the file."""
    message = agency.message()
    case_ids = await agency.submitted(message)
    first, second = photo(1, b"\xff\xd8 first \x00"), photo(2, b"\xff\xd8 second", "папка/вид «сбоку» 2.png")
    outcomes = [await agency.attach(message, case_ids, one) for one in (first, second)]
    assert [one.kind for one in outcomes] == [OutcomeKind.ACCEPTED] * 2
    hung = [(one.content, one.name, one.content_type) for one in product.files.values() if one.issue]
    assert hung == [
        (first.content, "Фото двора.JPG", "image/jpeg"),
        (second.content, "вид «сбоку» 2.png", "image/jpeg"),
    ]


async def test_a_lost_answer_to_an_attachment_is_repeated_and_adds_it_once(agency: Connected, product: Redmine) -> None:
    message = agency.message()
    case_ids = await agency.submitted(message)
    uploaded = await agency.write("upload", message, case_ids=case_ids, item=photo(1, b"one"))
    item = replace(photo(1, b"one"), uploaded=dict(uploaded.kept))
    product.spoil("lost_reply", "PUT /issues/1.json")
    first = await agency.write("attachment", message, case_ids=case_ids, item=item)
    again = await agency.write("attachment", message, case_ids=case_ids, item=item)
    assert (first.kind, again.kind) == (OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED)
    assert [one.issue for one in product.files.values()] == [1]


async def test_what_the_citizen_wishes_reaches_the_issue(agency: Connected, product: Redmine) -> None:
    message = agency.message()
    case_ids = await agency.submitted(message)
    assert (await agency.comment(message, case_ids, "Яма стала глубже")).kind is OutcomeKind.ACCEPTED
    priority = await agency.write("set_priority", message, case_ids=case_ids, priority={"value": "urgent"})
    assert priority.kind is OutcomeKind.ACCEPTED
    assert (await agency.write("withdraw", message, case_ids=case_ids)).kind is OutcomeKind.ACCEPTED
    issue = product.issues[1]
    assert (issue.priority_id, issue.status_id) == (4, 6)
    assert [one["notes"] for one in issue.journals if one["notes"]] == [
        "Сообщение заявителя: Яма стала глубже",
        "Сообщение заявителя: отозвано.",
    ]
    assert (await agency.reopen(message, case_ids, "Яма на месте")).kind is OutcomeKind.ACCEPTED
    assert issue.status_id == 1


async def test_changes_come_home_and_private_notes_do_not(agency: Connected, product: Redmine) -> None:
    """Q38: what officials write for themselves stays with them."""
    case_ids = await agency.submitted(agency.message())
    changes, cursor = await agency.reading(None, product.clock.now)
    assert [(one.case_id, one.means) for one in changes] == [("1", Status.REGISTERED)]
    product.works_on(1, 4, "Где именно яма?")
    product.works_on(1, 4, "заявитель надоел", private=True)
    changes, cursor = await agency.reading(cursor, product.clock.now)
    assert [(one.means, one.note, one.note_is_public) for one in changes] == [
        (Status.WAITING_FOR_CITIZEN, "Где именно яма?", True)
    ]
    product.works_on(1, 5, "Яма заделана.")
    changes, cursor = await agency.reading(cursor, product.clock.now)
    assert changes[0].means is Status.ANSWERED
    assert changes[0].answer is not None
    assert changes[0].answer.text == "Яма заделана."
    assert changes[0].occurred_at == product.clock.now
    assert (await agency.ask(case_ids)).means is Status.ANSWERED


async def test_a_feed_of_several_pages_shows_every_issue_once(agency: Connected, product: Redmine) -> None:
    """Q19, Q47: pages go by what came and not by what was asked for."""
    for number in range(110):
        await agency.submitted(agency.message(f"26-0001-{number:04}-0"))
    changes, _ = await agency.reading(None, product.clock.now)
    assert len(changes) == 110
    assert len({one.case_id for one in changes}) == 110


async def test_our_own_words_are_not_told_back_to_the_citizen(agency: Connected, product: Redmine) -> None:
    """Q33: the echo of our own update."""
    message = agency.message()
    case_ids = await agency.submitted(message)
    await agency.comment(message, case_ids, "Яма стала глубже")
    changes, _ = await agency.reading(None, product.clock.now)
    assert [one.note for one in changes] == [None]


async def test_a_status_nobody_told_us_of_waits_for_a_person(agency: Connected, product: Redmine) -> None:
    await agency.submitted(agency.message())
    product.works_on(1, 9)
    changes, _ = await agency.reading(None, product.clock.now)
    assert changes[-1].means is Meaning.UNKNOWN


async def test_a_wrong_key_is_no_refusal(product: Redmine, tmp_path: Path, session: aiohttp.ClientSession) -> None:
    stranger = connected(product, tmp_path, session, key="another")
    outcome = await stranger.submit(stranger.message())
    assert outcome.kind is OutcomeKind.TRY_LATER
    assert product.issues == {}


async def test_a_redmine_that_is_down_is_tried_later_and_taken_up_again(agency: Connected, product: Redmine) -> None:
    await product.stop()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    await product.start()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.ACCEPTED


async def test_a_busy_redmine_is_tried_after_the_time_it_names(agency: Connected, product: Redmine) -> None:
    product.spoil("busy")
    outcome = await agency.submit(agency.message())
    assert (outcome.kind, outcome.retry_after_s) == (OutcomeKind.TRY_LATER, 1.0)


async def test_a_message_that_redmine_refuses_is_refused(agency: Connected, product: Redmine) -> None:
    product.project = "another"
    assert (await agency.submit(agency.message())).kind is OutcomeKind.REFUSED


async def test_an_issue_that_is_gone_has_no_state(agency: Connected) -> None:
    with pytest.raises(AskRefused) as refused:
        await agency.ask({"case_id": "77"})
    assert refused.value.unknown_case
