"""Messages on disk: accepting one in a single statement, and finding one as its owner.

`accept` writes the idempotency row, the message, its first events, its delivery and the claim on its attachments together or not at all (P1). Two
requests with the same key meet at the primary key of `idempotency`: the second waits for the first and then sees its message (P2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, literal, null, select, text, type_coerce, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.selectable import CTE
from uuid6 import uuid7

from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.status import Mover, Status
from store.rows_as_json import as_json
from store.tables import AttachmentRow, DeliveryRow, EventRow, IdempotencyRow, MessageRow
from store.unit import Unit

_MESSAGE_FIELDS = (
    "reference",
    "text",
    "regime",
    "channel",
    "category_code",
    "category_source",
    "category_confidence",
    "rubricator_version",
    "latitude",
    "longitude",
    "accuracy_m",
    "place_source",
    "address",
    "territory_code",
    "organisation_code",
    "chosen_organisation_code",
    "route_rule",
    "route_reason_ru",
    "route_reason_en",
    "route_warning_ru",
    "route_warning_en",
    "status",
    "deadline_on",
    "deadline_rule",
)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Everything one accepted message writes. `delivery_state` is None when no body is found yet."""

    person_id: UUID
    key: str
    fingerprint: bytes
    received_at: datetime
    fields: dict[str, Any]
    """Values for the columns of `message` that a caller decides; see `_MESSAGE_FIELDS`."""
    delivery_state: DeliveryState | None
    attachments: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    message_id: UUID
    reference: str


class AttachmentsNotYours(Exception):
    """Some of the attachments do not exist, belong to somebody else or are in use by another message. Which, is not said."""


_PREFIX = "new_"


def _same(name: str, column: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a mapped column of any type
    # The prefix matters: SQLAlchemy would take a parameter named like a column for a value to set in every UPDATE of the statement.
    return bindparam(_PREFIX + name, type_=column.type)


def _if_new(new: CTE, table: type[Any], values: dict[str, ColumnElement[Any]]) -> Any:  # noqa: ANN401 - an INSERT … SELECT
    return insert(table).from_select(list(values), select(*values.values()).select_from(new))


def _accept_statement(*, with_delivery: bool, with_attachments: bool) -> Select[Any]:
    message, event, delivery = MessageRow.__table__.c, EventRow.__table__.c, DeliveryRow.__table__.c
    message_id, person_id = _same("message_id", message.id), _same("person_id", message.person_id)
    received_at = _same("received_at", message.received_at)
    new = (
        upsert(IdempotencyRow)
        .values(
            person_id=person_id,
            key=_same("key", IdempotencyRow.__table__.c.key),
            fingerprint=_same("fingerprint", IdempotencyRow.__table__.c.fingerprint),
            message_id=message_id,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.message_id)
        .cte("new")
    )
    written = [
        _if_new(
            new,
            MessageRow,
            {
                "id": message_id,
                "person_id": person_id,
                **{name: _same(name, message[name]) for name in _MESSAGE_FIELDS},
                "status_since": received_at,
                "received_at": received_at,
            },
        ).cte("message_written")
    ]
    received, moved = (
        select(
            message_id.label("message_id"),
            literal(EventKind.STATUS, event.kind.type).label("kind"),
            (null() if from_status is None else literal(from_status, event.from_status.type)).label("from_status"),
            to_status.label("to_status"),
            literal(Mover.HUB, event.actor.type).label("actor"),
            _same("organisation_code", event.organisation_code).label("organisation_code"),
            received_at.label("observed_at"),
        ).select_from(new)
        for from_status, to_status in (
            (None, literal(Status.RECEIVED, event.to_status.type)),
            (Status.RECEIVED, _same("status", event.to_status)),
        )
    )
    # One INSERT for both: PostgreSQL promises no order between two, and history is read by the order of its ids.
    names = [column.name for column in received.selected_columns]
    written.append(insert(EventRow).from_select(names, received.union_all(moved)).cte("events_written"))
    if with_delivery:
        values: dict[str, ColumnElement[Any]] = {
            "id": _same("delivery_id", delivery.id),
            "message_id": message_id,
            "organisation_code": _same("organisation_code", delivery.organisation_code),
            "purpose": literal(Purpose.SUBMIT, delivery.purpose.type),
            "position": literal(1, delivery.position.type),
            "state": _same("delivery_state", delivery.state),
            "next_attempt_at": _same("next_attempt_at", delivery.next_attempt_at),
            "waits_since": _same("waits_since", delivery.waits_since),
            "owner": _same("owner", delivery.owner),
        }
        written.append(_if_new(new, DeliveryRow, values).cte("delivery_written"))
    columns: list[ColumnElement[Any]] = [select(func.count()).select_from(new).scalar_subquery().label("made")]
    if with_attachments:
        ids = bindparam(_PREFIX + "attachments", type_=ARRAY(PG_UUID(as_uuid=True)))
        claimed = (
            update(AttachmentRow)
            .where(
                AttachmentRow.id == func.any(ids),
                AttachmentRow.person_id == person_id,
                AttachmentRow.message_id.is_(None),
                select(new).exists(),
            )
            .values(message_id=message_id, position=func.array_position(ids, AttachmentRow.id))
            .returning(AttachmentRow.id)
            .cte("claimed")
        )
        columns.append(select(func.count()).select_from(claimed).scalar_subquery().label("claimed"))
    return select(*columns).add_cte(*written)


_STATEMENTS = {
    (with_delivery, with_attachments): _accept_statement(with_delivery=with_delivery, with_attachments=with_attachments)
    for with_delivery in (True, False)
    for with_attachments in (True, False)
}


async def accept(unit: Unit, new: NewMessage) -> UUID | None:
    """Write a message. Its id, or None when the key was used before (read it with `find_by_key`). Raises AttachmentsNotYours."""
    message_id = uuid7()
    on_desk = new.delivery_state is DeliveryState.ON_DESK
    parameters: dict[str, Any] = {
        "message_id": message_id,
        "person_id": new.person_id,
        "key": new.key,
        "fingerprint": new.fingerprint,
        "received_at": new.received_at,
        **{name: new.fields.get(name) for name in _MESSAGE_FIELDS},
    }
    if new.delivery_state is not None:
        parameters |= {
            "delivery_id": uuid7(),
            "delivery_state": new.delivery_state,
            "next_attempt_at": None if on_desk else new.received_at,
            "waits_since": new.received_at if on_desk else None,
            "owner": new.fields["organisation_code"] if on_desk else None,
        }
    if new.attachments:
        parameters["attachments"] = list(new.attachments)
    statement = _STATEMENTS[new.delivery_state is not None, bool(new.attachments)]
    # Attachments may turn out to be somebody else's, and then everything is rolled back; without them nothing can follow that would.
    run = unit.execute if new.attachments else unit.execute_whole
    row = (await run(statement, {_PREFIX + name: value for name, value in parameters.items()})).one()
    if not row.made:
        return None
    if new.attachments and row.claimed != len(new.attachments):
        raise AttachmentsNotYours
    unit.tell_listeners()
    if new.delivery_state is DeliveryState.READY:
        unit.nudge(new.fields["organisation_code"])
    return message_id


@dataclass(frozen=True, slots=True)
class Earlier:
    """A message that the same person sent with the same key before."""

    message_id: UUID
    reference: str
    fingerprint: bytes


async def find_by_key(unit: Unit, person_id: UUID, key: str) -> Earlier | None:
    statement = (
        select(IdempotencyRow.message_id, MessageRow.reference, IdempotencyRow.fingerprint)
        .join(MessageRow, MessageRow.id == IdempotencyRow.message_id)
        .where(IdempotencyRow.person_id == person_id, IdempotencyRow.key == key)
    )
    row = (await unit.execute(statement)).one_or_none()
    return None if row is None else Earlier(row.message_id, row.reference, row.fingerprint)


async def lock_own(unit: Unit, person_id: UUID, reference: str) -> MessageRow | None:
    """The person's own message, locked until the unit ends. None when it is not theirs or does not exist: the two look the same (P13)."""
    statement = (
        select(MessageRow.__table__)
        .where(MessageRow.reference == reference, MessageRow.person_id == person_id)
        .with_for_update()
    )
    return await _one(unit, statement)


async def lock(unit: Unit, message_id: UUID) -> MessageRow | None:
    """Any message, locked until the unit ends."""
    return await _one(unit, select(MessageRow.__table__).where(MessageRow.id == message_id).with_for_update())


async def _one(unit: Unit, statement: Select[Any]) -> MessageRow | None:
    row = (await unit.execute(statement)).mappings().one_or_none()
    return None if row is None else MessageRow(**row)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One line of a message's history."""

    message_id: UUID
    kind: EventKind
    actor: Mover
    from_status: Status | None = None
    to_status: Status | None = None
    applied: bool = True
    reason: str | None = None
    organisation_code: str | None = None
    foreign_code: str | None = None
    event_key: str | None = None
    note: str | None = None
    note_is_public: bool = False
    occurred_at: datetime | None = None


_EVENT_FIELDS = tuple(NewEvent.__dataclass_fields__)
WRITE_EVENTS = f"""
    INSERT INTO event ({", ".join(_EVENT_FIELDS)})
    SELECT {", ".join(_EVENT_FIELDS)}
    FROM json_populate_recordset(NULL::event, CAST(:events AS json)) WITH ORDINALITY ORDER BY ordinality
"""  # noqa: S608 - names of our own columns
"""Appends what `events_as_json` makes; a part for larger statements, which must `tell_listeners`."""


def events_as_json(events: Sequence[NewEvent]) -> str:
    return as_json([{name: getattr(one, name) for name in _EVENT_FIELDS} for one in events])


async def record_events(unit: Unit, events: Sequence[NewEvent]) -> None:
    """Append to the history. The caller has made sure that an `event_key` is new (see `event_key_is_known`)."""
    if not events:
        return
    await unit.execute(text(WRITE_EVENTS), {"events": events_as_json(events)})
    unit.tell_listeners()


async def event_key_is_known(unit: Unit, organisation_code: str, event_key: str) -> bool:
    statement = select(literal(1)).where(
        EventRow.organisation_code == organisation_code, EventRow.event_key == event_key
    )
    return (await unit.execute(statement)).first() is not None


async def last_told(unit: Unit, message_id: UUID) -> tuple[Mover, str | None, Status | None, str | None] | None:
    """Who spoke last in the history of a message that this unit has locked, in which code, meaning what, with which note."""
    statement = (
        select(EventRow.actor, EventRow.foreign_code, EventRow.to_status, EventRow.note)
        .where(EventRow.message_id == message_id, EventRow.kind.in_((EventKind.STATUS, EventKind.NOTE)))
        .order_by(EventRow.id.desc())
        .limit(1)
    )
    row = (await unit.execute(statement)).one_or_none()
    return None if row is None else (row.actor, row.foreign_code, row.to_status, row.note)


async def move(unit: Unit, message_id: UUID, to_status: Status, now: datetime) -> None:
    """Set the state of a message that this unit has locked and judged by the table."""
    await unit.execute(
        update(MessageRow)
        .where(MessageRow.id == message_id)
        .values(status=type_coerce(to_status, MessageRow.__table__.c.status.type), status_since=now)
    )
