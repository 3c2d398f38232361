"""What an agency says of a message's topic is a line of the history, and what the citizen added is known again when it comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from domain.event import EventKind
from domain.status import Mover
from store.messages import NewEvent, record_events
from store.tables import CategoryRow, MessageRow
from store.unit import Database
from tests.delivery.listening import DATED, Hub, Works, change, gives, hub, poll

KINDS = """
translate: {kinds: {roads/pothole: "0412", roads/sign: "0418", roads/asphalt: "0412"}}
translate_back: {kinds: {"0412": roads/pothole, "0499": no/such}}
"""
TOPICS = f"{DATED}\ncategory: item.kind | translate_back('kinds')"


@pytest.fixture
async def here(listening_database: Database, tmp_path: Path, works_agency: Works) -> AsyncIterator[Hub]:
    named = (
        ("roads/pothole", "Яма", "Pothole"),
        ("roads/sign", "Знак", "Sign"),
        ("roads/asphalt", "Асфальт", "Asphalt"),
    )
    rows = [
        {"code": code, "name_ru": ru, "name_en": en, "position": 1, "rubricator_version": "1"} for code, ru, en in named
    ]
    async with listening_database.unit() as unit:
        await unit.execute(insert(CategoryRow).on_conflict_do_nothing(), rows)
    async with hub(listening_database, tmp_path, works_agency, poll(TOPICS), KINDS) as running:
        yield running


async def _case(here: Hub, category: str | None = "roads/pothole") -> str:
    reference = await here.case("1")
    async with here.database.unit() as unit:
        mine = update(MessageRow).where(MessageRow.reference == reference)
        await unit.execute(mine.values(category_code=category))
    return reference


async def _lines(here: Hub, reference: str) -> list[dict[str, Any]]:
    return [one for one in await here.told(reference) if one["kind"] == "CATEGORY"]


async def _category(here: Hub, reference: str) -> object:
    return (await here.rows("SELECT category_code FROM message WHERE reference = :r", r=reference))[0]["category_code"]


async def test_q24_another_topic_is_a_line_of_the_history_and_the_message_keeps_its_own(
    here: Hub, works_agency: Works
) -> None:
    reference = await _case(here)
    gives(works_agency, change("1", "work", kind="0418"))
    await here.listen()
    (line,) = await _lines(here, reference)
    assert line["note"] == (
        "Организация отнесла сообщение к теме «Знак» (roads/sign). The organisation files the message under “Sign” (roads/sign)."
    )
    assert line["note_is_public"]
    assert await _category(here, reference) == "roads/pothole"
    assert await here.status(reference) == "IN_PROGRESS"


async def test_q24_only_what_is_news_is_written_down(here: Hub, works_agency: Works) -> None:
    """Their one code stands for two of our topics: the row of `translate_back` decides which, and it is the message's own."""
    reference = await _case(here)
    kinds = ["0412", "0418", "0418", "0412", "0412"]
    gives(works_agency, *(change("1", "work", f"2026-03-02T11:0{n}:00", kind=kind) for n, kind in enumerate(kinds)))
    await here.listen()
    gives(works_agency, *(change("1", "work", f"2026-03-02T11:0{n}:00", kind=kind) for n, kind in enumerate(kinds)))
    await here.listen()
    assert [one["note"].partition("(")[2].partition(")")[0] for one in await _lines(here, reference)] == [
        "roads/sign",
        "roads/pothole",
    ]


@pytest.mark.parametrize("kind", ["7777", "0499", None])
async def test_q24_a_kind_that_nobody_knows_takes_nothing_else_of_the_item_away(
    here: Hub, works_agency: Works, kind: str | None
) -> None:
    """No row in the file, a row with a topic that the rubricator lacks, no kind at all."""
    reference = await _case(here)
    gives(works_agency, change("1", "work", **({"kind": kind} if kind else {})))
    await here.listen()
    assert await _lines(here, reference) == []
    assert await here.status(reference) == "IN_PROGRESS"
    assert await here.held() == []


async def test_a_message_without_a_topic_of_its_own_is_told_of_the_agencys(here: Hub, works_agency: Works) -> None:
    reference = await _case(here, None)
    gives(works_agency, change("1", "work", kind="0418"))
    await here.listen()
    assert len(await _lines(here, reference)) == 1
    assert await _category(here, reference) is None


async def test_q33_what_the_citizen_added_later_is_not_told_back_to_them(here: Hub, works_agency: Works) -> None:
    reference = await _case(here)
    async with here.database.unit() as unit:
        message_id = (await unit.execute(select(MessageRow.id).where(MessageRow.reference == reference))).scalar_one()
        added = NewEvent(message_id, EventKind.COMMENT, Mover.CITIZEN, note="Стало ещё глубже, машина пробила колесо")
        await record_events(unit, [added])
    gives(
        works_agency,
        change("1", "same", "2026-03-02T11:00:00", note="стало ещё глубже,\nмашина пробила колесо"),
        change("1", "same", "2026-03-02T11:01:00", note="Спасибо, учли"),
    )
    await here.listen()
    assert [one["note"] for one in await here.told(reference)] == ["Спасибо, учли"]
