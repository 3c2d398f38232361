"""The inbox: raw bodies from agencies, whose cases they speak of, and changes that cannot be applied yet. Feeds: `store.feeds`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from uuid6 import uuid7

from domain.delivery import Purpose
from domain.status import Status
from store.deliveries import DueDelivery
from store.tables import CaseRow, DeliveryRow, HeldChangeRow, InboxRow, MessageRow
from store.unit import Unit


async def keep_webhook(unit: Unit, organisation_code: str, raw: bytes) -> None:
    """Store a verified body before anybody reads it, and make the agency's turn due."""
    await unit.execute(insert(InboxRow), {"organisation_code": organisation_code, "source": "webhook", "raw": raw})
    unit.nudge(organisation_code)


@dataclass(frozen=True, slots=True)
class UnreadBody:
    id: int
    source: str
    feed: str
    raw: bytes
    items: Sequence[Any] | None


async def next_unread(unit: Unit, organisation_code: str) -> UnreadBody | None:
    """The oldest body nobody has read. Only the holder of the agency's turn reads, so it needs no lock."""
    statement = (
        select(InboxRow.id, InboxRow.source, InboxRow.feed, InboxRow.raw, InboxRow.items)
        .where(InboxRow.organisation_code == organisation_code, InboxRow.state == "new")
        .order_by(InboxRow.id)
        .limit(1)
    )
    row = (await unit.execute(statement)).one_or_none()
    return None if row is None else UnreadBody(row.id, row.source, row.feed, row.raw, row.items)


async def finish_body(unit: Unit, inbox_id: int, broken: str | None = None) -> None:
    values = {"state": "done" if broken is None else "broken", "reason": broken, "done_at": func.now()}
    await unit.execute(update(InboxRow).where(InboxRow.id == inbox_id).values(**values))


@dataclass(slots=True)
class CaseOfMessage:
    """A case of ours with its message locked. `status` and `foreign_code` follow what this unit writes; `text` is the citizen's."""

    case_id: str
    message_id: UUID
    status: Status
    round: int
    current_round: int
    foreign_code: str | None
    text: str


async def lock_cases(unit: Unit, organisation_code: str, case_ids: Sequence[str]) -> dict[str, CaseOfMessage]:
    """Our cases among the given ids; their messages stay locked until the unit ends, in one order for everybody."""
    if not case_ids:
        return {}
    statement = (
        select(
            CaseRow.case_id,
            CaseRow.message_id,
            MessageRow.status,
            CaseRow.round,
            MessageRow.round.label("current_round"),
            CaseRow.foreign_code,
            MessageRow.text,
        )
        .join(MessageRow, MessageRow.id == CaseRow.message_id)
        .where(CaseRow.organisation_code == organisation_code, CaseRow.case_id.in_(case_ids))
        .order_by(MessageRow.id)
        .with_for_update(of=MessageRow)
    )
    return {
        row.case_id: CaseOfMessage(
            row.case_id, row.message_id, row.status, row.round, row.current_round, row.foreign_code, row.text
        )
        for row in await unit.execute(statement)
    }


async def note_foreign_code(unit: Unit, organisation_code: str, case_id: str, code: str) -> None:
    await unit.execute(
        update(CaseRow)
        .where(CaseRow.organisation_code == organisation_code, CaseRow.case_id == case_id)
        .values(foreign_code=code)
    )


async def references_without_case(unit: Unit, organisation_code: str, references: Sequence[str]) -> set[str]:
    """Those of our references whose submission to this agency has no case number yet (Q10)."""
    if not references:
        return set()
    statement = (
        select(MessageRow.reference)
        .join(DeliveryRow, DeliveryRow.message_id == MessageRow.id)
        .where(
            MessageRow.reference.in_(references),
            DeliveryRow.organisation_code == organisation_code,
            DeliveryRow.purpose == Purpose.SUBMIT,
            ~_has_case(),
        )
    )
    return {row.reference for row in await unit.execute(statement)}


def _has_case() -> ColumnElement[bool]:
    return (
        select(CaseRow.id)
        .where(
            CaseRow.message_id == DeliveryRow.message_id,
            CaseRow.organisation_code == DeliveryRow.organisation_code,
            CaseRow.round == DeliveryRow.round,
        )
        .exists()
    )


async def learn_case(unit: Unit, delivery: DueDelivery, organisation_code: str, case_id: str) -> None:
    """The number of a case whose submission is settled already, learnt from what came back."""
    values = {
        "id": uuid7(),
        "message_id": delivery.message_id,
        "organisation_code": organisation_code,
        "round": delivery.round,
        "case_id": case_id,
        "ids": {"case_id": case_id},
    }
    await unit.execute(upsert(CaseRow).values(**values).on_conflict_do_nothing())


# Changes that cannot be applied yet


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A change kept for later, with the raw item it came as and the kind of source it came from."""

    id: UUID
    inbox_id: int
    item: object
    source: str
    feed: str
    why: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a change waits. `edition` is that of the file it was read with; `due_at` is when a state that must stand for a while counts."""

    why: str
    event_key: str
    edition: str
    case_id: str | None = None
    code: str | None = None
    due_at: datetime | None = None


async def hold_change(unit: Unit, organisation_code: str, body: UnreadBody, item: object, hold: Hold) -> None:
    """Keep a change that cannot be applied yet. The same one twice is kept once."""
    values = {
        "id": uuid7(),
        "organisation_code": organisation_code,
        "inbox_id": body.id,
        "event_key": hold.event_key,
        "case_id": hold.case_id,
        "code": hold.code,
        "change": {"item": item, "source": body.source, "feed": body.feed},
        "why": hold.why,
        "tried_with": hold.edition,
        "due_at": hold.due_at,
    }
    await unit.execute(upsert(HeldChangeRow).values(**values).on_conflict_do_nothing())


async def held_among(unit: Unit, organisation_code: str, event_keys: Sequence[str]) -> set[str]:
    """The keys under which something was held before, whatever became of it."""
    if not event_keys:
        return set()
    statement = select(HeldChangeRow.event_key).where(
        HeldChangeRow.organisation_code == organisation_code, HeldChangeRow.event_key.in_(event_keys)
    )
    return {row.event_key for row in await unit.execute(statement)}


async def held_changes(unit: Unit, organisation_code: str, edition: str, at_most: int) -> list[HeldChange]:
    """Held changes that may go on now: their case has become ours, their time has come, or the file was mended since they were read."""
    case_is_ours = (
        select(CaseRow.id)
        .where(CaseRow.organisation_code == HeldChangeRow.organisation_code, CaseRow.case_id == HeldChangeRow.case_id)
        .exists()
    )
    may_go_on = or_(
        (HeldChangeRow.why == "unknown_case") & case_is_ours,
        (HeldChangeRow.why == "too_early") & (HeldChangeRow.due_at <= func.now()),
        HeldChangeRow.why.in_(("unknown_code", "unreadable")) & HeldChangeRow.tried_with.is_distinct_from(edition),
    )
    statement = (
        select(HeldChangeRow.id, HeldChangeRow.inbox_id, HeldChangeRow.change, HeldChangeRow.why, HeldChangeRow.code)
        .where(
            HeldChangeRow.organisation_code == organisation_code,
            HeldChangeRow.state == literal_column("'held'"),
            may_go_on,
        )
        .order_by(HeldChangeRow.id)
        .limit(at_most)
        .with_for_update()
    )
    return [
        HeldChange(
            row.id,
            row.inbox_id,
            row.change["item"],
            row.change["source"],
            row.change.get("feed", ""),
            row.why,
            row.code,
        )
        for row in await unit.execute(statement)
    ]


async def raw_of(unit: Unit, inbox_id: int) -> bytes:
    """The body a held change came in."""
    raw: bytes = (await unit.execute(select(InboxRow.raw).where(InboxRow.id == inbox_id))).scalar_one()
    return raw


async def read_body_again(unit: Unit, inbox_id: int) -> None:
    """The body is unread once more: the file can read it now."""
    values = {"state": "new", "reason": None, "done_at": None}
    await unit.execute(update(InboxRow).where(InboxRow.id == inbox_id).values(**values))


async def release_held(unit: Unit, held_id: UUID, state: Literal["applied", "not_ours", "superseded"]) -> None:
    await unit.execute(update(HeldChangeRow).where(HeldChangeRow.id == held_id).values(state=state))


async def hold_differently(unit: Unit, held_id: UUID, hold: Hold) -> None:
    """The change waits for something else now, for instance its case is ours but its code is unknown."""
    values = {
        "why": hold.why,
        "tried_with": hold.edition,
        "case_id": hold.case_id,
        "code": hold.code,
        "due_at": hold.due_at,
    }
    await unit.execute(update(HeldChangeRow).where(HeldChangeRow.id == held_id).values(**values))
