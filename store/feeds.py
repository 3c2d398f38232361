"""The feeds of an agency: when each is read next, how far it was read, and what people should know of it.

Only the holder of the agency's turn reads and writes here. A place moves in the transaction that keeps what was read, and nowhere else (P8).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Interval, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from store.tables import FeedCursorRow, InboxRow, TurnRow
from store.turns import Claim
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Feed:
    """Where one feed stands. `was_cut_off` says that a reading which hands everything out once ended without its end."""

    position: dict[str, str] | None
    is_due: bool
    was_cut_off: bool


_UNREAD: dict[str, str] = {}


async def feed_of(unit: Unit, organisation_code: str, feed: str) -> Feed:
    statement = select(
        FeedCursorRow.position,
        func.coalesce(FeedCursorRow.due_at <= func.now(), literal(True)).label("is_due"),
        FeedCursorRow.reading_since,
    ).where(FeedCursorRow.organisation_code == organisation_code, FeedCursorRow.feed == feed)
    row = (await unit.execute(statement)).one_or_none()
    if row is None:
        return Feed(None, is_due=True, was_cut_off=False)
    return Feed(row.position or None, row.is_due, row.reading_since is not None)


async def begin_reading(unit: Unit, claim: Claim, feed: str) -> None:
    """Before a call that hands out once: should nothing be kept of it, whoever comes next knows that something was lost."""
    await _write(unit, claim, feed, {"reading_since": func.now()})


async def reading_came_to_nothing(unit: Unit, claim: Claim, feed: str) -> None:
    """The call cannot have been carried out, so nothing was handed out."""
    await _write(unit, claim, feed, {"reading_since": None})


async def begin_anew(unit: Unit, claim: Claim, feed: str) -> None:
    """Forget how far the feed was read."""
    await _write(unit, claim, feed, {"position": {}})


@dataclass(frozen=True, slots=True)
class Page:
    """What one page brings to the inbox. `broken` is why nobody can read it: then `raw` alone is kept, for a person."""

    raw: bytes
    items: Sequence[Any]
    position: Mapping[str, str] | None
    broken: str | None = None


async def keep_page(unit: Unit, claim: Claim, feed: str, page: Page) -> None:
    """Store one page and how far it reads, together: the place never moves past what is not on disk (P8). Without `position` it stays."""
    if page.items or page.broken is not None:
        await unit.execute(
            insert(InboxRow),
            {
                "organisation_code": claim.organisation_code,
                "source": "poll",
                "feed": feed,
                "raw": page.raw,
                "items": list(page.items),
                "state": "new" if page.broken is None else "broken",
                "reason": page.broken,
            },
        )
    moved = {} if page.position is None else {"position": dict(page.position), "moved_at": func.now()}
    await _write(unit, claim, feed, {"reading_since": None, **moved})


async def keep_answer(unit: Unit, claim: Claim, feed: str, raw: bytes, item: Any) -> None:  # noqa: ANN401 - JSON
    """Store what the agency answered about one case."""
    await unit.execute(
        insert(InboxRow),
        {"organisation_code": claim.organisation_code, "source": "ask", "feed": feed, "raw": raw, "items": [item]},
    )


async def read_again_in(unit: Unit, claim: Claim, feed: str, delay_s: float) -> None:
    await _write(unit, claim, feed, {"due_at": func.now() + literal(timedelta(seconds=delay_s), Interval())})


async def sound_alarm(unit: Unit, claim: Claim, feed: str, alarm: str | None) -> bool:
    """Remember what people should know of the feed, or that all is well again. Whether it is news."""
    known = select(FeedCursorRow.alarm).where(
        FeedCursorRow.organisation_code == claim.organisation_code, FeedCursorRow.feed == feed
    )
    if (await unit.execute(known)).scalar_one_or_none() == alarm:
        return False
    await _write(unit, claim, feed, {"alarm": alarm, "alarm_since": None if alarm is None else func.now()})
    return True


async def plan_next(unit: Unit, claim: Claim, feeds: Collection[str]) -> None:
    """The turn comes again when the first of the agency's feeds is due; feeds that the file no longer has are forgotten."""
    code = claim.organisation_code
    gone = delete(FeedCursorRow).where(FeedCursorRow.organisation_code == code, FeedCursorRow.feed.not_in(feeds))
    await unit.execute(gone)
    first = (
        select(func.min(func.coalesce(FeedCursorRow.due_at, func.now())))
        .where(FeedCursorRow.organisation_code == code)
        .scalar_subquery()
    )
    mine = (TurnRow.organisation_code == code) & (TurnRow.epoch == claim.epoch) & TurnRow.lease_until.is_not(None)
    await unit.execute(update(TurnRow).where(mine).values(poll_due_at=first))


async def wake(unit: Unit, organisation_code: str) -> None:
    """Every feed of the agency is due now: it said that something happened."""
    mine = FeedCursorRow.organisation_code == organisation_code
    await unit.execute(update(FeedCursorRow).where(mine).values(due_at=func.now()))
    await unit.execute(
        update(TurnRow).where(TurnRow.organisation_code == organisation_code).values(poll_due_at=func.now())
    )


async def alarms(unit: Unit) -> list[tuple[str, str, str, datetime]]:
    """What people should know of feeds: agency, feed, one sentence, since when."""
    statement = (
        select(FeedCursorRow.organisation_code, FeedCursorRow.feed, FeedCursorRow.alarm, FeedCursorRow.alarm_since)
        .where(FeedCursorRow.alarm.is_not(None))
        .order_by(FeedCursorRow.organisation_code, FeedCursorRow.feed)
    )
    return [
        (row.organisation_code, row.feed, row.alarm, row.alarm_since)
        for row in await unit.execute(statement)
        if row.alarm is not None and row.alarm_since is not None
    ]


async def _write(unit: Unit, claim: Claim, feed: str, values: Mapping[str, Any]) -> None:
    statement = upsert(FeedCursorRow).values(
        organisation_code=claim.organisation_code, feed=feed, **{"position": _UNREAD, **values}
    )
    await unit.execute(statement.on_conflict_do_update(index_elements=["organisation_code", "feed"], set_=dict(values)))
