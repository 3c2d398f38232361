"""Filling an empty, migrated database with a country's messages: COPY from two processes, triggers off, indexes afterwards.

Rows follow from the seed and the day alone. What triggers keep (read models) is rebuilt at the end by the functions that the store has for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psycopg
from psycopg import sql

from bench.read.country import ROOT
from bench.read.keys import ISSUER, STAFF_NUMBER, person_key, subject
from bench.read.lives import COLUMNS, World, chunks, make_chunk
from store.statistics.recount import rebuild

_PROCESSES = 2
_GIVE_WAY = 10  # niceness: a load is no reason to slow anybody else down
_SETTINGS = ("session_replication_role = replica", "synchronous_commit = off", "maintenance_work_mem = '512MB'")
_EXTRA_TABLES = ("person", "role_grant")

Say = Callable[[str], None]


def load(dsn: str, world: World, say: Say) -> None:
    """Write everything; `dsn` is libpq's, of a superuser. `say` hears of each step."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}".encode())
        put_off = list(_indexes(connection))
        steps: dict[str, Callable[[], None]] = {
            "people": lambda: _people(connection, world),
            "indexes put off": lambda: _drop(connection, put_off),
            "messages": lambda: _messages(dsn, world),
            "indexes": lambda: _make(connection, put_off),
            "sequences": lambda: _sequences(connection, world),
            "read models": lambda: rebuild(connection),
            "vacuum": lambda: _vacuum(connection),
        }
        for name, step in steps.items():
            began_at = time.perf_counter()
            step()
            say(f"  {name}: {time.perf_counter() - began_at:.0f} s")


def _people(connection: psycopg.Connection, world: World) -> None:
    lines = (f"{person_key(number)}\t{ISSUER}\t{subject(number)}" for number in range(world.persons + 1))
    _copy(connection, "person", "id issuer subject", lines)
    grant = f"{person_key(STAFF_NUMBER)}\t{person_key(STAFF_NUMBER)}\thead\t{ROOT}"
    _copy(connection, "role_grant", "id person_id role organisation_code", [grant])


def _messages(dsn: str, world: World) -> None:
    """The chunks, from all processes."""
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn"), os.nice, (_GIVE_WAY,)) as pool:
        for _ in pool.map(_load_chunk, *zip(*((dsn, world, first) for first in chunks(world)), strict=True)):
            pass


def _drop(connection: psycopg.Connection, indexes: Sequence[tuple[str, str]]) -> None:
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))


def _make(connection: psycopg.Connection, indexes: Sequence[tuple[str, str]]) -> None:
    for _, definition in indexes:
        connection.execute(definition.encode())


def _load_chunk(dsn: str, world: World, first: int) -> None:
    """One transaction for each chunk; runs in a process of the pool."""
    chunk = make_chunk(world, first)
    with psycopg.connect(dsn) as connection:
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}".encode())
        for table, lines in chunk.lines.items():
            _copy(connection, table, COLUMNS[table], lines)


def _copy(connection: psycopg.Connection, table: str, columns: str, lines: Iterable[str]) -> None:
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns.split()))
    )
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for some in _bunches(lines, 2_000):
            copy.write("\n".join(some) + "\n")


def _bunches(lines: Iterable[str], size: int) -> Iterator[Sequence[str]]:
    bunch: list[str] = []
    for line in lines:
        bunch.append(line)
        if len(bunch) == size:
            yield bunch
            bunch = []
    if bunch:
        yield bunch


def _indexes(connection: psycopg.Connection) -> Iterator[tuple[str, str]]:
    """Name and definition of the indexes of the loaded tables that no constraint stands on."""
    found = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
        "WHERE i.indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        [list(COLUMNS)],
    )
    yield from found.fetchall()


def _sequences(connection: psycopg.Connection, world: World) -> None:
    """What is accepted afterwards gets keys of its own."""
    connection.execute("SELECT setval(pg_get_serial_sequence('event', 'id'), (SELECT max(id) FROM event))")
    connection.execute("SELECT setval('message_serial', %s)", [world.count + 1_000])


def _vacuum(connection: psycopg.Connection) -> None:
    for table in (*_EXTRA_TABLES, *COLUMNS):
        connection.execute(sql.SQL("VACUUM (ANALYZE, FREEZE) {}").format(sql.Identifier(table)))


def sizes(dsn: str) -> dict[str, float]:
    """What the database takes on disk: megabytes of the whole and of its largest tables with their indexes."""
    with psycopg.connect(dsn) as connection:
        whole = connection.execute("SELECT pg_database_size(current_database()) / 1e6").fetchall()
        largest = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) / 1e6 FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 8"
        ).fetchall()
    return {"database": float(whole[0][0]), **{str(name): float(size) for name, size in largest}}
