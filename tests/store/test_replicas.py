"""Reads from a real replica: who wrote sees it at once wherever they read, and a replica that is late or away serves nobody."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from store.embedded import EmbeddedServer
from store.home import PROJECT
from store.reading import ReadPool
from store.unit import Database
from store.written import NOT_KNOWN, Written, read_lsn, write_lsn
from tests.store.standby import Standby, standby_of

ADD = text("INSERT INTO words VALUES (:word)")
WORDS = "SELECT string_agg(word, ',' ORDER BY word) FROM words"
WHERE = "SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END"
ANNA, BORIS = UUID(int=1), UUID(int=2)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A primary of our own: its replica copies the whole server."""
    # A path too long for a socket: then the socket is where the replica's account can reach it.
    with EmbeddedServer.use(tmp_path_factory.mktemp("primary" * 12)) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE words (word text)")
        yield server


@pytest.fixture(scope="module")
def standby(server: EmbeddedServer) -> Iterator[Standby]:
    with standby_of(server) as standby:
        yield standby


@pytest.fixture
def empty(server: EmbeddedServer) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE words")


async def _opened(server: EmbeddedServer, standby: Standby, lag_s: float = 5.0) -> Database:
    database = Database(server.url, read_urls=[standby.dsn()], replica_lag_s=lag_s, pool_size=3)
    await database.open()
    return database


@pytest.fixture
async def database(server: EmbeddedServer, standby: Standby, empty: None) -> AsyncIterator[Database]:
    database = await _opened(server, standby)
    await reached(lambda: is_replica(database.reads_for(None)))
    yield database
    await database.close()


@pytest.fixture
async def another(server: EmbeddedServer, standby: Standby, empty: None) -> AsyncIterator[Database]:
    """What another process of the same installation has."""
    database = await _opened(server, standby)
    await reached(lambda: is_replica(database.reads_for(None)))
    yield database
    await database.close()


@pytest.fixture
def paused(database: Database, another: Database, standby: Standby) -> Iterator[None]:
    """Whatever is written from here on does not reach the replica."""
    standby.pause()
    yield
    standby.resume()


def is_replica(pool: ReadPool) -> bool:
    return type(pool) is not ReadPool


async def reached(state: Callable[[], bool], within_s: float = 15.0) -> None:
    for _ in range(round(within_s / 0.02)):
        if state():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def write(database: Database, person_id: UUID | None, word: str) -> None:
    async with database.unit(person_id) as unit:
        await unit.execute(ADD, {"word": word})


async def words(database: Database, person_id: UUID | None, seen: str | None = None) -> bytes | None:
    return await database.reads_for(person_id, seen).json_text(WORDS, {})


async def test_reads_go_to_the_replica_and_writes_arrive_there(database: Database) -> None:
    assert await database.reads_for(None).json_text(WHERE, {}) == b"replica"
    assert await database.reads.json_text(WHERE, {}) == b"primary"
    await write(database, ANNA, "слово")
    assert await words(database, ANNA) == "слово".encode()
    await reached(lambda: is_replica(database.reads_for(ANNA)))
    assert await words(database, ANNA) == "слово".encode()


async def test_a_writer_sees_their_words_while_the_replica_stands_still(
    database: Database, another: Database, paused: None
) -> None:
    await write(database, ANNA, "новое")
    assert await words(database, ANNA) == "новое".encode()
    # Others read the replica, which is within its lag.
    assert await words(database, BORIS) is None
    assert is_replica(database.reads_for(None))


async def test_a_client_that_brings_its_place_sees_its_words_through_another_process_at_once(
    database: Database, another: Database, paused: None
) -> None:
    await write(database, ANNA, "новое")
    seen = database.written_by(ANNA)
    assert seen is not None
    assert await words(another, None, seen) == "новое".encode()
    assert await words(another, BORIS, "0/1") is None


async def test_another_process_hears_who_wrote_without_the_client_saying_so(
    database: Database, another: Database, paused: None
) -> None:
    await write(database, ANNA, "новое")
    await reached(lambda: not is_replica(another.reads_for(ANNA)), within_s=2)
    assert await words(another, ANNA) == "новое".encode()
    assert await words(another, BORIS) is None


async def test_a_real_second_process_never_shows_the_writer_stale_words(
    server: EmbeddedServer, standby: Standby, database: Database
) -> None:
    command = [sys.executable, "-m", "tests.store.replica_reader", server.url, standby.dsn(), WORDS]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def ask(person_id: UUID, seen: str = "-") -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{person_id} {seen}\n".encode())
        return (await asyncio.wait_for(process.stdout.readline(), 10)).decode().strip()

    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    standby.pause()
    try:
        await write(database, ANNA, "новое")
        seen = database.written_by(ANNA)
        assert seen is not None
        assert await ask(BORIS, seen) == "новое"
        assert await ask(BORIS) == "nothing"
        await asyncio.sleep(0.5)
        assert await ask(ANNA) == "новое"
    finally:
        standby.resume()
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_a_process_that_comes_while_the_replica_stands_still_trusts_it_for_nobody(
    server: EmbeddedServer, standby: Standby, database: Database, paused: None
) -> None:
    await write(database, ANNA, "новое")
    newcomer = await _opened(server, standby)
    await asyncio.sleep(1)
    assert await words(newcomer, ANNA) == "новое".encode()
    await newcomer.close()


@pytest.mark.parametrize("seen", ["", "nonsense", "0/1", "FFFFFFFF/FFFFFFFF", "-1/2", "0/" + "9" * 5000])
async def test_a_place_that_nobody_can_have_written_at_sends_nobody_to_the_primary(
    database: Database, seen: str
) -> None:
    assert is_replica(database.reads_for(None, seen))


async def test_a_replica_that_lags_serves_nobody_and_is_named_once(
    server: EmbeddedServer, standby: Standby, empty: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "store.replicas")
    database = await _opened(server, standby, lag_s=0.5)
    await reached(lambda: is_replica(database.reads_for(None)))
    standby.pause()
    try:
        await write(database, None, "новое")
        await reached(lambda: not is_replica(database.reads_for(BORIS)), within_s=3)
        assert await words(database, BORIS) == "новое".encode()
        await asyncio.sleep(1)
    finally:
        standby.resume()
    await reached(lambda: is_replica(database.reads_for(BORIS)))
    await database.close()
    lines = [record.getMessage() for record in caplog.records]
    assert [("lags" in line, "serves reads" in line) for line in lines] == [(False, True), (True, False), (False, True)]


async def test_a_replica_that_goes_away_fails_no_read_and_comes_back(
    database: Database, standby: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "store.replicas")
    await write(database, None, "слово")
    await reached(lambda: is_replica(database.reads_for(None)))
    pool = database.reads_for(None)
    reading = asyncio.create_task(pool.json_text("SELECT pg_sleep(1)::text || pg_is_in_recovery()::text", {}))
    await asyncio.sleep(0.2)
    standby.stop()
    try:
        assert await words(database, None) == "слово".encode()
        assert await reading == b"false"  # asked again, of the primary
        await reached(lambda: not is_replica(database.reads_for(None)))
        await asyncio.sleep(0.5)
    finally:
        standby.start()
    await reached(lambda: is_replica(database.reads_for(None)))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2, lines


async def test_a_server_that_is_no_replica_is_not_read(server: EmbeddedServer, empty: None) -> None:
    database = Database(server.url, read_urls=[server.dsn])
    await database.open()
    await asyncio.sleep(0.5)
    assert not is_replica(database.reads_for(None))
    await database.close()


async def test_without_replicas_nothing_is_asked_and_nothing_is_remembered(server: EmbeddedServer, empty: None) -> None:
    database = Database(server.url)
    await database.open()
    await write(database, ANNA, "слово")
    assert database.reads_for(ANNA) is database.reads
    assert database.written_by(ANNA) is None
    await database.close()


def test_places_are_written_as_the_server_writes_them() -> None:
    assert read_lsn("16/B374D848") == 0x16B374D848
    assert write_lsn(0x16B374D848) == "16/B374D848"
    assert read_lsn("16/B374D848 ") is None


def test_the_memory_of_writes_is_short_and_never_forgets_too_much() -> None:
    now_s = 0.0
    written = Written(keep_s=10, clock_s=lambda: now_s)
    written.note(ANNA, 7)
    written.note(ANNA, 5)
    assert written.place(ANNA) == 7
    assert written.place(BORIS) == written.place(None) == 0
    for _ in range(50_000):
        written.note(uuid4(), 6)
    # Anna fell out of a full memory, so everybody counts as she.
    assert written.place(BORIS) == 7
    assert len(written._places) == 50_000
    now_s = 10.1
    assert written.place(ANNA) == written.place(None) == 0
    written.note(BORIS, NOT_KNOWN)
    assert len(written._places) == 1


def test_every_mutation_names_the_person_whose_next_read_must_see_it() -> None:
    for path in sorted((PROJECT / "schema" / "mutations").glob("*.py")):
        assert ".unit()" not in path.read_text(encoding="utf-8"), f"{Path(path.name)}: name the person to `unit`"
