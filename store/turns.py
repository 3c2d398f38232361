"""Turns: when an agency next needs attention, and who may work for it now.

The schedule row is the truth. A claim gives a lease and raises the epoch; every write of the holder carries the epoch and is refused once
somebody else has claimed (`hold`). A dead worker's lease runs out and the next claim takes over; nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, and_, bindparam, func, literal, or_, select, update

from domain.delivery import DeliveryState
from store.tables import DeliveryRow, HeldChangeRow, InboxRow, TurnRow
from store.unit import Unit

LEASE_S = 30
_LEASE = literal(timedelta(seconds=LEASE_S), Interval())
_DUE_STATES = (DeliveryState.READY, DeliveryState.LOOKING_UP)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work for one agency until the lease ends. `epoch` is the fencing number."""

    organisation_code: str
    epoch: int


class LeaseLost(Exception):
    """Somebody else holds the turn now; what this holder wanted to write must not be written."""


async def claim_due(unit: Unit, limit: int) -> Sequence[Claim]:
    """Take up to `limit` turns that are due and free. Concurrent callers get different ones."""
    free = (
        select(TurnRow.organisation_code)
        .where(TurnRow.due_at <= func.now(), or_(TurnRow.lease_until.is_(None), TurnRow.lease_until < func.now()))
        .order_by(TurnRow.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    statement = (
        update(TurnRow)
        .where(TurnRow.organisation_code == free.c.organisation_code)
        .values(epoch=TurnRow.epoch + 1, lease_until=func.now() + _LEASE)
        .returning(TurnRow.organisation_code, TurnRow.epoch)
    )
    return [Claim(row.organisation_code, row.epoch) for row in await unit.execute(statement)]


def _mine(claim: Claim) -> Any:  # noqa: ANN401 - a SQL condition
    return and_(
        TurnRow.organisation_code == claim.organisation_code,
        TurnRow.epoch == claim.epoch,
        TurnRow.lease_until.is_not(None),
    )


_HELD = (
    select(TurnRow.epoch)
    .where(
        TurnRow.organisation_code == bindparam("code"),
        TurnRow.epoch == bindparam("held_epoch"),
        TurnRow.lease_until.is_not(None),
    )
    .with_for_update(read=True)
)


async def renew(unit: Unit, claim: Claim) -> None:
    """Prolong the lease from now. Raises LeaseLost."""
    result = await unit.execute(update(TurnRow).where(_mine(claim)).values(lease_until=func.now() + _LEASE))
    if result.rowcount != 1:
        raise LeaseLost(claim.organisation_code)


async def hold(unit: Unit, claim: Claim) -> None:
    """Make sure that the turn is still ours until this unit ends: nobody can claim it meanwhile. Raises LeaseLost."""
    holder = {"code": claim.organisation_code, "held_epoch": claim.epoch}
    if (await unit.execute(_HELD, holder)).first() is None:
        raise LeaseLost(claim.organisation_code)


async def poll_again_in(unit: Unit, claim: Claim, delay_s: float) -> None:
    await unit.execute(
        update(TurnRow)
        .where(_mine(claim))
        .values(poll_due_at=func.now() + literal(timedelta(seconds=delay_s), Interval()))
    )


async def note_contact(unit: Unit, claim: Claim, failure: str | None) -> None:
    """Remember when the agency last answered, or last failed and how."""
    values: dict[str, Any] = (
        {"last_success_at": func.now()} if failure is None else {"last_failure_at": func.now(), "last_failure": failure}
    )
    await unit.execute(update(TurnRow).where(_mine(claim)).values(**values))


_LONGEST_REST = timedelta(hours=1)


async def give_back(unit: Unit, claim: Claim, *, sends: bool = True) -> None:
    """End the turn: free the lease and set the hour of the next one from what is still to do. Without `sends` deliveries wait for another day."""
    next_delivery = (
        select(func.min(DeliveryRow.next_attempt_at))
        .where(DeliveryRow.organisation_code == claim.organisation_code, DeliveryRow.state.in_(_DUE_STATES))
        .scalar_subquery()
    )
    unread = (
        select(func.now())
        .where(
            select(InboxRow.id)
            .where(InboxRow.organisation_code == claim.organisation_code, InboxRow.state == "new")
            .exists(),
        )
        .scalar_subquery()
    )
    waiting = (TurnRow.poll_due_at, next_delivery, unread) if sends else (TurnRow.poll_due_at, unread)
    due_at = func.least(func.now() + literal(_LONGEST_REST, Interval()), *waiting)
    await unit.execute(update(TurnRow).where(_mine(claim)).values(lease_until=None, due_at=due_at))


async def sweep(unit: Unit) -> int:
    """Make due every turn that has something to do and does not know: a wake-up was lost between a commit and the relay."""
    waiting = or_(
        select(DeliveryRow.id)
        .where(
            DeliveryRow.organisation_code == TurnRow.organisation_code,
            DeliveryRow.state.in_(_DUE_STATES),
            DeliveryRow.next_attempt_at <= func.now(),
        )
        .exists(),
        select(InboxRow.id)
        .where(InboxRow.organisation_code == TurnRow.organisation_code, InboxRow.state == "new")
        .exists(),
    )
    result = await unit.execute(update(TurnRow).where(TurnRow.due_at > func.now(), waiting).values(due_at=func.now()))
    return result.rowcount


async def forget_foreign_cases(unit: Unit, older_than: timedelta) -> int:
    """A held change whose case never became ours belongs to somebody else's case (feeds show all of an agency's cases)."""
    statement = (
        update(HeldChangeRow)
        .where(
            HeldChangeRow.why == "unknown_case",
            HeldChangeRow.state == "held",
            HeldChangeRow.held_since < func.now() - bindparam("age", older_than, Interval()),
        )
        .values(state="not_ours")
    )
    return (await unit.execute(statement)).rowcount


async def seconds_until_due(unit: Unit) -> float | None:
    """How long until the next free turn is due, at least 0; None without any turn."""
    statement = select(
        func.min(
            func.greatest(
                0,
                func.extract(
                    "epoch",
                    func.greatest(TurnRow.due_at, func.coalesce(TurnRow.lease_until, TurnRow.due_at)) - func.now(),
                ),
            )
        )
    )
    seconds = (await unit.execute(statement)).scalar_one()
    return None if seconds is None else float(seconds)
