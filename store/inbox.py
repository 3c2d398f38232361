"""The inbox: raw bodies from agencies, where a feed has been read to, and changes that cannot be applied yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from uuid6 import uuid7

from domain.status import Status
from store.tables import CaseRow, FeedCursorRow, HeldChangeRow, InboxRow, MessageRow
from store.turns import Claim
from store.unit import Unit


async def keep_webhook(unit: Unit, organisation_code: str, raw: bytes) -> None:
    """Store a verified body before anybody reads it, and make the agency's turn due."""
    await unit.execute(insert(InboxRow), {"organisation_code": organisation_code, "source": "webhook", "raw": raw})
    unit.nudge(organisation_code)


async def keep_page(unit: Unit, claim: Claim, raw: bytes, items: Sequence[Any], cursor: Mapping[str, str]) -> None:
    """Store one page of a feed and how far it reads, together: the cursor never moves past what is not on disk (P8)."""
    code = claim.organisation_code
    if items:
        await unit.execute(
            insert(InboxRow), {"organisation_code": code, "source": "poll", "raw": raw, "items": list(items)}
        )
    statement = upsert(FeedCursorRow).values(organisation_code=code, position=dict(cursor))
    await unit.execute(
        statement.on_conflict_do_update(
            index_elements=["organisation_code"], set_={"position": statement.excluded.position, "moved_at": func.now()}
        )
    )


async def read_cursor(unit: Unit, organisation_code: str) -> dict[str, str] | None:
    """Where the feed was read to, None before the first page."""
    statement = select(FeedCursorRow.position).where(FeedCursorRow.organisation_code == organisation_code)
    position: dict[str, str] | None = (await unit.execute(statement)).scalar_one_or_none()
    return position


@dataclass(frozen=True, slots=True)
class UnreadBody:
    id: int
    source: str
    raw: bytes
    items: Sequence[Any] | None


async def next_unread(unit: Unit, organisation_code: str) -> UnreadBody | None:
    """The oldest body nobody has read. Only the holder of the agency's turn reads, so it needs no lock."""
    statement = (
        select(InboxRow.id, InboxRow.source, InboxRow.raw, InboxRow.items)
        .where(InboxRow.organisation_code == organisation_code, InboxRow.state == "new")
        .order_by(InboxRow.id)
        .limit(1)
    )
    row = (await unit.execute(statement)).one_or_none()
    return None if row is None else UnreadBody(row.id, row.source, row.raw, row.items)


async def finish_body(unit: Unit, inbox_id: int, broken: str | None = None) -> None:
    values = {"state": "done" if broken is None else "broken", "reason": broken, "done_at": func.now()}
    await unit.execute(update(InboxRow).where(InboxRow.id == inbox_id).values(**values))


@dataclass(slots=True)
class CaseOfMessage:
    """A case of ours with its message locked. `status` follows the moves made in this unit."""

    case_id: str
    message_id: UUID
    status: Status
    round: int
    current_round: int


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
        )
        .join(MessageRow, MessageRow.id == CaseRow.message_id)
        .where(CaseRow.organisation_code == organisation_code, CaseRow.case_id.in_(case_ids))
        .order_by(MessageRow.id)
        .with_for_update(of=MessageRow)
    )
    return {
        row.case_id: CaseOfMessage(row.case_id, row.message_id, row.status, row.round, row.current_round)
        for row in await unit.execute(statement)
    }


async def note_foreign_code(unit: Unit, organisation_code: str, case_id: str, code: str) -> None:
    await unit.execute(
        update(CaseRow)
        .where(CaseRow.organisation_code == organisation_code, CaseRow.case_id == case_id)
        .values(foreign_code=code)
    )


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A change kept for later, with the raw item it came as and the kind of source it came from."""

    id: UUID
    inbox_id: int
    item: object
    source: str
    why: str


async def hold_change(
    unit: Unit,
    organisation_code: str,
    body: UnreadBody,
    *,
    why: str,
    item: object,
    event_key: str,
    case_id: str | None,
    code: str | None,
) -> None:
    """Keep a change that cannot be applied yet. The same one twice is kept once."""
    values = {
        "id": uuid7(),
        "organisation_code": organisation_code,
        "inbox_id": body.id,
        "event_key": event_key,
        "case_id": case_id,
        "code": code,
        "change": {"item": item, "source": body.source},
        "why": why,
    }
    await unit.execute(upsert(HeldChangeRow).values(**values).on_conflict_do_nothing())


async def held_changes(
    unit: Unit, organisation_code: str, known_codes: Sequence[str], at_most: int
) -> list[HeldChange]:
    """Held changes that may go on now: their case has become ours, or their code has found a meaning in the file."""
    case_is_ours = (
        select(CaseRow.id)
        .where(CaseRow.organisation_code == HeldChangeRow.organisation_code, CaseRow.case_id == HeldChangeRow.case_id)
        .exists()
    )
    may_go_on = or_(
        (HeldChangeRow.why == "unknown_case") & case_is_ours,
        (HeldChangeRow.why == "unknown_code") & HeldChangeRow.code.in_(known_codes),
    )
    statement = (
        select(HeldChangeRow.id, HeldChangeRow.inbox_id, HeldChangeRow.change, HeldChangeRow.why)
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
        HeldChange(row.id, row.inbox_id, row.change["item"], row.change["source"], row.why)
        for row in await unit.execute(statement)
    ]


async def release_held(unit: Unit, held_id: UUID) -> None:
    await unit.execute(update(HeldChangeRow).where(HeldChangeRow.id == held_id).values(state="applied"))


async def hold_differently(unit: Unit, held_id: UUID, why: str) -> None:
    """The change waits for something else now, for instance its case is ours but its code is unknown."""
    await unit.execute(update(HeldChangeRow).where(HeldChangeRow.id == held_id).values(why=why))
