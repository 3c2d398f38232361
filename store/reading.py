"""The connections a process reads with: `ReadPool` runs one statement and gives back the bytes of its answer.

Promises: never more connections than `size`; whoever waits for one waits `wait_s` at most; the connection used last is used first, so that its
statements are still prepared; a connection that died with its server is found before it is used; a reader who leaves in the middle leaves no
statement running and no connection behind; whatever runs here cannot write. Who has no task to wait in is called back (`begin`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg.abc import Buffer
from psycopg.adapt import Transformer

from store.read_connection import ReadConnection, ReadsAway, ReadStatement, ReadTooLong, Then, read_statement

__all__ = ["PoolUse", "ReadPool", "ReadStatement", "ReadTooLong", "ReadsAway", "read_statement"]

STATEMENT_TIMEOUT_S: Final = 10.0
"""Below the deadline of an operation: the server gives up before the one who asked does."""
_STATEMENTS_KNOWN: Final = 512
_OVERDUE_LOOK_S: Final = 0.5
"""How often a pool looks for answers that are overdue."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How a pool is doing at this moment: connections allowed, open and idle, and requests that wait for one."""

    size: int
    open: int
    idle: int
    waiting: int


class ReadPool:
    """Connections to one server. Opened when they are needed; `close()` it."""

    def __init__(
        self,
        conninfo: str,
        *,
        size: int = 10,
        wait_s: float = 5.0,
        statement_timeout_s: float = STATEMENT_TIMEOUT_S,
        most_prepared: int = 256,
        application: str = "okno reads",
    ) -> None:
        """`conninfo` is libpq's form, a URL or words. `most_prepared` statements stay prepared on each connection."""
        self._conninfo = conninfo
        self._size = size
        self._wait_s = wait_s
        self._statement_timeout_s = statement_timeout_s
        self._most_prepared = most_prepared
        self._application = application
        self._transformer = Transformer()
        self._statements: OrderedDict[str, ReadStatement] = OrderedDict()
        self._open = 0
        self._idle: list[ReadConnection] = []
        self._waiting: deque[asyncio.Future[ReadConnection | None]] = deque()
        self._recovering: set[asyncio.Task[None]] = set()
        self._begun: dict[ReadConnection, float] = {}
        self._looking: asyncio.TimerHandle | None = None
        self._closed = False

    async def json_text(self, statement: str | ReadStatement, parameters: Mapping[str, Any]) -> bytes | None:
        """Run a statement that gives one row with one text or json value; its bytes as they came, None for NULL or no row.

        A text has `%(name)s` parameters; one that is run often is better kept as a ReadStatement. Values may be what psycopg adapts; their types
        are the server's to infer, so a parameter whose place does not tell its type needs a cast. Raises ReadsAway, ReadTooLong, and psycopg.Error
        for what the server refuses.
        """
        if isinstance(statement, str):
            statement = self._known(statement)
        values = statement.values(parameters, self._transformer)
        connection = await self._take()
        try:
            return await connection.run(statement, values)
        finally:
            self._give(connection)

    def begin(self, statement: ReadStatement, parameters: Mapping[str, Any], within_s: float, then: Then) -> bool:
        """Like `json_text` for whoever has no task to wait in: on a connection that has the statement prepared, now or when its turn comes.

        `then` is called once, from the event loop, with the answer or with what `json_text` would raise, or with ReadsAway where the way would be
        longer: a connection has to be opened or the statement prepared. An answer that is `within_s` overdue is ReadTooLong and the end of its
        connection. False when the longer way is known from the beginning: then `then` is not called.
        """
        if self._idle:
            if not self._idle[-1].has_prepared(statement):
                return False
            values = statement.values(parameters, self._transformer)
            self._begin(self._idle.pop(), statement, values, within_s, then)
            return True
        if self._closed or self._open < self._size:
            return False
        values = statement.values(parameters, self._transformer)

        def handed(connection: ReadConnection) -> None:
            self._begin(connection, statement, values, within_s, then)

        self._stand_in_line(handed, then)
        return True

    def _begin(
        self,
        connection: ReadConnection,
        statement: ReadStatement,
        values: Sequence[Buffer | None],
        within_s: float,
        then: Then,
    ) -> None:
        def ended(value: bytes | None, error: Exception | None) -> None:
            self._begun.pop(connection, None)
            self._give(connection)
            then(value, error)

        if not connection.has_prepared(statement):
            ended(None, ReadsAway("the statement is not prepared on this connection"))
            return
        loop = asyncio.get_running_loop()
        self._begun[connection] = loop.time() + within_s
        if self._looking is None:
            self._looking = loop.call_later(_OVERDUE_LOOK_S, self._end_overdue)
        try:
            connection.begin(statement, values, ended)
        except ReadsAway as error:
            ended(None, error)

    def _stand_in_line(self, handed: Callable[[ReadConnection], None], then: Then) -> None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[ReadConnection | None] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(self._wait_s, _give_up, waiter)

        def come(waiter: asyncio.Future[ReadConnection | None]) -> None:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)
            error = waiter.exception()
            connection = waiter.result() if error is None else None
            if connection is not None:
                handed(connection)
                return
            if error is None:
                self._free_place()
            then(None, ReadsAway("there is no connection for reading now"))

        waiter.add_done_callback(come)

    async def ping(self) -> None:
        """Raises ReadsAway or ReadTooLong when the server does not answer."""
        await self.json_text("SELECT '1'", {})

    def use(self) -> PoolUse:
        return PoolUse(self._size, self._open, len(self._idle), len(self._waiting))

    async def close(self) -> None:
        """Close what is idle now and the rest when it comes back; nobody gets a connection any more."""
        self._closed = True
        while self._idle:
            self._drop(self._idle.pop())
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(ReadsAway("the pool is closed"))
        for task in list(self._recovering):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _end_overdue(self) -> None:
        """One timer for all who began: most answers come in a thousandth of the time that they have."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for connection in [one for one, until_s in self._begun.items() if until_s <= now_s]:
            connection.close(ReadTooLong("the server does not answer"))
        self._looking = loop.call_later(_OVERDUE_LOOK_S, self._end_overdue) if self._begun else None

    def _known(self, sql: str) -> ReadStatement:
        statement = self._statements.get(sql)
        if statement is None:
            statement = self._statements[sql] = read_statement(sql)
            if len(self._statements) > _STATEMENTS_KNOWN:
                self._statements.popitem(last=False)
        else:
            self._statements.move_to_end(sql)
        return statement

    async def _take(self) -> ReadConnection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_silent():
                return connection
            self._drop(connection)
        if self._closed:
            raise ReadsAway("the pool is closed")
        if self._open < self._size:
            self._open += 1
        else:
            handed = await self._wait()
            if handed is not None:
                return handed
        return await self._connect()

    async def _connect(self) -> ReadConnection:
        """A new connection for a place that is already counted; the place is given up when there is none."""
        try:
            return await ReadConnection.open(
                self._conninfo,
                application=self._application,
                statement_timeout_s=self._statement_timeout_s,
                most_prepared=self._most_prepared,
            )
        except BaseException:
            self._free_place()
            raise

    async def _wait(self) -> ReadConnection | None:
        """A connection that somebody gave back, or None: a place for a new one."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[ReadConnection | None] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(self._wait_s, _give_up, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # It was handed over in the moment of leaving.
                handed = waiter.result()
                if handed is None:
                    self._free_place()
                else:
                    self._give(handed)
            raise
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)

    def _give(self, connection: ReadConnection) -> None:
        if connection.closed or self._closed:
            self._drop(connection)
            return
        if connection.under_way:
            task = asyncio.get_running_loop().create_task(self._recover(connection), name="stop a read")
            self._recovering.add(task)
            task.add_done_callback(self._recovering.discard)
            return
        waiter = self._next_waiter()
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.set_result(connection)

    async def _recover(self, connection: ReadConnection) -> None:
        recovered = False
        try:
            recovered = await connection.recover()
        finally:
            if not recovered:
                connection.close()
            self._give(connection)

    def _drop(self, connection: ReadConnection) -> None:
        connection.close()
        self._free_place()

    def _free_place(self) -> None:
        waiter = None if self._closed else self._next_waiter()
        if waiter is None:
            self._open -= 1
        else:
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[ReadConnection | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None


def _give_up(waiter: asyncio.Future[ReadConnection | None]) -> None:
    if not waiter.done():
        waiter.set_exception(ReadsAway("all connections for reading stay busy"))
