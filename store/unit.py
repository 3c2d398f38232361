"""The database of one process, what it reads with, and Unit: one transaction. Nobody else commits.

A `Unit` commits when its block ends well and rolls back when it does not. No network call belongs inside one. A unit that wrote events says so with
`tell_listeners()`, one that made work for an agency with `nudge()`: after the commit the process's relay does both for many units together, because
a NOTIFY inside every transaction takes a global lock, and a touch of the agency's turn inside it makes the commits of one agency wait for each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from psycopg.conninfo import make_conninfo
from sqlalchemy import CursorResult, Executable, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from store.reading import STATEMENT_TIMEOUT_S, PoolUse, ReadPool
from store.relay import Relay
from store.replicas import LAG_S, Replicas

_STATEMENT_TIMEOUT_MS = 30_000


class Database:
    """The connection pools and relay of one process. Make one, `open()` it, `close()` it. `reads` runs what only reads."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        application: str = "okno",
        read_urls: Sequence[str] = (),
        read_timeout_s: float = STATEMENT_TIMEOUT_S,
        replica_lag_s: float = LAG_S,
    ) -> None:
        """`url` is SQLAlchemy's form, `postgresql+psycopg://…`; `postgresql://…` is understood too. `read_urls` are those of its replicas.

        A read is stopped after `read_timeout_s`; a replica that lags more than `replica_lag_s` is not used.
        """
        self.url = driver_url(url)
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            connect_args={
                "application_name": application,
                # As in `store/read_connection.py`: no machine code for a statement of a millisecond, and looks into indexes are cheap.
                "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout=60000"
                " -c timezone=UTC -c jit=off -c random_page_cost=1.1",
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_dead)
        self.relay = Relay(self.engine)
        address = libpq_address(self.url)
        self.reads = ReadPool(
            address, size=pool_size, statement_timeout_s=read_timeout_s, application=f"{application} reads"
        )
        """What reads from the primary: always the newest."""
        self.replicas: Replicas | None = None
        if read_urls:
            self.replicas = Replicas(
                self.reads,
                address,
                [libpq_address(driver_url(one)) for one in read_urls],
                size=pool_size,
                lag_s=replica_lag_s,
                statement_timeout_s=read_timeout_s,
                announce=self.relay.announce,
            )

    async def open(self) -> None:
        self.relay.start()
        if self.replicas is not None:
            await self.replicas.open()

    async def close(self) -> None:
        if self.replicas is not None:
            await self.replicas.close()
        await self.relay.stop()
        await self.reads.close()
        await self.engine.dispose()

    def unit(self, person_id: UUID | None = None) -> Unit:
        """One transaction: `async with database.unit() as unit: …`. Name the person who must see what it writes in their next read."""
        return Unit(self, person_id)

    def reads_for(self, person_id: UUID | None, seen: str | None = None) -> ReadPool:
        """Where to read for this person now: a replica that has everything they wrote, else the primary.

        `seen` is what their client brings back of an earlier answer's `written_by`; a bad one is as good as none.
        """
        return self.reads if self.replicas is None else self.replicas.pool_for(person_id, seen)

    def written_by(self, person_id: UUID) -> str | None:
        """What the person's client may bring back as `seen`, to see its own writes through any process; None when there is no need."""
        return None if self.replicas is None else self.replicas.written_by(person_id)

    @contextlib.asynccontextmanager
    async def reader(self) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that only read; each one sees its own snapshot and nothing is committed."""
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection

    def write_use(self) -> PoolUse:
        """How the pool of units is doing. Who waits for it is not counted."""
        pool = self.engine.pool
        if not isinstance(pool, QueuePool):
            message = "the pool of units has no bound"
            raise TypeError(message)
        return PoolUse(pool.size(), pool.checkedin() + pool.checkedout(), pool.checkedin(), 0)


class Unit:
    """One transaction. Committed at the end of the block, rolled back if the block raises."""

    def __init__(self, database: Database, person_id: UUID | None = None) -> None:
        self._database = database
        self._person_id = person_id
        self._connection: AsyncConnection | None = None
        self._tells = False
        self._nudged: set[str] = set()

    async def __aenter__(self) -> Self:
        self._connection = await self._database.engine.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self.connection
        self._connection = None
        try:
            if kind is None:
                await connection.commit()
                if self._tells or self._nudged:
                    self._database.relay.wake(self._nudged)
                if self._person_id is not None and self._database.replicas is not None:
                    await self._database.replicas.wrote(self._person_id)
            else:
                await connection.rollback()
        finally:
            # A cancelled request must still give its connection back to the pool.
            await asyncio.shield(connection.close())

    @property
    def connection(self) -> AsyncConnection:
        if self._connection is None:
            message = "a Unit is used inside its `async with` block only"
            raise RuntimeError(message)
        return self._connection

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        return await self.connection.execute(statement, parameters)

    async def execute_whole(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[Any]:
        """Run the first statement of the unit, committed by itself: BEGIN and COMMIT would cost two more trips than it needs.

        What the unit does afterwards is a transaction of its own.
        """
        connection = self.connection
        if connection.in_transaction():
            message = "only the first statement of a Unit can be whole"
            raise RuntimeError(message)
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        result = await connection.execute(statement, parameters)
        await connection.commit()
        await connection.execution_options(isolation_level="READ COMMITTED")
        return result

    def tell_listeners(self) -> None:
        """Wake the readers of the event log once this unit is committed."""
        self._tells = True

    def nudge(self, organisation_code: str) -> None:
        """Make an agency's turn due once this unit is committed: there is something to deliver or to read."""
        self._nudged.add(organisation_code)


def _refuse_dead(connection: object, record: ConnectionPoolEntry, proxy: object) -> None:
    """A connection that died with a restarted server is found before it is used, not by a citizen, and without a trip to the server.

    A server that goes away closes its sockets, so a dead connection has something to read while it should be silent. Then all its fellows are
    suspects too, and the pool connects anew.
    """
    driver = record.driver_connection
    if driver is not None and not driver.closed:
        listening = select.poll()
        listening.register(driver.pgconn.socket, select.POLLIN)
        if not listening.poll(0):
            return
    raise InvalidatePoolError("the server closed this connection")


def driver_url(url: str) -> str:
    """The same address for the one driver we use, psycopg 3."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def libpq_address(url: str) -> str:
    """The same address as libpq reads it."""
    parts = make_url(url)
    words: dict[str, Any] = {
        "host": parts.host,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
        "dbname": parts.database,
        **parts.query,
    }
    return make_conninfo("", **{name: value for name, value in words.items() if value is not None})
