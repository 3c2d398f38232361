"""Read replicas: who may read from which, so that the primary is spared and nobody misses what they have just written.

A task looks at every replica a few times a second: how far it has replayed the log, and how long ago the primary was there. A replica serves a
person when it lags less than `lag_s` and has replayed the person's last write; else the primary serves. Promises: a write that was answered is seen
by its writer in this process at once, in other processes as soon as their news arrive (some milliseconds), and anywhere at once when the client
brings the `written` of the answer back; a replica that goes away costs one log line and no failed read.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from store.reading import ReadPool, ReadsAway, ReadStatement
from store.written import NOT_KNOWN, Written, read_lsn, write_lsn

WRITTEN_CHANNEL: Final = "okno_written"
LAG_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.2
_LOOK_WITHIN_S: Final = 2.0
_LONGEST_WAIT_S: Final = 5.0
_WAIT_FOR_A_CONNECTION_S: Final = 1.0
_MOST_PLACES: Final = 3000
"""Looks remembered, ten minutes of a busy primary: the longest lag that can be told."""
_FAR_AHEAD: Final = 1 << 32
"""A place that a client brings back may be ahead of what we have heard of the primary, but not by this much."""
_PLACE = "SELECT pg_current_wal_lsn()::text"
_REPLAYED = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END"

log = logging.getLogger(__name__)


class Replica(ReadPool):
    """The connections to one replica. A read that the replica cannot answer is answered by the primary."""

    def __init__(self, conninfo: str, primary: ReadPool, *, size: int, statement_timeout_s: float) -> None:
        super().__init__(
            conninfo,
            size=size,
            wait_s=_WAIT_FOR_A_CONNECTION_S,
            statement_timeout_s=statement_timeout_s,
            application="okno replica reads",
        )
        words = conninfo_to_dict(conninfo)
        self.name = f"{words.get('host', 'localhost')}:{words.get('port', 5432)}"
        self._primary = primary
        self.replayed = 0
        self.usable = False
        self.lag_s: float | None = None
        """Seconds since the primary was where the replica is; None while nothing is known."""
        self._told = False

    async def json_text(self, statement: str | ReadStatement, parameters: Mapping[str, Any]) -> bytes | None:
        try:
            return await super().json_text(statement, parameters)
        except (ReadsAway, errors.SerializationFailure):
            # Away, busy, or the rows it was reading were cleaned on the primary.
            return await self._primary.json_text(statement, parameters)

    async def look(self) -> None:
        """Learn how far it has replayed. Raises when it does not answer or is no replica."""
        async with asyncio.timeout(_LOOK_WITHIN_S):
            answer = await super().json_text(_REPLAYED, {})
        place = read_lsn((answer or b"").decode())
        if place is None:
            raise ReadsAway("it is no replica")
        self.replayed = place

    def judge(self, lag_s: float | None, most_s: float, why: str) -> None:
        """Take it into use or out of it. Said in the log when that changes."""
        self.lag_s = lag_s
        usable = lag_s is not None and lag_s <= most_s
        if usable and not self.usable:
            log.info("the read replica %s serves reads", self.name)
        elif not usable and (self.usable or not self._told):
            log.warning("the read replica %s is not used: %s; the primary serves its reads", self.name, why)
            self._told = True
        if usable:
            self._told = False
        self.usable = usable


class Replicas:
    """The replicas of one process. `open()` it, `close()` it."""

    def __init__(
        self,
        primary: ReadPool,
        primary_address: str,
        addresses: Iterable[str],
        *,
        size: int = 10,
        lag_s: float = LAG_S,
        statement_timeout_s: float,
        announce: Callable[[str, str], None] = lambda channel, text: None,
    ) -> None:
        """`addresses` are libpq's; `announce(channel, text)` tells other processes, soon."""
        self._primary = primary
        self._primary_address = primary_address
        self._lag_s = lag_s
        self._announce = announce
        self.pools = [Replica(one, primary, size=size, statement_timeout_s=statement_timeout_s) for one in addresses]
        self._turns = itertools.cycle(range(max(len(self.pools), 1)))
        # Twice the lag: news of a write may come late, and a replica is judged by what was known a look ago.
        self._written = Written(2 * lag_s + _LOOK_WITHIN_S)
        self._primary_places: deque[tuple[float, int]] = deque()
        self._looked_s = 0.0
        self._primary_answers = True
        self._hears = False
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start looking. Until a replica was seen once, the primary serves."""
        self._tasks = [
            asyncio.create_task(self._look_for_ever(), name="replica watch"),
            asyncio.create_task(self._listen_for_ever(), name="news of writes"),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        for pool in self.pools:
            await pool.close()

    def pool_for(self, person_id: UUID | None, seen: str | None) -> ReadPool:
        """Where this person may read now. `seen` is the `written` that their client brings back, whatever it claims to be."""
        unheard = self._primary_answers and not self._hears
        if unheard or time.monotonic() - self._looked_s > self._lag_s:
            return self._primary
        needed = max(self._written.place(person_id), self._claimed(seen))
        first = next(self._turns)
        for number in range(len(self.pools)):
            pool = self.pools[(first + number) % len(self.pools)]
            if pool.usable and pool.replayed >= needed:
                return pool
        return self._primary

    async def wrote(self, person_id: UUID) -> None:
        """Remember that the person's write is committed, here and in other processes. Never raises what the database does."""
        place = NOT_KNOWN
        try:
            place = await self._primary_place() or NOT_KNOWN
        except (psycopg.Error, OSError) as error:
            log.warning("the place of a write could not be learnt: %s", type(error).__name__)
        finally:
            # Also when whoever asked has gone: the commit stands.
            self._written.note(person_id, place)
            self._announce(WRITTEN_CHANNEL, f"{person_id.hex} {place:x}")

    def written_by(self, person_id: UUID) -> str | None:
        """What a client may bring back to see its own writes through any process; None when it wrote nothing lately."""
        place = self._written.place(person_id)
        return write_lsn(place) if 0 < place < NOT_KNOWN else None

    def _claimed(self, seen: str | None) -> int:
        place = read_lsn(seen) if seen else None
        if place is None:
            return 0
        known = self._primary_places[-1][1] if self._primary_places else place
        return place if place <= known + _FAR_AHEAD else 0

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.gather(self._look_at_primary(), *(self._look(pool) for pool in self.pools))
            self._looked_s = time.monotonic()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look_at_primary(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_WITHIN_S):
                place = await self._primary_place()
        except (psycopg.Error, OSError):
            # Who needs the primary will say so; a replica that has everything serves on.
            self._primary_answers = False
            return
        self._primary_answers = True
        if not self._primary_places or place > self._primary_places[-1][1]:
            self._primary_places.append((time.monotonic(), place))

    async def _primary_place(self) -> int:
        """Where the primary's log ends now, or after."""
        return read_lsn((await self._primary.json_text(_PLACE, {}) or b"").decode()) or 0

    async def _look(self, pool: Replica) -> None:
        try:
            await pool.look()
        except (psycopg.Error, OSError) as error:
            pool.judge(None, self._lag_s, str(error) if isinstance(error, ReadsAway) else type(error).__name__)
            return
        lag_s = self._lag_of(pool)
        pool.judge(lag_s, self._lag_s, f"it lags {lag_s:.1f} s")
        self._forget_replayed()

    def _lag_of(self, pool: Replica) -> float:
        """Since when the primary has been ahead of it."""
        ahead_s = next((at_s for at_s, place in self._primary_places if place > pool.replayed), None)
        return 0.0 if ahead_s is None else time.monotonic() - ahead_s

    def _forget_replayed(self) -> None:
        """Keep what somebody has yet to reach, and the newest."""
        eldest = min(pool.replayed for pool in self.pools)
        places = self._primary_places
        while len(places) > 1 and (places[0][1] <= eldest or len(places) > _MOST_PLACES):
            places.popleft()

    async def _listen_for_ever(self) -> None:
        wait_s = _LOOK_EVERY_S
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._primary_address, autocommit=True, connect_timeout=5, application_name="okno news of writes"
                ) as connection:
                    await connection.execute(f"LISTEN {WRITTEN_CHANNEL}")
                    wait_s = _LOOK_EVERY_S
                    # Who wrote while nobody listened is not known: it may have been anybody.
                    self._written.note_everybody(await self._primary_place())
                    self._hears = True
                    async for news in connection.notifies():
                        self._hear(news.payload)
            except (psycopg.Error, OSError):
                self._hears = False
                # Jitter, so that many processes do not return to a restarted database in one instant.
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _hear(self, text: str) -> None:
        for entry in text.split(","):
            with contextlib.suppress(ValueError):  # whoever may connect to the database may notify anything
                person, place = entry.split(" ")
                self._written.note(UUID(hex=person), int(place, 16))
