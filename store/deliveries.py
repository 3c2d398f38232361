"""The ledger of deliveries: pick what is due, note every attempt before it is made, and write down what it came to.

Everything is done for several deliveries in one unit, because a busy agency's deliveries finish in bunches. Locks are taken in one order, messages
before deliveries, each by id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from uuid6 import uuid7

from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.outcome import OutcomeKind
from domain.status import Mover, Status, judge_move
from store.messages import NewEvent, record_events
from store.tables import AttachmentRow, AttemptRow, CaseRow, CategoryRow, DeliveryRow, DeliveryStepRow, MessageRow
from store.turns import Claim
from store.unit import Unit

LOOK_UP_STEP = "look_up"


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """An attachment of a message as the ledger knows it; the bytes lie in the blob store under `sha256`."""

    id: UUID
    position: int
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """One delivery that is due, with everything needed to make the next call. `case_ids` is empty before the case exists."""

    id: UUID
    message: Mapping[str, Any]
    purpose: Purpose
    state: DeliveryState
    round: int
    attempts: int
    first_attempt_at: datetime | None
    steps_done: Mapping[str, Mapping[str, Any]]
    attachments: Sequence[StoredAttachment]
    case_ids: Mapping[str, str]

    @property
    def message_id(self) -> UUID:
        return UUID(str(self.message["id"]))


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is on disk before its call is made. `number` counts from 1 within the delivery."""

    id: UUID
    delivery: DueDelivery
    step: str
    number: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one attempt came to, ready to be written.

    `finished_step` is a step that is never repeated; `case_ids` are set when the case became known; `message_to` is a move the table is asked for.
    """

    attempt: Attempt
    outcome: OutcomeKind
    text: str
    state: DeliveryState
    next_attempt_at: datetime | None
    owner: str | None = None
    foreign_code: str | None = None
    http_status: int | None = None
    request_extract: str | None = None
    reply_extract: str | None = None
    finished_steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    case_ids: Mapping[str, str] | None = None
    message_to: Status | None = None
    note: str | None = None
    note_is_public: bool = False


_MESSAGE_COLUMNS = (
    MessageRow.id,
    MessageRow.reference,
    MessageRow.text,
    MessageRow.category_code,
    MessageRow.received_at,
    MessageRow.latitude,
    MessageRow.longitude,
    MessageRow.accuracy_m,
    MessageRow.address,
    MessageRow.territory_code,
    MessageRow.channel,
)


def _deliveries() -> Select[Any]:
    """Deliveries with their message, attachments, finished steps and case."""
    steps = (
        select(
            func.coalesce(
                func.jsonb_object_agg(DeliveryStepRow.name, DeliveryStepRow.result), func.jsonb_build_object()
            )
        )
        .where(DeliveryStepRow.delivery_id == DeliveryRow.id)
        .scalar_subquery()
    )
    file = AttachmentRow
    one_file = func.jsonb_build_array(
        file.id, file.position, file.file_name, file.media_type, file.size_bytes, file.sha256
    )
    files = (
        select(func.coalesce(func.jsonb_agg(aggregate_order_by(one_file, file.position)), func.jsonb_build_array()))
        .where(file.message_id == MessageRow.id)
        .scalar_subquery()
    )
    ids = (
        select(CaseRow.ids)
        .where(
            CaseRow.message_id == MessageRow.id,
            CaseRow.organisation_code == DeliveryRow.organisation_code,
            CaseRow.round == DeliveryRow.round,
        )
        .scalar_subquery()
    )
    return (
        select(
            DeliveryRow.id.label("delivery_id"),
            DeliveryRow.purpose,
            DeliveryRow.state,
            DeliveryRow.round,
            DeliveryRow.attempts,
            DeliveryRow.first_attempt_at,
            CategoryRow.name_ru.label("category_name"),
            steps.label("steps_done"),
            files.label("files"),
            ids.label("case_ids"),
            *_MESSAGE_COLUMNS,
        )
        .join(MessageRow, MessageRow.id == DeliveryRow.message_id)
        .outerjoin(CategoryRow, CategoryRow.code == MessageRow.category_code)
        .where(DeliveryRow.organisation_code == bindparam("organisation_code"))
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )


_DUE = (
    _deliveries()
    .where(
        DeliveryRow.state.in_((DeliveryState.READY, DeliveryState.LOOKING_UP)),
        DeliveryRow.next_attempt_at <= func.now(),
    )
    .order_by(DeliveryRow.next_attempt_at, DeliveryRow.id)
    .limit(bindparam("at_most"))
)
_ABANDONED = (
    _deliveries()
    .add_columns(AttemptRow.id.label("attempt_id"), AttemptRow.step, AttemptRow.number, AttemptRow.started_at)
    .join(AttemptRow, AttemptRow.delivery_id == DeliveryRow.id)
    .where(
        DeliveryRow.state == DeliveryState.IN_FLIGHT,
        AttemptRow.finished_at.is_(None),
        AttemptRow.epoch < bindparam("epoch"),
    )
)
_BEGIN = (
    update(DeliveryRow)
    .where(DeliveryRow.id == bindparam("delivery_id"))
    .values(
        state=DeliveryState.IN_FLIGHT,
        attempts=DeliveryRow.attempts + 1,
        first_attempt_at=func.coalesce(DeliveryRow.first_attempt_at, bindparam("started_at")),
    )
)


async def pick_due(unit: Unit, claim: Claim, at_most: int) -> list[DueDelivery]:
    """Deliveries whose hour has come, oldest first, locked until the unit ends. Follow with `begin`."""
    rows = await unit.execute(_DUE, {"organisation_code": claim.organisation_code, "at_most": at_most})
    return [_due(row) for row in rows]


def _due(row: Row[Any]) -> DueDelivery:
    names = [column.key for column in _MESSAGE_COLUMNS]
    return DueDelivery(
        id=row.delivery_id,
        message={**{name: getattr(row, name) for name in names}, "category_name": row.category_name},
        purpose=row.purpose,
        state=row.state,
        round=row.round,
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        steps_done=row.steps_done,
        attachments=[StoredAttachment(UUID(one[0]), *one[1:]) for one in row.files],
        case_ids=row.case_ids or {},
    )


async def begin(unit: Unit, claim: Claim, due: Sequence[tuple[DueDelivery, str]], now: datetime) -> list[Attempt]:
    """Write down the attempts about to be made, each with its step. From here on a crash means that the answer was lost."""
    if not due:
        return []
    attempts = [Attempt(uuid7(), delivery, step, delivery.attempts + 1, now) for delivery, step in due]
    await unit.execute(_BEGIN, [{"delivery_id": one.delivery.id, "started_at": now} for one in attempts])
    await unit.execute(
        insert(AttemptRow),
        [
            {
                "id": one.id,
                "delivery_id": one.delivery.id,
                "number": one.number,
                "step": one.step,
                "epoch": claim.epoch,
                "started_at": now,
            }
            for one in attempts
        ],
    )
    return attempts


async def find_abandoned(unit: Unit, claim: Claim) -> list[Attempt]:
    """Attempts that an earlier holder of the turn began and never finished: their answers are lost."""
    rows = await unit.execute(_ABANDONED, {"organisation_code": claim.organisation_code, "epoch": claim.epoch})
    return [Attempt(row.attempt_id, _due(row), row.step, row.number, row.started_at) for row in rows]


_FINISH_ATTEMPT = (
    update(AttemptRow)
    .where(AttemptRow.id == bindparam("attempt_id"))
    .values(
        finished_at=bindparam("now"),
        outcome=bindparam("outcome", type_=AttemptRow.__table__.c.outcome.type),
        text=bindparam("text"),
        foreign_code=bindparam("foreign_code"),
        http_status=bindparam("http_status"),
        request_extract=bindparam("request_extract"),
        reply_extract=bindparam("reply_extract"),
    )
)
_SETTLE = (
    update(DeliveryRow)
    .where(DeliveryRow.id == bindparam("delivery_id"))
    .values(
        state=bindparam("state", type_=DeliveryRow.__table__.c.state.type),
        next_attempt_at=bindparam("next_attempt_at"),
        owner=bindparam("owner"),
        reason=bindparam("reason"),
        waits_since=bindparam("waits_since"),
        finished_at=bindparam("finished_at"),
    )
)
_AT_REST = frozenset({DeliveryState.DELIVERED, DeliveryState.REFUSED, DeliveryState.CANCELLED})


async def record(unit: Unit, claim: Claim, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write what attempts came to. The caller holds the turn (`turns.hold`)."""
    if not settlements:
        return
    moves = await _move_messages(unit, claim, settlements, now)
    await unit.execute(_FINISH_ATTEMPT, [_attempt_values(one, now) for one in settlements])
    await unit.execute(_SETTLE, [_delivery_values(one, now) for one in settlements])
    steps = [
        {"delivery_id": one.attempt.delivery.id, "name": name, "result": dict(result)}
        for one in settlements
        for name, result in one.finished_steps.items()
    ]
    if steps:
        await unit.execute(upsert(DeliveryStepRow).on_conflict_do_nothing(), steps)
    cases = [
        {
            "id": uuid7(),
            "message_id": one.attempt.delivery.message_id,
            "organisation_code": claim.organisation_code,
            "round": one.attempt.delivery.round,
            "case_id": one.case_ids["case_id"],
            "ids": dict(one.case_ids),
        }
        for one in settlements
        if one.case_ids
    ]
    if cases:
        await unit.execute(upsert(CaseRow).on_conflict_do_nothing(), cases)
    await record_events(unit, moves)
    finished = [one.attempt.delivery.message_id for one in settlements if one.state in _AT_REST]
    if finished:
        await promote_next(unit, finished)


def _attempt_values(one: Settlement, now: datetime) -> dict[str, Any]:
    return {
        "attempt_id": one.attempt.id,
        "now": now,
        "outcome": one.outcome,
        "text": one.text,
        "foreign_code": one.foreign_code,
        "http_status": one.http_status,
        "request_extract": one.request_extract,
        "reply_extract": one.reply_extract,
    }


def _delivery_values(one: Settlement, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": one.attempt.delivery.id,
        "state": one.state,
        "next_attempt_at": one.next_attempt_at,
        "owner": one.owner,
        "reason": one.text,
        "waits_since": now if one.state is DeliveryState.WAITS_FOR_PERSON else None,
        "finished_at": now if one.state in _AT_REST else None,
    }


async def _move_messages(unit: Unit, claim: Claim, settlements: Sequence[Settlement], now: datetime) -> list[NewEvent]:
    """Ask the table for each wanted move; the events say what was asked and what came of it."""
    speaking = [one for one in settlements if one.message_to is not None or one.note is not None]
    if not speaking:
        return []
    ids = sorted({one.attempt.delivery.message_id for one in speaking})
    locked = (
        select(MessageRow.id, MessageRow.status).where(MessageRow.id.in_(ids)).order_by(MessageRow.id).with_for_update()
    )
    statuses: dict[UUID, Status] = {row.id: row.status for row in await unit.execute(locked)}
    events: list[NewEvent] = []
    moved: list[dict[str, Any]] = []
    for one in speaking:
        message_id = one.attempt.delivery.message_id
        current = statuses[message_id]
        judgement = None if one.message_to is None else judge_move(current, one.message_to, Mover.HUB)
        events.append(
            NewEvent(
                message_id=message_id,
                kind=EventKind.STATUS if one.message_to is not None else EventKind.DELIVERY,
                actor=Mover.HUB,
                from_status=current,
                to_status=one.message_to,
                applied=judgement is None or judgement.applies,
                reason=None if judgement is None else judgement.reason,
                organisation_code=claim.organisation_code,
                foreign_code=one.foreign_code,
                note=one.note,
                note_is_public=one.note_is_public,
            )
        )
        if judgement is not None and judgement.applies and one.message_to is not None:
            statuses[message_id] = one.message_to
            moved.append({"message_id": message_id, "status_to": one.message_to})
    if moved:
        await unit.execute(_MOVE.values(status_since=literal(now)), moved)
    return events


_MOVE = (
    update(MessageRow)
    .where(MessageRow.id == bindparam("message_id"))
    .values(status=bindparam("status_to", type_=MessageRow.__table__.c.status.type))
)


async def promote_next(unit: Unit, message_ids: Sequence[UUID]) -> None:
    """What concerns one message reaches its agency in order (P5): with nothing open before it, the next queued delivery becomes ready."""
    earlier, later = DeliveryRow.__table__.alias("earlier"), DeliveryRow.__table__
    open_before = (
        select(earlier.c.id)
        .where(
            earlier.c.message_id == later.c.message_id,
            earlier.c.position < later.c.position,
            earlier.c.finished_at.is_(None),
        )
        .exists()
    )
    statement = (
        update(DeliveryRow)
        .where(DeliveryRow.message_id.in_(message_ids), DeliveryRow.state == DeliveryState.QUEUED, ~open_before)
        .values(state=DeliveryState.READY, next_attempt_at=func.now())
        .returning(DeliveryRow.organisation_code)
    )
    for row in await unit.execute(statement):
        unit.nudge(row.organisation_code)
