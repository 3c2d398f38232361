"""The last state that an organisation told of a case, from the event log: what is shown while its own system is silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, case, func, literal_column, or_, select, true

from domain.status import Mover, Status
from domain.viewer import Viewer
from store.scope import Audience, audience_of, viewer_parameters, visible
from store.tables import CaseRow, EventRow
from store.unit import Database


@dataclass(frozen=True, slots=True)
class KnownState:
    """`as_of` is when the service saw it, `since` when it happened in the organisation's words. Without any word from it, the case was delivered."""

    code: str | None
    status: Status | None
    since: datetime | None
    note: str | None
    as_of: datetime


async def last_known(database: Database, viewer: Viewer | None, cases: Sequence[UUID]) -> dict[UUID, KnownState]:
    """By the keys of the cases; those that the viewer may not see are missing."""
    statement = _statement(audience_of(viewer), cases)
    async with database.reader() as connection:
        rows = (await connection.execute(statement, viewer_parameters(viewer))).all()
    return {
        row.id: KnownState(None, Status.DELIVERED, None, None, row.created_at)
        if row.observed_at is None
        else KnownState(row.foreign_code, row.to_status, row.occurred_at, row.note, row.observed_at)
        for row in rows
    }


def _statement(audience: Audience, cases: Sequence[UUID]) -> Select[tuple[object, ...]]:
    ours, event = CaseRow.__table__.alias(), EventRow.__table__.alias()
    later = CaseRow.__table__.alias()
    next_round_began = (
        select(func.min(later.c.created_at))
        .where(
            later.c.message_id == ours.c.message_id,
            later.c.organisation_code == ours.c.organisation_code,
            later.c.round > ours.c.round,
        )
        .correlate(ours)
        .scalar_subquery()
    )
    # An organisation may get a message again in a later round, under another case: its words of one round are not those of the other.
    of_this_round = and_(
        or_(ours.c.round == 1, event.c.observed_at >= ours.c.created_at),
        event.c.observed_at < func.coalesce(next_round_began, literal_column("'infinity'::timestamptz")),
    )
    told = (
        select(
            event.c.foreign_code,
            event.c.to_status,
            event.c.occurred_at,
            event.c.observed_at,
            case((event.c.note_is_public, event.c.note)).label("note"),
        )
        .where(
            event.c.message_id == ours.c.message_id,
            event.c.organisation_code == ours.c.organisation_code,
            event.c.actor == Mover.AGENCY,
            event.c.foreign_code.is_not(None),
            of_this_round,
        )
        .order_by(event.c.id.desc())
        .limit(1)
        .lateral()
    )
    return (
        select(ours.c.id, ours.c.created_at, *told.c)
        .select_from(ours.outerjoin(told, true()))
        .where(ours.c.id.in_(cases), visible(audience, CaseRow, ours))
    )
