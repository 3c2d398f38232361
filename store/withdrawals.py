"""A withdrawal on disk: what has not left us is cancelled, what may have arrived is taken back by a delivery of its own, in order (P5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, update

from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.status import Mover, Status
from store.messages import NewEvent, move, record_events
from store.tables import DeliveryRow, MessageRow
from store.unit import Unit
from store.wishes import queue_wish

_CANCELLED_BECAUSE = "the citizen withdrew the message before it was sent"


async def record_withdrawal(unit: Unit, message: MessageRow, now: datetime) -> None:
    """Withdraw a message that this unit has locked and judged by the table."""
    await move(unit, message.id, Status.WITHDRAWN, now)
    event = NewEvent(
        message.id, EventKind.STATUS, Mover.CITIZEN, from_status=message.status, to_status=Status.WITHDRAWN
    )
    await record_events(unit, [event])
    if not await _cancel_unsent(unit, message.id, now):
        await queue_wish(unit, message.id, Purpose.WITHDRAW, now)


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
    if cancelled.rowcount == 0:
        return False
    # What was to follow the submission has nothing to follow any more.
    behind = DeliveryRow.state.in_((DeliveryState.QUEUED, DeliveryState.ON_DESK))
    await unit.execute(
        update(DeliveryRow)
        .where(DeliveryRow.message_id == message_id, DeliveryRow.purpose != Purpose.SUBMIT, behind)
        .values(state=DeliveryState.CANCELLED, finished_at=now, waits_since=None, owner=None, reason=_CANCELLED_BECAUSE)
    )
    return True
