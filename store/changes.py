"""Wakes whoever watches a message when something happened to it, in whichever process it happened.

The event table is the truth: each process follows it by cursor over one connection, and NOTIFY only says "look now";
without one the feed looks every two seconds. Promises: a change committed after `watch` began wakes the watcher, also
across a lost connection or a restarted database (then everybody is woken once); wake-ups are gathered, so a slow
watcher costs nothing and sees the newest state; a wake-up may be needless, never missing. A watcher who says what it
has seen (`store/watched.py`) is not woken for that, though the feed may come to it later.

Transactions become visible in another order than their numbers. The cursor therefore moves only over rows that every
running transaction is behind, and newer rows are announced at once and remembered until the cursor has passed them:
one long transaction delays nobody's wake-up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg
from psycopg import sql

from store.relay import CHANNEL
from store.unit import Database
from store.watched import Snapshot

_PAGE: Final = 1000
_REMEMBERED: Final = 50_000
"""Events announced ahead of the cursor that are remembered; beyond it watchers may be woken more than once."""
_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 5.0
_LOOK_TIMEOUT_S: Final = 15.0

_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
_NEWS = sql.SQL(
    "SELECT tx::text, id, message_id, tx < pg_snapshot_xmin(pg_current_snapshot()) FROM event"
    " WHERE (tx, id) > (%s::xid8, %s) ORDER BY tx, id LIMIT {}"
).format(sql.Literal(_PAGE))

log = logging.getLogger(__name__)

_Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]


class ChangeFeed:
    """The watchers of one process and the task that wakes them. Make one, `open()` it, `close()` it."""

    def __init__(self, database: Database, *, poll_s: float = 2.0) -> None:
        """`poll_s`: how often to look without being told to."""
        self._database = database
        self._poll_s = poll_s
        self._watchers: dict[UUID, set[Watch]] = {}
        self._ahead: set[int] = set()
        self._cursor = ("0", 0)
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start following. Returns at once: watchers that come before the connection are woken when it stands."""
        self._task = asyncio.create_task(self._run(), name="change feed")

    async def close(self) -> None:
        """Stop following; every open watch ends."""
        self._closed = True
        self._wake_all()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @contextlib.asynccontextmanager
    async def watch(self, message_id: UUID, seen: Snapshot | None = None) -> AsyncIterator[AsyncIterator[None]]:
        """Yields an iterator that gives None whenever the message may have changed since the block began; it ends when the feed is closed.

        `seen`: what the watcher is not to be woken for, taken before its first reading.
        """
        changed = asyncio.Event()
        watch = self.begin(message_id, changed.set, seen)
        try:
            yield _WakeUps(self, changed)
        finally:
            self.end(watch)

    def begin(self, message_id: UUID, wake: Callable[[], None], seen: Snapshot | None = None) -> Watch:
        """Call `wake` from now on whenever the message may have changed, and when the feed is closed; until `end`."""
        watch = Watch(message_id, wake, seen)
        self._watchers.setdefault(message_id, set()).add(watch)
        if self._closed:
            wake()
        return watch

    def end(self, watch: Watch) -> None:
        """No more calls. Ending twice does no harm."""
        watchers = self._watchers.get(watch.message_id, set())
        watchers.discard(watch)
        if not watchers:
            self._watchers.pop(watch.message_id, None)

    @property
    def closed(self) -> bool:
        """True from `close` on."""
        return self._closed

    @property
    def watcher_count(self) -> int:
        """How many watches are open in this process."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def _wake_all(self) -> None:
        for watch in [one for watchers in self._watchers.values() for one in watchers]:
            # After a restore the numbers of transactions begin anew, so what was seen says nothing any more.
            watch.seen = None
            watch.wake()

    def _wake(self, message_id: UUID, tx: int) -> None:
        for watch in list(self._watchers.get(message_id, ())):
            if watch.seen is None or not watch.seen.shows(tx):
                watch.wake()

    async def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                async with await self._connect() as connection:
                    wait_s = _FIRST_WAIT_S
                    await self._follow(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                # Jitter, so that many processes do not return to a restarted database in one instant.
                pause_s = wait_s * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
                log.warning("the change feed lost the database (%s); next try in %.2f s", type(error).__name__, pause_s)
                await asyncio.sleep(pause_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _connect(self) -> _Connection:
        engine = self._database.engine
        _, arguments = engine.dialect.create_connect_args(engine.url)
        return await psycopg.AsyncConnection.connect(
            **arguments,
            autocommit=True,
            connect_timeout=5,
            application_name="okno changes",
            options="-c statement_timeout=15000",
        )

    async def _follow(self, connection: _Connection) -> None:
        async with asyncio.timeout(_LOOK_TIMEOUT_S):
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        await self._jump(connection)
        # What happened while nobody listened is not known one by one, and after a restore the numbers may even be smaller.
        self._wake_all()
        while True:
            async for _ in connection.notifies(timeout=self._poll_s, stop_after=1):
                pass
            async with asyncio.timeout(_LOOK_TIMEOUT_S):
                await (self._look(connection) if self._watchers else self._jump(connection))

    async def _jump(self, connection: _Connection) -> None:
        """Move the cursor to now: whatever commits later has a number at or after the oldest running transaction's."""
        [(horizon,)] = await (await connection.execute(_HORIZON)).fetchall()
        self._cursor = (horizon, 0)
        self._ahead.clear()

    async def _look(self, connection: _Connection) -> None:
        """Wake the watchers of every event after the cursor that was not announced yet."""
        place = self._cursor
        while True:
            rows = await (await connection.execute(_NEWS, place)).fetchall()
            for tx, event_id, message_id, settled in rows:
                place = (tx, event_id)
                if event_id not in self._ahead:
                    self._wake(message_id, int(tx))
                if settled:
                    self._cursor = place
                    self._ahead.discard(event_id)
                elif len(self._ahead) < _REMEMBERED:
                    self._ahead.add(event_id)
            if len(rows) < _PAGE:
                return


class Watch:
    """One watcher of one message."""

    __slots__ = ("message_id", "seen", "wake")

    def __init__(self, message_id: UUID, wake: Callable[[], None], seen: Snapshot | None) -> None:
        self.message_id = message_id
        self.wake = wake
        self.seen = seen


class _WakeUps(AsyncIterator[None]):
    """The wake-ups of one watcher. Not a generator: one that is cancelled while it waits, by a timeout for instance, is finished for ever."""

    def __init__(self, feed: ChangeFeed, changed: asyncio.Event) -> None:
        self._feed = feed
        self._changed = changed

    async def __anext__(self) -> None:
        await self._changed.wait()
        if self._feed.closed:
            raise StopAsyncIteration
        self._changed.clear()
