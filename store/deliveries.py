"""The ledger of deliveries: pick what is due, and note every attempt before it is made. What it came to: `store.settlements`.

Everything is done for several deliveries in one unit, because a busy agency's deliveries finish in bunches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from uuid6 import uuid7

from domain.delivery import DeliveryState, Purpose
from store.rows_as_json import as_json
from store.tables import AttachmentRow, AttemptRow, CaseRow, CategoryRow, DeliveryRow, DeliveryStepRow, MessageRow
from store.turns import Claim
from store.unit import Unit

LOOK_UP_STEP = "look_up"


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """An attachment of a message as the ledger knows it; the bytes lie in the blob store under `sha256`.

    `delivery_id` names the delivery that brings it, where it was added to a message that was there already.
    """

    id: UUID
    position: int
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str
    delivery_id: UUID | None = None


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
    body: Mapping[str, Any] | None = None

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
        file.id, file.position, file.file_name, file.media_type, file.size_bytes, file.sha256, file.delivery_id
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
            DeliveryRow.body,
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
_SUBMITTED = (
    _deliveries()
    .where(MessageRow.reference == bindparam("reference"), DeliveryRow.purpose == Purpose.SUBMIT)
    .where(DeliveryRow.state.not_in((DeliveryState.IN_FLIGHT, DeliveryState.CANCELLED, DeliveryState.REFUSED)))
    .order_by(DeliveryRow.round.desc())
    .limit(1)
)
_BEGIN = text(
    """
    WITH new AS (SELECT * FROM json_populate_recordset(NULL::attempt, CAST(:attempts AS json))),
    written AS (
        INSERT INTO attempt (id, delivery_id, number, step, epoch, started_at)
        SELECT id, delivery_id, number, step, epoch, started_at FROM new
    )
    UPDATE delivery
    SET state = 'IN_FLIGHT', attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, new.started_at)
    FROM new WHERE delivery.id = new.delivery_id
    """
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
        attachments=_files(row),
        case_ids=row.case_ids or {},
        body=row.body,
    )


def _files(row: Row[Any]) -> list[StoredAttachment]:
    """What was added later is no part of the submission: a repeat of it must say the same."""
    files: list[StoredAttachment] = []
    for key, position, name, media_type, size_bytes, sha256, delivery_id in row.files:
        later = UUID(delivery_id) if delivery_id else None
        files.append(StoredAttachment(UUID(key), position, name, media_type, size_bytes, sha256, later))
    return [one for one in files if one.delivery_id is None or row.purpose is not Purpose.SUBMIT]


async def begin(unit: Unit, claim: Claim, due: Sequence[tuple[DueDelivery, str]], now: datetime) -> list[Attempt]:
    """Write down the attempts about to be made, each with its step. From here on a crash means that the answer was lost."""
    if not due:
        return []
    attempts = [Attempt(uuid7(), delivery, step, delivery.attempts + 1, now) for delivery, step in due]
    rows = [
        {
            "id": one.id,
            "delivery_id": one.delivery.id,
            "number": one.number,
            "step": one.step,
            "epoch": claim.epoch,
            "started_at": now,
        }
        for one in attempts
    ]
    await unit.execute(_BEGIN, {"attempts": as_json(rows)})
    return attempts


async def find_abandoned(unit: Unit, claim: Claim) -> list[Attempt]:
    """Attempts that an earlier holder of the turn began and never finished: their answers are lost."""
    rows = await unit.execute(_ABANDONED, {"organisation_code": claim.organisation_code, "epoch": claim.epoch})
    return [Attempt(row.attempt_id, _due(row), row.step, row.number, row.started_at) for row in rows]


async def find_submission(unit: Unit, claim: Claim, reference: str) -> DueDelivery | None:
    """The newest submission of a message to the agency, locked until the unit ends, while its case is not known; None otherwise."""
    parameters = {"organisation_code": claim.organisation_code, "reference": reference}
    row = (await unit.execute(_SUBMITTED, parameters)).one_or_none()
    return None if row is None or row.case_ids else _due(row)
