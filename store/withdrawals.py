"""A withdrawal on disk: what has not left us is cancelled, what may have arrived is taken back by a delivery of its own, in order (P5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, or_, select, update
from uuid6 import uuid7

from domain.delivery import OPEN_STATES, DeliveryState, Purpose
from domain.event import EventKind
from domain.status import Mover, Status
from store.messages import NewEvent, move, record_events
from store.tables import DeliveryRow, MessageRow
from store.unit import Unit

_NEVER_ARRIVED = frozenset({DeliveryState.CANCELLED, DeliveryState.REFUSED})
_UNFINISHED = OPEN_STATES | {DeliveryState.WAITS_FOR_PERSON}
_CANCELLED_BECAUSE = "the citizen withdrew the message before it was sent"


async def record_withdrawal(unit: Unit, message: MessageRow, now: datetime) -> None:
    """Withdraw a message that this unit has locked and judged by the table."""
    await move(unit, message.id, Status.WITHDRAWN, now)
    event = NewEvent(
        message.id, EventKind.STATUS, Mover.CITIZEN, from_status=message.status, to_status=Status.WITHDRAWN
    )
    await record_events(unit, [event])
    if not await _cancel_unsent(unit, message.id, now):
        await _take_back(unit, message.id, now)


async def _cancel_unsent(unit: Unit, message_id: UUID, now: datetime) -> bool:
    """Whether there was a delivery that nobody outside had seen yet."""
    waiting = DeliveryRow.state.in_((DeliveryState.QUEUED, DeliveryState.READY)) & (DeliveryRow.attempts == 0)
    cancelled = await unit.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.message_id == message_id,
            DeliveryRow.purpose == Purpose.SUBMIT,
            or_(waiting, DeliveryRow.state == DeliveryState.ON_DESK),
        )
        .values(
            state=DeliveryState.CANCELLED,
            finished_at=now,
            next_attempt_at=None,
            waits_since=None,
            owner=None,
            reason=_CANCELLED_BECAUSE,
        )
    )
    return cancelled.rowcount > 0


async def _take_back(unit: Unit, message_id: UUID, now: datetime) -> None:
    """Queue word of the withdrawal for the organisation that has, or may have, the message."""
    submitted = (
        select(DeliveryRow.organisation_code, DeliveryRow.state, DeliveryRow.round)
        .where(DeliveryRow.message_id == message_id, DeliveryRow.purpose == Purpose.SUBMIT)
        .order_by(DeliveryRow.position.desc())
        .limit(1)
    )
    last = (await unit.execute(submitted)).one_or_none()
    if last is None or last.state in _NEVER_ARRIVED:
        return
    before = select(
        func.max(DeliveryRow.position).label("position"),
        func.coalesce(func.bool_or(DeliveryRow.state.in_(_UNFINISHED)), False).label("unfinished"),
    ).where(DeliveryRow.message_id == message_id)
    earlier = (await unit.execute(before)).one()
    await unit.execute(
        insert(DeliveryRow).values(
            id=uuid7(),
            message_id=message_id,
            organisation_code=last.organisation_code,
            purpose=Purpose.WITHDRAW,
            position=earlier.position + 1,
            round=last.round,
            state=DeliveryState.QUEUED if earlier.unfinished else DeliveryState.READY,
            next_attempt_at=None if earlier.unfinished else now,
        )
    )
    unit.nudge(last.organisation_code)
