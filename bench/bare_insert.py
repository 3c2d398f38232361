"""Partner: the least that writes the same rows. One process, bare asyncpg, a connection for each of `connections` concurrent writers.

It takes a message that the gateway accepted and writes it again and again under new keys: idempotency, message, two events, delivery, in one
transaction for each message. `how` is `inserts` (BEGIN, four INSERTs, COMMIT: what one would write by hand) or `one_statement` (the four INSERTs
as one statement, the fewest round trips there can be).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
from uuid6 import uuid7

from bench.partner import serve

_TABLES = ("idempotency", "message", "event", "delivery")
_MADE_BY_THE_DATABASE = {"idempotency": {"created_at"}, "event": {"id", "tx"}, "delivery": {"created_at"}}
_SERIALS = count(1)

Row = dict[str, Any]


async def work(wish: dict[str, Any]) -> dict[str, Any]:
    """Write `total` messages the way `how` says to the database at `address`; the latencies in ms."""
    connections = [await asyncpg.connect(**wish["address"]) for _ in range(int(wish["connections"]))]
    rows = await _a_message(connections[0])
    writer = _OneStatement(rows) if wish["how"] == "one_statement" else _Inserts(rows)
    left = iter(range(int(wish["total"])))
    latencies_ms: list[float] = []

    async def write_on(connection: asyncpg.Connection) -> None:
        for _ in left:
            began_at = time.perf_counter()
            await writer.write(connection)
            latencies_ms.append((time.perf_counter() - began_at) * 1000)

    began_at, used_s = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(write_on(connection))
    elapsed_s, used_s = time.perf_counter() - began_at, time.process_time() - used_s
    for connection in connections:
        await connection.close()
    return {"elapsed_s": elapsed_s, "processor_s": used_s, "latencies_ms": latencies_ms}


async def _a_message(connection: asyncpg.Connection) -> dict[str, list[Row]]:
    """The rows of one accepted message, by table, without the columns the database fills in by itself."""
    message_id: UUID = await connection.fetchval(
        "SELECT m.id FROM message m JOIN delivery d ON d.message_id = m.id ORDER BY m.id DESC LIMIT 1"
    )
    found: dict[str, list[Row]] = {}
    for table in _TABLES:
        key = "id" if table == "message" else "message_id"
        order = "ORDER BY id" if table == "event" else ""
        rows = await connection.fetch(f"SELECT * FROM {table} WHERE {key} = $1 {order}", message_id)
        left_out = _MADE_BY_THE_DATABASE.get(table, set())
        found[table] = [{name: value for name, value in row.items() if name not in left_out} for row in rows]
    return found


class _Written:
    """The rows of one message, made new each time."""

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self._rows = rows

    def _fresh(self) -> dict[str, list[Row]]:
        message_id, serial = uuid7(), next(_SERIALS)
        fresh = {table: [dict(row) for row in rows] for table, rows in self._rows.items()}
        fresh["message"][0] |= {"id": message_id, "reference": f"{message_id.hex[:8]}-{serial}"}
        fresh["idempotency"][0] |= {"key": str(uuid7()), "message_id": message_id}
        for event in fresh["event"]:
            event["message_id"] = message_id
        fresh["delivery"][0] |= {"id": uuid7(), "message_id": message_id}
        return fresh


def _insert(table: str, rows: Sequence[Row], first: int = 1) -> str:
    names = list(rows[0])
    values = ", ".join(
        "(" + ", ".join(f"${first + at * len(names) + place}" for place in range(len(names))) + ")"
        for at in range(len(rows))
    )
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}"


def _values(rows: Sequence[Row]) -> list[Any]:
    return [value for row in rows for value in row.values()]


class _Inserts(_Written):
    """A transaction of four statements."""

    async def write(self, connection: asyncpg.Connection) -> None:
        rows = self._fresh()
        async with connection.transaction():
            for table in _TABLES:
                await connection.execute(_insert(table, rows[table]), *_values(rows[table]))


class _OneStatement(_Written):
    """One statement, which is a transaction of its own."""

    async def write(self, connection: asyncpg.Connection) -> None:
        rows = self._fresh()
        parts, values = [], list[Any]()
        for table in _TABLES:
            parts.append(f"{table}_written AS ({_insert(table, rows[table], len(values) + 1)})")
            values += _values(rows[table])
        await connection.execute(f"WITH {', '.join(parts)} SELECT 1", *values)


if __name__ == "__main__":
    serve(work)
