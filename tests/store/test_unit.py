"""Units and the connections they run on: what is whole is committed at once, and a server that was away is no citizen's trouble."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from store.unit import Database, libpq_address

COUNT = text("SELECT count(*) FROM person")
ADD = text("INSERT INTO person (id, issuer, subject) VALUES (gen_random_uuid(), 'test', :subject)")


async def people(database: Database) -> int:
    async with database.reader() as connection:
        return int((await connection.execute(COUNT)).scalar_one())


async def add_and_fail(database: Database, *, whole: str | None = None) -> None:
    """Add a person whole, if named, and one in a transaction; then fail."""
    async with database.unit() as unit:
        if whole is not None:
            await unit.execute_whole(ADD, {"subject": whole})
            assert await people(database) == 1
        await unit.execute(ADD, {"subject": "rolled back"})
        raise ZeroDivisionError


async def whole_too_late(database: Database) -> None:
    async with database.unit() as unit:
        await unit.execute(ADD, {"subject": "first"})
        await unit.execute_whole(ADD, {"subject": "second"})


async def fail_whole(database: Database) -> None:
    async with database.unit() as unit:
        await unit.execute_whole(text("SELECT 1 / 0"))


async def test_a_whole_statement_is_committed_when_it_returns_and_what_follows_is_a_transaction(
    database: Database,
) -> None:
    with pytest.raises(ZeroDivisionError):
        await add_and_fail(database, whole="whole")
    assert await people(database) == 1


async def test_only_the_first_statement_of_a_unit_can_be_whole(database: Database) -> None:
    with pytest.raises(RuntimeError, match="first statement"):
        await whole_too_late(database)
    assert await people(database) == 0


async def test_a_connection_gives_back_no_trace_of_a_whole_statement(database: Database) -> None:
    async with database.unit() as unit:
        await unit.execute_whole(ADD, {"subject": "whole"})
    with pytest.raises(ZeroDivisionError):
        await add_and_fail(database)
    assert await people(database) == 1


async def test_connections_that_the_server_closed_are_not_used_again(database: Database) -> None:
    # Several at once, so that the pool holds more than one.
    await asyncio.gather(*(people(database) for _ in range(5)))
    async with await psycopg.AsyncConnection.connect(libpq_address(database.url), autocommit=True) as other:
        ended = await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ended.rowcount >= 5
    await asyncio.sleep(0.2)
    assert await asyncio.gather(*(people(database) for _ in range(5))) == [0] * 5
    async with database.unit() as unit:
        await unit.execute(ADD, {"subject": "after"})
    assert await people(database) == 1


async def test_a_statement_that_fails_leaves_a_usable_connection(database: Database) -> None:
    for _ in range(12):
        with pytest.raises(DBAPIError):
            await fail_whole(database)
    assert await people(database) == 0
