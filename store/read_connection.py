"""One connection that only reads: sends prepared statements to PostgreSQL and gives back the bytes of their one value.

It sits on libpq as psycopg wraps it, without cursors, rows and types between: the answer of a plan is one JSON text that nobody here looks into.
The event loop watches the socket for as long as the connection lives, so a statement costs no registering, and a server that goes away is noticed
when it goes. Parameters are written as text and typed by the server, which reads their types from the statement (`$1::uuid`, `LIMIT $2`).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import select
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

import psycopg
from psycopg import errors, pq
from psycopg.abc import Buffer, Transformer
from psycopg.adapt import PyFormat

_CONNECT_S: Final = 5
_CANCEL_S: Final = 2.0
_PLACE: Final = re.compile(r"%(?:%|\(([^)]*)\)s)")
# 0A000: a statement whose result has changed its type with the schema. 26000: somebody deallocated it.
_STALE: Final = frozenset({b"0A000", b"26000"})
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:-]+(?:,[A-Za-z0-9_./:-]+)*")
"""Texts that need no quotes in an array, with commas between."""
_TUPLES: Final = pq.ExecStatus.TUPLES_OK
_FAILED: Final = pq.ExecStatus.FATAL_ERROR
_CANCELLED_BY_SERVER: Final = b"57014"
_LOOKS: Final = 3
"""A long answer comes in pieces, one hard upon the other: looking again at once costs a tenth of being woken again."""

Then: TypeAlias = Callable[[bytes | None, Exception | None], None]
"""Told of the end of a statement: its value, or what went wrong."""


class ReadsAway(OSError):
    """No connection to read with: the server cannot be reached, went away meanwhile, or all connections stay busy."""


class ReadTooLong(TimeoutError):
    """The server stopped the statement: it ran longer than `statement_timeout`."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadStatement:
    """A statement in the server's own form, `$1` instead of `%(name)s`. Make it once per plan with `read_statement`."""

    text: bytes
    names: tuple[str, ...]
    formats: list[PyFormat]

    def values(self, parameters: Mapping[str, Any], transformer: Transformer) -> Sequence[Buffer | None]:
        """The parameters in order, as the texts PostgreSQL reads. Raises KeyError for one that is missing."""
        given = [parameters[name] for name in self.names]
        texts = {
            place: text for place, one in enumerate(given) if type(one) is list and (text := _array(one)) is not None
        }
        if not texts:
            return transformer.dump_sequence(given, self.formats)
        for place in texts:
            given[place] = None
        values = list(transformer.dump_sequence(given, self.formats))
        for place, text in texts.items():
            values[place] = text
        return values


def _array(items: list[Any]) -> bytes | None:
    """An array of plain texts in the form PostgreSQL reads, which psycopg takes ten times as long to write; None for any other list."""
    if {*map(type, items)} != {str}:
        return None
    text = ",".join(items)
    # A comma within a text, or one that reads like NULL, would need quotes.
    is_plain = _PLAIN.fullmatch(text) and text.count(",") == len(items) - 1 and "null" not in text.lower()
    return f"{{{text}}}".encode() if is_plain else None


def read_statement(sql: str) -> ReadStatement:
    """Translate a statement with `%(name)s` parameters (`%%` is a percent sign), as SQLAlchemy compiles it for psycopg."""
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    text = _PLACE.sub(numbered, sql)
    return ReadStatement(text.encode(), tuple(numbers), [PyFormat.TEXT] * len(numbers))


class ReadConnection:
    """One connection, one statement at a time. `ReadPool` hands it out and takes it back."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], most_prepared: int) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._socket = self._pgconn.socket
        self._most_prepared = most_prepared
        self._prepared: OrderedDict[bytes, bytes] = OrderedDict()
        self._named = 0
        self._results: list[pq.abc.PGresult] = []
        self._waiter: asyncio.Future[None] | None = None
        self._then: Then | None = None
        self._listening = select.poll()
        self._listening.register(self._socket, select.POLLIN)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)
        self.under_way = False
        """A statement was sent and its answer is not whole yet."""
        self.closed = False

    @classmethod
    async def open(cls, conninfo: str, *, application: str, statement_timeout_s: float, most_prepared: int) -> Self:
        """Connect. Raises ReadsAway."""
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": round(statement_timeout_s * 1000),
            "timezone": "UTC",
            # Compiling machine code for a statement of a millisecond takes a hundred.
            "jit": "off",
            # What is read is in memory. Held to be dear, a look into an index loses to reading a small table whole, once for each row of a list.
            "random_page_cost": "1.1",
        }
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo,
                autocommit=True,
                connect_timeout=_CONNECT_S,
                application_name=application,
                options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
            )
        except psycopg.OperationalError as error:
            raise ReadsAway(f"cannot connect for reading ({type(error).__name__})") from error
        return cls(connection, most_prepared)

    @property
    def backend_pid(self) -> int:
        """Which process of the server serves this connection."""
        return self._pgconn.backend_pid

    def is_silent(self) -> bool:
        """Whether it can be used: open, and nothing to read on it. A server that went away has closed the socket, which reads as something."""
        return not self.closed and not self._listening.poll(0)

    async def run(self, statement: ReadStatement, values: Sequence[Buffer | None]) -> bytes | None:
        """The one value of the one row, as it came; None for NULL or no row. Raises ReadsAway, ReadTooLong, psycopg.Error."""
        name = self._prepared.get(statement.text) or await self._prepare(statement)
        result = await self._execute(name, values)
        if result.status == _FAILED and result.error_field(pq.DiagnosticField.SQLSTATE) in _STALE:
            await self._forget(statement)
            result = await self._execute(await self._prepare(statement), values)
        if result.status != _TUPLES:
            raise self._failure(result)
        return result.get_value(0, 0) if result.ntuples else None

    def has_prepared(self, statement: ReadStatement) -> bool:
        return statement.text in self._prepared

    def begin(self, statement: ReadStatement, values: Sequence[Buffer | None], then: Then) -> None:
        """Send a statement that is prepared here; `then` is called once, when its answer is whole or cannot come.

        What `then` hears of is the value as `run` gives it, or what `run` raises; a statement gone stale is among that. Raises ReadsAway when nothing
        was sent, and then `then` is not called.
        """
        self._send(self._prepared[statement.text], values)
        self._then = then
        try:
            self._flush()
        except ReadsAway:
            # `close` has told `then`, as it tells everybody who waits.
            return

    async def recover(self) -> bool:
        """After whoever waited has gone: stop the statement on the server and read what is left. False when the connection must be closed."""
        if not self.under_way:
            return not self.closed
        try:
            async with asyncio.timeout(_CANCEL_S):
                await self._connection.cancel_safe(timeout=_CANCEL_S)
                await self._answered()
        except (psycopg.Error, OSError, TimeoutError):
            return False
        stopped = self._results and self._results[-1].error_field(pq.DiagnosticField.SQLSTATE) == _CANCELLED_BY_SERVER
        # When the answer was quicker, the cancelling is still on its way and might hit the next statement.
        return bool(stopped)

    def close(self, error: Exception | None = None) -> None:
        """Close at once; a statement under way fails with `error`, ReadsAway unless said."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pgconn.finish()
        self.under_way = False
        self._results.clear()
        lost = error or ReadsAway("the connection for reading was lost")
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(lost)
        if self._then is not None:
            then, self._then = self._then, None
            then(None, lost)

    async def _execute(self, name: bytes, values: Sequence[Buffer | None]) -> pq.abc.PGresult:
        self._send(name, values)
        return await self._result()

    def _send(self, name: bytes, values: Sequence[Buffer | None]) -> None:
        self._begin()
        try:
            self._pgconn.send_query_prepared(name, values)
        except psycopg.OperationalError as error:
            self.close()
            raise ReadsAway("the connection for reading was lost") from error

    async def _prepare(self, statement: ReadStatement) -> bytes:
        while len(self._prepared) >= self._most_prepared:
            _, oldest = self._prepared.popitem(last=False)
            await self._deallocate(oldest)
        self._named += 1
        name = b"read_%d" % self._named
        self._begin()
        try:
            self._pgconn.send_prepare(name, statement.text)
        except psycopg.OperationalError as error:
            self.close()
            raise ReadsAway("the connection for reading was lost") from error
        result = await self._result()
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise self._failure(result)
        self._prepared[statement.text] = name
        return name

    async def _forget(self, statement: ReadStatement) -> None:
        name = self._prepared.pop(statement.text, None)
        if name is not None:
            await self._deallocate(name)

    async def _deallocate(self, name: bytes) -> None:
        """Unlike DEALLOCATE, closing a name that is not there is no error."""
        self._begin()
        try:
            self._pgconn.send_close_prepared(name)
        except psycopg.OperationalError as error:
            self.close()
            raise ReadsAway("the connection for reading was lost") from error
        await self._result()

    def _begin(self) -> None:
        if self.closed:
            raise ReadsAway("the connection for reading was lost")
        if self.under_way:
            message = "a connection runs one statement at a time"
            raise RuntimeError(message)
        self._results.clear()
        self.under_way = True

    async def _result(self) -> pq.abc.PGresult:
        self._flush()
        await self._answered()
        # Of several results the last one tells how it ended.
        result = self._results[-1]
        self._results.clear()
        return result

    async def _answered(self) -> None:
        if not self.under_way:
            return
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _flush(self) -> None:
        """Send what is left; a statement with long parameters may take several rounds."""
        try:
            left = self._pgconn.flush()
        except psycopg.OperationalError:
            self.close()
            raise ReadsAway("the connection for reading was lost") from None
        if left:
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._socket)
        with contextlib.suppress(ReadsAway):  # whoever waits is told by `close`
            self._flush()

    def _readable(self) -> None:
        if not self.under_way:
            # The server speaks only when it is asked, or when it leaves.
            self.close()
            return
        try:
            if self._read():
                self._ended()
        except psycopg.OperationalError:
            self.close()

    def _read(self) -> bool:
        """Take in what has come; whether the answer is whole."""
        pgconn = self._pgconn
        for _ in range(_LOOKS):
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    return True
                self._results.append(result)
        return False

    def _ended(self) -> None:
        self.under_way = False
        if self._then is None:
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
            return
        then, self._then = self._then, None
        result = self._results[-1]
        self._results.clear()
        if result.status == _TUPLES:
            then(result.get_value(0, 0) if result.ntuples else None, None)
        else:
            then(None, self._failure(result))

    def _failure(self, result: pq.abc.PGresult) -> Exception:
        error = errors.error_from_result(result)
        if isinstance(error, errors.QueryCanceled):
            return ReadTooLong("a statement was stopped by the server")
        if isinstance(error, errors.OperationalError):
            self.close()
            return ReadsAway(f"the server cannot answer ({type(error).__name__})")
        return error
