"""`uses: delo@1` against an office on the other side of the folder, in both directions."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from domain.outcome import OutcomeKind
from domain.status import Status
from tests.fakes.delo import Office
from tests.profiles.story import HARD_TEXT, Connected, photo

UID = "0197b0a0-0000-7000-8000-000000000001"
SEV = {"s": "http://www.eos.ru/2010/sev"}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "delo")


@pytest.fixture
def agency(office: Office, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    answers = {
        "folder": "${NORTH_FOLDER}",
        "our_uid": "4313BCFDAD6A422EA375EF34BB248BCD",
        "our_name": "Платформа",
        "their_uid": "5313BCFDAD6A422EA375EF34BB248BCD",
        "their_name": "Северная управа",
    }
    return Connected.by("delo@1", answers, {"NORTH_FOLDER": str(office.root)}, tmp_path, session)


async def test_a_message_becomes_a_registration_card_with_its_files(agency: Connected, office: Office) -> None:
    files = (photo(1, b"\xff\xd8 first \x00"), photo(2, b"\xff\xd8 second"))
    outcome = await agency.submit(agency.message(text=HARD_TEXT, attachments=files))
    assert (outcome.kind, outcome.case_id) == (OutcomeKind.ACCEPTED, UID)
    (packet,) = office.takes()
    assert sorted(packet) == ["1-Фото двора.JPG", "2-Фото двора.JPG", "DocInfo.xml"]
    card = office.card(packet)
    assert card.findtext(".//s:RegistrationInfo/s:Number", "", SEV) == "26-0001-2345-8"
    assert card.findtext(".//s:Annotation", "", SEV) == HARD_TEXT.replace("\r\n", "\n")
    named = {one.get("UID"): one.get("UniqueName") for one in card.iterfind(".//s:Resource", SEV)}
    assert named == {"0": "DocInfo.xml", "1": "1-Фото двора.JPG", "2": "2-Фото двора.JPG"}
    assert [one.get("ResourceID") for one in card.iterfind(".//s:File", SEV)] == ["1", "2"]


async def test_a_repeat_is_known_after_the_card_was_taken(agency: Connected, office: Office) -> None:
    await agency.submitted(agency.message())
    office.takes()
    assert (await agency.submit(agency.message())).already_there
    assert office.takes() == []


async def test_a_folder_that_is_not_there_is_tried_later(agency: Connected, office: Office) -> None:
    (office.root / "out").rmdir()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    (office.root / "out").mkdir()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.ACCEPTED


async def test_notifications_come_home_and_are_kept(agency: Connected, office: Office) -> None:
    told = [
        office.reports(UID, "<Reception>2026-03-02T12:00:00</Reception>"),
        office.reports(UID.upper(), '<Registration DocumentID="7" SystemDate="2026-03-02T12:00:00"/>'),
        office.reports(UID, '<Registration DocumentID="7"/><Consideration TaskID="1"/><Consideration TaskID="2"/>'),
        office.reports(UID, '<Answer DocumentID="8"><Date>2026-03-05T12:00:00</Date></Answer>', "Яма заделана."),
    ]
    changes, cursor = await agency.reading()
    assert [(one.case_id, getattr(one.means, "value", one.means)) for one in changes] == [
        (UID, "unchanged"),
        (UID, Status.REGISTERED.value),
        (UID, Status.IN_PROGRESS.value),
        (UID, Status.ANSWERED.value),
    ]
    assert [one.event_key for one in changes] == told
    assert changes[3].answer is not None
    assert changes[3].answer.text == "Яма заделана."
    assert sorted(one.name for one in (office.root / "archive" / "in").iterdir()) == [
        "1.xml",
        "2.xml",
        "3.xml",
        "4.xml",
    ]
    assert await agency.reading(cursor) == ([], {})


async def test_a_refusal_tells_its_reason(agency: Connected, office: Office) -> None:
    office.reports(UID, '<Failure Code="3">Неверный адресат</Failure>')
    changes, _ = await agency.reading()
    assert [(one.means, one.note, one.note_is_public) for one in changes] == [
        (Status.CLOSED_UNSOLVED, "Неверный адресат", True)
    ]
