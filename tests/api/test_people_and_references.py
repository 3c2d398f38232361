"""People get one row each, and numbers are never given twice, whoever asks at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from sqlalchemy import func, select

from domain.reference import read_reference
from store.people import person_id
from store.references import BLOCK_SIZE, ReferenceSource
from store.tables import PersonRow
from store.unit import Database

NEW_YEAR_IN_MOSCOW = datetime(2026, 12, 31, 21, 30, tzinfo=UTC)


async def test_many_first_visits_at_once_make_one_person(database: Database) -> None:
    ids = await asyncio.gather(*(person_id(database, "issuer", "subject") for _ in range(8)))
    assert len(set(ids)) == 1
    async with database.reader() as connection:
        assert await connection.scalar(select(func.count()).select_from(PersonRow)) == 1


async def test_the_same_subject_of_another_issuer_is_another_person(database: Database) -> None:
    assert await person_id(database, "one", "subject") != await person_id(database, "two", "subject")


async def test_numbers_of_several_processes_never_meet(database: Database) -> None:
    sources = [ReferenceSource(database) for _ in range(3)]
    taken = await asyncio.gather(
        *(source.take(NEW_YEAR_IN_MOSCOW) for source in sources for _ in range(BLOCK_SIZE + 5))
    )
    assert len(set(taken)) == len(taken) == 3 * (BLOCK_SIZE + 5)
    assert all(read_reference(number) == number for number in taken)


async def test_the_year_is_the_one_in_moscow(database: Database) -> None:
    assert (await ReferenceSource(database).take(NEW_YEAR_IN_MOSCOW)).startswith("27-")
