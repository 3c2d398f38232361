"""People who have signed in: one row per issuer and subject, made once and remembered by the process.

Holds nothing about a person but who vouches for them. The memory is bounded: what falls out of it is read again.
"""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from uuid6 import uuid7

from store.tables import PersonRow
from store.unit import Database

_REMEMBERED = 50_000
_known: WeakKeyDictionary[Database, OrderedDict[tuple[str, str], UUID]] = WeakKeyDictionary()


async def person_id(database: Database, issuer: str, subject: str) -> UUID:
    """The key of the person whom `issuer` knows as `subject`; the row is made at their first visit."""
    person = remembered_person(database, issuer, subject)
    if person is not None:
        return person
    person = await _find(database, issuer, subject) or await _make(database, issuer, subject)
    known = _known.setdefault(database, OrderedDict())
    known[issuer, subject] = person
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
    return person


def remembered_person(database: Database, issuer: str, subject: str) -> UUID | None:
    """What `person_id` would give without asking the database."""
    known = _known.get(database)
    person = None if known is None else known.get((issuer, subject))
    if known is not None and person is not None:
        known.move_to_end((issuer, subject))
    return person


async def _find(database: Database, issuer: str, subject: str) -> UUID | None:
    statement = select(PersonRow.id).where(PersonRow.issuer == issuer, PersonRow.subject == subject)
    async with database.reader() as connection:
        found: UUID | None = await connection.scalar(statement)
    return found


async def _make(database: Database, issuer: str, subject: str) -> UUID:
    statement = (
        upsert(PersonRow)
        .values(id=uuid7(), issuer=issuer, subject=subject)
        .on_conflict_do_nothing()
        .returning(PersonRow.id)
    )
    async with database.unit() as unit:
        made: UUID | None = (await unit.execute(statement)).scalar()
    # Two first visits at once: the other one won, and its row is committed now.
    winner = made or await _find(database, issuer, subject)
    if winner is None:
        message = "a person's row vanished between two statements"
        raise RuntimeError(message)
    return winner
