"""A wish for a message that is there, queued for the body that has it: behind everything earlier of the same message (P5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert as upsert
from uuid6 import uuid7

from domain.delivery import OPEN_STATES, DeliveryState, Purpose
from domain.event import EventKind
from domain.message import Priority, Resolution
from domain.rights import Right
from domain.status import Status
from domain.viewer import Viewer
from store.messages import AttachmentsNotYours
from store.scope import audience_of, holds, viewer_parameters, visible
from store.tables import AnswerRow, AttachmentRow, DeliveryRow, EventRow, IdempotencyRow, MessageRow, VerdictRow
from store.unit import Unit

_NEVER_ARRIVED = frozenset({DeliveryState.CANCELLED, DeliveryState.REFUSED})
_UNFINISHED = OPEN_STATES | {DeliveryState.WAITS_FOR_PERSON}


@dataclass(frozen=True, slots=True)
class Holder:
    """The organisation that has a message, or will have it when its submission arrives."""

    organisation_code: str
    round: int
    on_desk: bool
    """It has no system of its own."""
    is_unsent: bool
    """Nobody outside has seen the submission yet. It stays so until the unit ends."""


async def who_has(unit: Unit, message_id: UUID) -> Holder | None:
    """Who has a message that this unit has locked; None where nobody does, or the organisation's system refused it."""
    submitted = (
        select(DeliveryRow.organisation_code, DeliveryRow.state, DeliveryRow.round, DeliveryRow.attempts)
        .where(DeliveryRow.message_id == message_id, DeliveryRow.purpose == Purpose.SUBMIT)
        .order_by(DeliveryRow.position.desc())
        .limit(1)
        # A worker that is about to send it comes before this unit or after it.
        .with_for_update()
    )
    last = (await unit.execute(submitted)).one_or_none()
    if last is None or last.state in _NEVER_ARRIVED:
        return None
    unsent = last.state in (DeliveryState.QUEUED, DeliveryState.READY) and last.attempts == 0
    return Holder(last.organisation_code, last.round, last.state is DeliveryState.ON_DESK, unsent)


async def queue_wish(
    unit: Unit,
    message_id: UUID,
    purpose: Purpose,
    now: datetime,
    body: Mapping[str, Any] | None = None,
    *,
    files: Sequence[UUID] = (),
) -> Holder | None:
    """Queue word of a wish for the organisation that has, or may have, the message; None when none has it.

    `body` is what the wish says, by the names an agency file knows: `comment`, `reopening` or `priority`. Whether the organisation's system
    can do it shows when it is brought: what it cannot is a line of the message's history that the citizen reads. `files` are those of the
    message that this delivery brings.
    """
    holder = await who_has(unit, message_id)
    if holder is None:
        return None
    before = select(
        func.max(DeliveryRow.position).label("position"),
        func.coalesce(func.bool_or(DeliveryRow.state.in_(_UNFINISHED)), False).label("unfinished"),
    ).where(DeliveryRow.message_id == message_id)
    earlier = (await unit.execute(before)).one()
    state = DeliveryState.QUEUED if earlier.unfinished else DeliveryState.READY
    if holder.on_desk:
        # Its own people work on the desk, and see there what the citizen wishes.
        state = DeliveryState.ON_DESK
    delivery_id = uuid7()
    await unit.execute(
        insert(DeliveryRow).values(
            id=delivery_id,
            message_id=message_id,
            organisation_code=holder.organisation_code,
            purpose=purpose,
            body=None if body is None else dict(body),
            position=earlier.position + 1,
            round=holder.round,
            state=state,
            next_attempt_at=now if state is DeliveryState.READY else None,
            waits_since=now if holder.on_desk else None,
            owner=holder.organisation_code if holder.on_desk else None,
        )
    )
    if files:
        own = update(AttachmentRow).where(AttachmentRow.id.in_(files), AttachmentRow.message_id == message_id)
        await unit.execute(own.values(delivery_id=delivery_id))
    unit.nudge(holder.organisation_code)
    return holder


async def claim_key(unit: Unit, person_id: UUID, key: str, fingerprint: bytes, message_id: UUID) -> bool:
    """Take an idempotency key for a wish. False when the person used it before: read it with `store.messages.find_by_key` (P2)."""
    statement = (
        upsert(IdempotencyRow)
        .values(person_id=person_id, key=key, fingerprint=fingerprint, message_id=message_id)
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.message_id)
    )
    return (await unit.execute(statement)).first() is not None


async def count_comments(unit: Unit, message_id: UUID) -> int:
    """How many comments a message has."""
    statement = select(func.count()).where(EventRow.message_id == message_id, EventRow.kind == EventKind.COMMENT)
    return int((await unit.execute(statement)).scalar_one())


async def count_files(unit: Unit, message_id: UUID) -> int:
    """How many files a message has."""
    statement = select(func.count()).where(AttachmentRow.message_id == message_id)
    return int((await unit.execute(statement)).scalar_one())


async def add_files(unit: Unit, person_id: UUID, message_id: UUID, files: Sequence[UUID]) -> list[str]:
    """Put uploaded files behind those of a message that this unit has locked; their names, in order. Raises AttachmentsNotYours."""
    last = select(func.coalesce(func.max(AttachmentRow.position), 0)).where(AttachmentRow.message_id == message_id)
    position = int((await unit.execute(last)).scalar_one())
    names: list[str] = []
    for number, file in enumerate(files, position + 1):
        claimed = (
            update(AttachmentRow)
            .where(AttachmentRow.id == file, AttachmentRow.person_id == person_id, AttachmentRow.message_id.is_(None))
            .values(message_id=message_id, position=number)
            .returning(AttachmentRow.file_name)
        )
        name = (await unit.execute(claimed)).scalar_one_or_none()
        if name is None:
            raise AttachmentsNotYours
        names.append(name)
    return names


async def begin_round(unit: Unit, message_id: UUID, consideration: int, now: datetime) -> None:
    """Send a message that this unit has locked and judged into its next round. Its deadline stays (P12)."""
    status = type_coerce(Status.ROUTED, MessageRow.__table__.c.status.type)
    await unit.execute(
        update(MessageRow)
        .where(MessageRow.id == message_id)
        .values(status=status, status_since=now, round=consideration)
    )


async def last_verdict(unit: Unit, message_id: UUID) -> Resolution | None:
    """What the citizen said last of whether the problem is gone; None where they rated nothing."""
    statement = (
        select(VerdictRow.resolution)
        .join(AnswerRow, AnswerRow.id == VerdictRow.answer_id)
        .where(AnswerRow.message_id == message_id)
        .order_by(AnswerRow.version.desc())
        .limit(1)
    )
    return (await unit.execute(statement)).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message as an official finds it. `is_theirs` says that they work where it is, and not only see it as its author."""

    id: UUID
    status: Status
    priority: Priority
    is_theirs: bool


async def lock_seen(unit: Unit, viewer: Viewer, reference: str) -> SeenMessage | None:
    """A message the viewer may see, locked until the unit ends; None for any other (P13)."""
    audience = audience_of(viewer)
    table = MessageRow.__table__
    works_there = holds(audience, Right.MESSAGES, table.c.organisation_code)
    statement = (
        select(table.c.id, table.c.status, table.c.priority, works_there.label("is_theirs"))
        .where(table.c.reference == reference, visible(audience, MessageRow, table))
        .with_for_update(of=table)
    )
    row = (await unit.execute(statement, viewer_parameters(viewer))).one_or_none()
    return None if row is None else SeenMessage(row.id, row.status, row.priority, bool(row.is_theirs))


async def note_priority(unit: Unit, message_id: UUID, priority: Priority) -> None:
    """Set how urgent a message is that this unit has locked."""
    wanted = type_coerce(priority, MessageRow.__table__.c.priority.type)
    await unit.execute(update(MessageRow).where(MessageRow.id == message_id).values(priority=wanted))
