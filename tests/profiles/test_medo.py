"""`uses: medo@1` against a partner on the other side of the folder, in both directions."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import aiohttp
import pytest

from domain.outcome import OutcomeKind
from domain.status import Status
from tests.fakes.medo import Partner
from tests.profiles.story import HARD_TEXT, Connected, photo

UID = "0197b0a0-0000-7000-8000-000000000001"


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(tmp_path / "medo")


@pytest.fixture
def agency(partner: Partner, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    answers = {
        "folder": "${NORTH_FOLDER}",
        "our_uid": "0a0b0c0d-1111-2222-3333-444455556666",
        "our_name": "Платформа",
        "their_uid": "0f0e0d0c-1111-2222-3333-444455556666",
        "their_name": "Северная управа",
        "their_address": "NORTH~MEDOGU",
    }
    return Connected.by("medo@1", answers, {"NORTH_FOLDER": str(partner.root)}, tmp_path, session)


async def test_a_message_becomes_a_packet_in_windows_1251_with_its_files(agency: Connected, partner: Partner) -> None:
    """Q28: the charset is the agency's; what it cannot hold is said otherwise."""
    files = (photo(1, b"\xff\xd8 first \x00"), photo(2, b"\xff\xd8 second"))
    outcome = await agency.submit(agency.message(text=HARD_TEXT, attachments=files))
    assert (outcome.kind, outcome.case_id) == (OutcomeKind.ACCEPTED, UID)
    (packet,) = partner.takes()
    assert packet.name == UID
    assert sorted(packet.files) == ["1-Фото двора.JPG", "2-Фото двора.JPG", "document.xml", "envelope.ini", "text.txt"]
    assert packet.files["1-Фото двора.JPG"] == b"\xff\xd8 first \x00"
    assert packet.files["document.xml"].startswith(b"<?xml version='1.0' encoding='windows-1251'?>")
    assert packet.value("x:header", "uid") == packet.value("x:document", "uid") == UID
    assert packet.value("", "version") == "2.6"
    assert packet.text("x:document/x:num/x:number") == "26-0001-2345-8"
    assert packet.text("x:document/x:annotation").startswith("Яма ? стоила 5 000 руб. <b>&amp;]]> „кавычки“ — №5…")
    listed = [one.get("{http://www.infpres.com/IEDMS}localName") for one in packet.document.iterfind(".//{*}file")]
    assert listed == ["text.txt", "1-Фото двора.JPG", "2-Фото двора.JPG"]
    envelope = packet.files["envelope.ini"].decode("windows-1251").split("\r\n")
    assert envelope[:2] == ["[ПИСЬМО КП ПС СЗИ]", "ТЕМА=Сообщение гражданина 26-0001-2345-8"]
    assert envelope[envelope.index("[ФАЙЛЫ]") + 1 :] == [
        "0=document.xml",
        "1=text.txt",
        "2=1-Фото двора.JPG",
        "3=2-Фото двора.JPG",
        "",
    ]


async def test_a_text_longer_than_the_annotation_arrives_whole_as_a_file(agency: Connected, partner: Partner) -> None:
    """Q27: what is cut keeps the whole beside it."""
    await agency.submitted(agency.message(text="Ы" * 9000))
    (packet,) = partner.takes()
    assert len(packet.text("x:document/x:annotation")) == 4000
    assert packet.files["text.txt"] == ("Ы" * 9000).encode("windows-1251")


async def test_a_repeat_is_known_before_and_after_the_packet_was_taken(agency: Connected, partner: Partner) -> None:
    first = await agency.submit(agency.message())
    again = await agency.submit(agency.message())
    taken = partner.takes()
    once_more = await agency.submit(agency.message())
    assert [one.already_there for one in (first, again, once_more)] == [False, True, True]
    assert (len(taken), partner.takes()) == (1, [])


async def test_another_content_under_the_same_name_is_refused(agency: Connected, partner: Partner) -> None:
    await agency.submitted(agency.message())
    assert (await agency.submit(agency.message(text="другое"))).kind is OutcomeKind.REFUSED
    assert len(partner.takes()) == 1


async def test_a_folder_that_is_not_there_is_tried_later(agency: Connected, partner: Partner) -> None:
    (partner.root / "out").rename(partner.root / "elsewhere")
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    (partner.root / "elsewhere").rename(partner.root / "out")
    assert (await agency.submit(agency.message())).kind is OutcomeKind.ACCEPTED


async def test_the_way_of_a_document_comes_home_packet_by_packet(agency: Connected, partner: Partner) -> None:
    """Q15: a packet is moved, never deleted, and only after it was read."""
    await agency.submitted(agency.message())
    (ours,) = partner.takes()
    partner.receipt(ours)
    changes, cursor = await agency.reading()
    assert [(one.case_id, one.means.value) for one in changes] == [(UID, "unchanged")]
    assert partner.takes() == []

    partner.notify(
        UID,
        "Зарегистрирован",
        "<xdms:documentAccepted><xdms:num><xdms:number>01-02/7</xdms:number></xdms:num></xdms:documentAccepted>",
    )
    partner.notify(UID, "Назначен исполнитель", "<xdms:executorAssigned/>")
    partner.notify(
        UID, "Исполнение", "<xdms:courseChanged><xdms:courseText>бригада 2</xdms:courseText></xdms:courseChanged>"
    )
    changes, cursor = await agency.reading(cursor)
    assert [(one.means, one.note_is_public) for one in changes] == [
        (Status.REGISTERED, False),
        (Status.IN_PROGRESS, False),
        (Status.IN_PROGRESS, False),
    ]
    partner.answer(UID, "Яма заделана.", {"ответ.pdf": b"%PDF-1.4"})
    changes, cursor = await agency.reading(cursor)
    assert changes[0].means is Status.ANSWERED
    assert changes[0].answer is not None
    assert changes[0].answer.text == "Яма заделана."
    assert sorted(one.name for one in (partner.root / "archive" / "in").iterdir()) == [
        f"пакет {n}" for n in range(1, 6)
    ]
    assert await agency.reading(cursor) == ([], {})


async def test_each_packet_but_a_receipt_gets_a_receipt_with_the_hashes_of_its_files(
    agency: Connected, partner: Partner
) -> None:
    partner.answer(UID, "Готово", {"ответ.pdf": b"%PDF-1.4"})
    await agency.reading()
    (receipt,) = partner.takes()
    assert receipt.value("x:header", "type") == "Квитанция"
    assert receipt.value("x:acknowledgment", "uid") == "00000000-0000-0000-0000-000000000001"
    assert receipt.text(".//x:item/x:name") == "ответ.pdf"
    assert receipt.text(".//x:item/x:code") == hashlib.sha256(b"%PDF-1.4").hexdigest()


async def test_a_refusal_tells_its_reason_to_the_citizen(agency: Connected, partner: Partner) -> None:
    partner.notify(
        UID,
        "Отказано в регистрации",
        "<xdms:documentRefused><xdms:reason>Ошибка адресации</xdms:reason></xdms:documentRefused>",
    )
    changes, _ = await agency.reading()
    assert (changes[0].means, changes[0].note, changes[0].note_is_public) == (
        Status.CLOSED_UNSOLVED,
        "Ошибка адресации",
        True,
    )


async def test_a_receipt_with_another_hash_waits_for_a_person(agency: Connected, partner: Partner) -> None:
    await agency.submitted(agency.message())
    (ours,) = partner.takes()
    partner.receipt(ours, spoiled="text.txt")
    _, items = await agency.page(None)
    assert [(item.change, item.fault) for item in items] == [(None, "the agency itself says that this item failed")]


@pytest.mark.parametrize("algorithm", ["ГОСТ Р 34.11-2012", None])
async def test_a_hash_that_cannot_be_computed_here_is_not_called_wrong(
    agency: Connected, partner: Partner, algorithm: str | None
) -> None:
    await agency.submitted(agency.message())
    (ours,) = partner.takes()
    partner.receipt(ours, algorithm=algorithm, spoiled="text.txt")
    changes, _ = await agency.reading()
    assert [one.means.value for one in changes] == ["unchanged"]


async def test_a_packet_that_is_still_being_written_is_left_alone(agency: Connected, partner: Partner) -> None:
    name = partner.answer(UID, "Готово", {"ответ.pdf": b"%PDF-1.4"}, without="ответ.pdf")
    assert await agency.reading() == ([], {})
    late = partner.root / "in" / name / "ответ.pdf"
    late.write_bytes(b"%PDF-1.4")
    assert await agency.reading() == ([], {})
    moment = late.stat().st_mtime - 60
    os.utime(late, (moment, moment))
    os.utime(late.parent, (moment, moment))
    changes, _ = await agency.reading()
    assert [one.means for one in changes] == [Status.ANSWERED]


async def test_half_a_document_is_left_alone_and_told_to_a_person_when_it_stays_half(
    agency: Connected, partner: Partner
) -> None:
    """Q16: one bad packet never stops the rest, and is never dropped silently."""
    partner.drop("half", {"document.xml": b"<?xml version='1.0'?><communication><hea"})
    partner.drop("old", {"document.xml": b"<communication><hea"}, age_s=7200)
    partner.notify(UID, "Зарегистрирован", "<xdms:documentAccepted/>")
    _, items = await agency.page(None)
    assert [item.fault is None for item in items] == [False, True]
    assert sorted(one.name for one in (partner.root / "in").iterdir()) == ["half"]


async def test_a_packet_without_a_case_waits_for_a_person(agency: Connected, partner: Partner) -> None:
    partner.put("Документ", "<xdms:document><xdms:annotation>О другом</xdms:annotation></xdms:document><xdms:files/>")
    _, items = await agency.page(None)
    assert [item.fault for item in items] == ["`case_id` is missing"]
