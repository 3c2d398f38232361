"""Pauses of agencies: who is left alone, in which direction and why. A turn looks before it begins; nothing is lost meanwhile.

Promises: a pause holds for every worker from its commit on, but for the calls under way; its end makes the agency's turn due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from store.tables import InboxRow, OrganisationRow, PauseRow, TurnRow
from store.unit import Unit

Direction: TypeAlias = Literal["sending", "reading"]
DIRECTIONS: tuple[Direction, ...] = ("sending", "reading")


@dataclass(frozen=True, slots=True)
class PauseLine:
    """One direction that is paused."""

    organisation: str
    direction: Direction
    reason: str
    since: datetime


async def pause(unit: Unit, organisation_code: str, directions: Sequence[Direction], reason: str) -> None:
    """Leave the agency alone; a pause that is there gets the new reason. Raises LookupError for an unknown organisation."""
    known = select(OrganisationRow.code).where(OrganisationRow.code == organisation_code)
    if (await unit.execute(known)).first() is None:
        raise LookupError(organisation_code)
    for direction in directions:
        statement = upsert(PauseRow).values(organisation_code=organisation_code, direction=direction, reason=reason)
        await unit.execute(
            statement.on_conflict_do_update(
                index_elements=["organisation_code", "direction"], set_={"reason": statement.excluded.reason}
            )
        )


async def resume(unit: Unit, organisation_code: str, directions: Sequence[Direction]) -> list[Direction]:
    """End pauses and make the agency's turn due; the directions that were paused."""
    statement = (
        delete(PauseRow)
        .where(PauseRow.organisation_code == organisation_code, PauseRow.direction.in_(directions))
        .returning(PauseRow.direction)
    )
    ended = {row.direction for row in await unit.execute(statement)}
    if ended:
        await _make_due(unit, organisation_code)
    return [one for one in DIRECTIONS if one in ended]


async def paused(unit: Unit, organisation_code: str) -> frozenset[Direction]:
    """The directions of an agency that are paused now."""
    statement = select(PauseRow.direction).where(PauseRow.organisation_code == organisation_code)
    found = {row.direction for row in await unit.execute(statement)}
    return frozenset(one for one in DIRECTIONS if one in found)


async def all_pauses(unit: Unit) -> list[PauseLine]:
    """Every pause, by agency."""
    columns = (PauseRow.organisation_code, PauseRow.direction, PauseRow.reason, PauseRow.since)
    statement = select(*columns).order_by(PauseRow.organisation_code, PauseRow.direction.desc())
    return [
        PauseLine(row.organisation_code, "sending" if row.direction == "sending" else "reading", row.reason, row.since)
        for row in await unit.execute(statement)
    ]


@dataclass(frozen=True, slots=True)
class Bodies:
    """Bodies of an agency's inbox that were read before."""

    webhooks: int
    polls: int
    broken: int


async def count_bodies(unit: Unit, organisation_code: str, since: datetime) -> Bodies:
    """What `read_again` would put back."""
    statement = select(
        func.count().filter(InboxRow.source == "webhook").label("webhooks"),
        func.count().filter(InboxRow.source != "webhook").label("polls"),
        func.count().filter(InboxRow.state == "broken").label("broken"),
    ).where(InboxRow.organisation_code == organisation_code, InboxRow.received_at >= since, InboxRow.state != "new")
    row = (await unit.execute(statement)).one()
    return Bodies(row.webhooks, row.polls, row.broken)


async def read_again(unit: Unit, organisation_code: str, since: datetime) -> int:
    """Let the agency's bodies be read once more, by its file as it is now; what was applied already changes nothing (P8). How many."""
    statement = (
        update(InboxRow)
        .where(InboxRow.organisation_code == organisation_code, InboxRow.received_at >= since, InboxRow.state != "new")
        .values(state="new", reason=None, done_at=None)
    )
    count = (await unit.execute(statement)).rowcount
    if count:
        await _make_due(unit, organisation_code)
    return count


async def _make_due(unit: Unit, organisation_code: str) -> None:
    """In the same transaction: a command ends at once, and a wake-up after its commit could be lost with it."""
    await unit.execute(
        update(TurnRow)
        .where(TurnRow.organisation_code == organisation_code)
        .values(due_at=func.least(TurnRow.due_at, func.now()))
    )
    unit.nudge(organisation_code)
