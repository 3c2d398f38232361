"""Wakes other processes after a commit: readers of the event log by NOTIFY, workers by making an agency's turn due.

The tables are the truth: readers follow the event log by cursor, and the sweeper finds deliveries whose turn is not due. So a wake-up that is lost (a
crash between commit and relay) costs one polling interval, never an event or a delivery. Each process gathers its wake-ups and sends them in one
transaction per short pause. The turn is always touched, even when it seems due: its holder may be about to give it back with a later hour.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from sqlalchemy import bindparam, func, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from store.tables import TurnRow

CHANNEL = "okno_events"
WORK_CHANNEL = "okno_work"
_GATHER_S = 0.01
_TOUCH = (
    update(TurnRow)
    .where(TurnRow.organisation_code.in_(bindparam("codes", expanding=True)))
    .values(due_at=func.least(TurnRow.due_at, func.now()))
)
_TELL_WORKERS, _TELL_READERS = text(f"NOTIFY {WORK_CHANNEL}"), text(f"NOTIFY {CHANNEL}")
_TELL = text("SELECT pg_notify(:channel, :news)")
_NEWS_AT_ONCE = 100
"""A notification has room for 8000 bytes, and each entry takes less than 80."""

log = logging.getLogger(__name__)


class Relay:
    """One background task that turns any number of `wake()` calls into few NOTIFYs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._wake = asyncio.Event()
        self._nudged: set[str] = set()
        self._tells = False
        self._news: dict[str, list[str]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="event relay")

    async def stop(self) -> None:
        """Send what is pending, then end."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        if self._wake.is_set():
            await self._notify()

    def wake(self, nudged: Iterable[str] = ()) -> None:
        """Tell listeners soon; `nudged` are the agencies whose turn is to become due."""
        self._nudged.update(nudged)
        self._tells = True
        self._wake.set()

    def announce(self, channel: str, entry: str) -> None:
        """Tell the processes that listen to `channel` soon. `entry` is short and has no comma: entries of one moment are joined by commas."""
        self._news.setdefault(channel, []).append(entry)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._notify()
            await asyncio.sleep(_GATHER_S)

    async def _notify(self) -> None:
        # Sorted, so that two relays that touch the same turns lock them in the same order.
        nudged, self._nudged = sorted(self._nudged), set()
        news, self._news = self._news, {}
        tells, self._tells = self._tells, False
        try:
            async with self._engine.connect() as connection:
                # Each statement by itself: a transaction around them would cost two trips more and promise nothing more.
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                if nudged:
                    await connection.execute(_TOUCH, {"codes": nudged})
                    await connection.execute(_TELL_WORKERS)
                if tells:
                    await connection.execute(_TELL_READERS)
                for channel, entries in news.items():
                    for start in range(0, len(entries), _NEWS_AT_ONCE):
                        joined = ",".join(entries[start : start + _NEWS_AT_ONCE])
                        await connection.execute(_TELL, {"channel": channel, "news": joined})
        except (SQLAlchemyError, OSError) as error:
            # Readers poll and the sweeper sweeps; a database that is away will be seen by everybody else.
            log.warning("the event relay could not notify: %s", type(error).__name__)
