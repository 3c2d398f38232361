"""The connections a process reads with: right bytes, bounded, never stuck with the dead, never left behind by those who leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from store.reading import PoolUse, ReadPool, ReadsAway, ReadStatement, ReadTooLong, read_statement
from store.unit import Database, libpq_address

PID = "SELECT pg_backend_pid()::text"
SLEEP = "SELECT pg_sleep(%(seconds)s)::text"
PREPARED = "SELECT count(*)::text FROM pg_prepared_statements"


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """A connection beside the pool, to look and to disturb."""
    async with await psycopg.AsyncConnection.connect(libpq_address(database_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[ReadPool]:
    pool = ReadPool(libpq_address(database_url), size=2, wait_s=0.5, statement_timeout_s=1.0, most_prepared=8)
    yield pool
    await pool.close()


async def _until(reached: Any) -> None:
    for _ in range(250):
        if await reached():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def test_the_bytes_of_a_json_value_come_as_the_server_wrote_them(pool: ReadPool) -> None:
    assert await pool.json_text("SELECT '{\"яма\":  1}'::json", {}) == '{"яма":  1}'.encode()
    assert await pool.json_text("SELECT NULL::text", {}) is None
    assert await pool.json_text("SELECT '1' WHERE false", {}) is None


async def test_values_of_every_kind_that_plans_bind_arrive_whole(pool: ReadPool) -> None:
    parameters = {
        "text": "кавычка ' и %% и \\ ",
        "number": 2**40,
        "key": UUID("00000000-0000-0000-0000-000000000007"),
        "yes": True,
        "nothing": None,
        "when": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "codes": ["a,b", 'c"d', "яма"],
        "keys": [UUID(int=1)],
        "none": [],
    }
    answer = await pool.json_text(
        "SELECT json_build_array(%(text)s::text, %(number)s::bigint, %(key)s::uuid, %(yes)s::boolean, %(nothing)s::text, %(when)s::timestamptz,"
        " %(codes)s::text[], %(keys)s::uuid[], %(none)s::text[], '100%%', %(text)s::text = %(text)s::text)::text",
        parameters,
    )
    assert answer is not None
    found = json.loads(answer)
    assert found == [
        "кавычка ' и %% и \\ ",
        2**40,
        "00000000-0000-0000-0000-000000000007",
        True,
        None,
        "2026-01-02T03:04:05.000678+00:00",
        ["a,b", 'c"d', "яма"],
        ["00000000-0000-0000-0000-000000000001"],
        [],
        "100%",
        True,
    ]


def test_a_name_used_twice_is_one_parameter_and_a_doubled_percent_sign_is_one() -> None:
    statement = read_statement("SELECT %(b)s::int % 1, '%%', %(a)s, %(b)s")
    assert statement.text == b"SELECT $1::int % 1, '%', $2, $1"
    assert statement.names == ("b", "a")


async def test_a_long_answer_and_a_long_parameter_come_through(pool: ReadPool) -> None:
    word = "ж" * 3_000_000
    assert await pool.json_text("SELECT reverse(%(word)s::text)", {"word": word}) == word.encode()


async def test_nothing_that_runs_here_can_write(pool: ReadPool) -> None:
    with pytest.raises(errors.ReadOnlySqlTransaction):
        await pool.json_text("INSERT INTO person VALUES (gen_random_uuid(), 'a', 'b') RETURNING 'x'", {})
    assert await pool.json_text("SELECT 'after'", {}) == b"after"


async def test_the_connection_used_last_is_used_first(pool: ReadPool) -> None:
    await asyncio.gather(pool.json_text(SLEEP, {"seconds": 0.1}), pool.json_text(SLEEP, {"seconds": 0.15}))
    assert pool.use() == PoolUse(size=2, open=2, idle=2, waiting=0)
    assert len({await pool.json_text(PID, {}) for _ in range(5)}) == 1


async def test_who_waits_is_served_when_a_connection_comes_back(pool: ReadPool) -> None:
    answers = await asyncio.gather(*(pool.json_text(SLEEP, {"seconds": 0.05}) for _ in range(8)))
    assert answers == [b""] * 8
    assert pool.use().open == 2


async def test_who_waits_too_long_is_told_so(pool: ReadPool) -> None:
    busy = [asyncio.create_task(pool.json_text(SLEEP, {"seconds": 0.9})) for _ in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(ReadsAway, match="busy"):
        await pool.json_text(PID, {})
    await asyncio.gather(*busy)
    assert await pool.json_text("SELECT 'after'", {}) == b"after"


async def test_a_statement_that_runs_too_long_is_stopped_by_the_server(pool: ReadPool) -> None:
    with pytest.raises(ReadTooLong):
        await pool.json_text(SLEEP, {"seconds": 20})
    assert pool.use().idle == 1


async def test_a_reader_who_leaves_stops_the_statement_and_leaves_a_clean_connection(
    database_url: str, other: psycopg.AsyncConnection[tuple[Any, ...]]
) -> None:
    pool = ReadPool(libpq_address(database_url), size=1, statement_timeout_s=30)
    pid = await pool.json_text(PID, {})
    left = asyncio.create_task(pool.json_text(SLEEP, {"seconds": 30}))
    await asyncio.sleep(0.1)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    # Whoever comes next waits for the cleaning and gets an answer of its own.
    assert await pool.json_text(PID, {}) == pid
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%pg_sleep%%' AND pid <> pg_backend_pid()"
    assert await (await other.execute(running)).fetchone() == (0,)
    await pool.close()


async def test_readers_who_leave_at_any_moment_never_spoil_the_answer_of_another(pool: ReadPool) -> None:
    async def ask(number: int, leave_after_s: float | None) -> None:
        question = pool.json_text("SELECT %(n)s::text || pg_sleep(0.003)::text", {"n": str(number)})
        try:
            assert await asyncio.wait_for(question, leave_after_s) == str(number).encode()
        except TimeoutError:
            assert leave_after_s is not None

    for round_ in range(30):
        await asyncio.gather(*(ask(n, None if n % 2 else 0.0005 * ((n + round_) % 12)) for n in range(8)))

    async def rested() -> bool:
        use = pool.use()
        return use.idle == use.open and use.waiting == 0

    await _until(rested)
    assert pool.use().open <= 2


async def test_connections_of_a_server_that_went_away_are_not_used_again(
    pool: ReadPool, other: psycopg.AsyncConnection[tuple[Any, ...]]
) -> None:
    await asyncio.gather(*(pool.json_text(SLEEP, {"seconds": 0.05}) for _ in range(2)))
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'okno reads'"
    )
    await asyncio.sleep(0.2)
    assert await asyncio.gather(*(pool.json_text("SELECT 'x'", {}) for _ in range(4))) == [b"x"] * 4


async def test_a_connection_that_dies_in_the_middle_fails_that_read_only(
    pool: ReadPool, other: psycopg.AsyncConnection[tuple[Any, ...]]
) -> None:
    reading = asyncio.create_task(pool.json_text(SLEEP, {"seconds": 0.9}))
    await asyncio.sleep(0.1)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'okno reads'"
    )
    with pytest.raises(ReadsAway):
        await reading
    assert await pool.json_text("SELECT 'after'", {}) == b"after"


async def test_prepared_statements_are_kept_and_the_least_used_fall_out(pool: ReadPool) -> None:
    for number in range(30):
        assert await pool.json_text(f"SELECT '{number}'", {}) == str(number).encode()
    assert await pool.json_text(PREPARED, {}) == b"8"
    before = await pool.json_text(PREPARED, {})
    await pool.json_text("SELECT '29'", {})
    assert await pool.json_text(PREPARED, {}) == before


async def test_a_statement_survives_a_schema_change_and_a_deallocation(
    pool: ReadPool, other: psycopg.AsyncConnection[tuple[Any, ...]]
) -> None:
    await other.execute("CREATE TABLE changing (shown text)")
    await other.execute("INSERT INTO changing VALUES ('7')")
    statement = "SELECT shown FROM changing"
    assert await pool.json_text(statement, {}) == b"7"
    await other.execute("ALTER TABLE changing ALTER shown TYPE json USING shown::json")
    assert await pool.json_text(statement, {}) == b"7"
    connection = pool._idle[-1]
    connection._prepared = type(connection._prepared)((text, b"gone") for text in connection._prepared)
    assert await pool.json_text(statement, {}) == b"7"


async def test_a_refused_statement_is_told_and_leaves_a_usable_connection(pool: ReadPool) -> None:
    for _ in range(3):
        with pytest.raises(errors.DivisionByZero):
            await pool.json_text("SELECT (1 / %(zero)s::int)::text", {"zero": 0})
        with pytest.raises(errors.UndefinedTable):
            await pool.json_text("SELECT x FROM nowhere", {})
    assert pool.use().open == 1
    with pytest.raises(KeyError):
        await pool.json_text("SELECT %(missing)s::text", {})


async def test_a_server_that_cannot_be_reached_takes_no_place() -> None:
    pool = ReadPool("host=127.0.0.1 port=1 user=okno dbname=okno", size=1)
    for _ in range(3):
        with pytest.raises(ReadsAway):
            await pool.ping()
    assert pool.use() == PoolUse(size=1, open=0, idle=0, waiting=0)


async def test_the_database_of_a_process_reads_on_connections_of_its_own_and_closes_them(
    database: Database, other: psycopg.AsyncConnection[tuple[Any, ...]]
) -> None:
    await database.reads.ping()
    await database.close()
    with pytest.raises(ReadsAway, match="closed"):
        await database.reads.ping()

    async def gone() -> bool:
        rows = await other.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'okno reads'"
        )
        return rows.rowcount == 0

    await _until(gone)


def _begin(
    pool: ReadPool, statement: ReadStatement, parameters: dict[str, Any] | None = None, within_s: float = 5.0
) -> asyncio.Future[bytes | None] | None:
    """What `begin` calls back with, as a future; None when it does not begin."""
    told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def then(value: bytes | None, error: Exception | None) -> None:
        if error is None:
            told.set_result(value)
        else:
            told.set_exception(error)

    return told if pool.begin(statement, parameters or {}, within_s, then) else None


async def _begun(pool: ReadPool, statement: ReadStatement, **given: Any) -> bytes | None:
    told = _begin(pool, statement, given)
    assert told is not None
    return await told


async def test_what_is_prepared_on_an_idle_connection_begins_at_once(pool: ReadPool) -> None:
    statement, other = read_statement("SELECT %(n)s::int + 1"), read_statement("SELECT 'other'")
    assert _begin(pool, statement, {"n": 1}) is None
    assert await pool.json_text(statement, {"n": 1}) == b"2"
    assert _begin(pool, other) is None
    assert [await _begun(pool, statement, n=n) for n in range(3)] == [b"1", b"2", b"3"]
    assert pool.use() == PoolUse(size=2, open=1, idle=1, waiting=0)


async def test_what_begins_in_the_middle_of_others_never_gets_their_answers(pool: ReadPool) -> None:
    statement = read_statement("SELECT %(n)s::text || pg_sleep(0.002)::text")
    await asyncio.gather(*(pool.json_text(statement, {"n": "x"}) for _ in range(2)))
    told = [_begin(pool, statement, {"n": str(number)}) for number in range(40)]
    waited = [pool.json_text(statement, {"n": f"w{number}"}) for number in range(10)]
    assert await asyncio.gather(*(one for one in told if one is not None)) == [str(n).encode() for n in range(40)]
    assert await asyncio.gather(*waited) == [f"w{n}".encode() for n in range(10)]
    assert pool.use() == PoolUse(size=2, open=2, idle=2, waiting=0)


async def test_whoever_is_called_back_hears_what_the_server_refuses_and_what_takes_too_long(pool: ReadPool) -> None:
    statement, sleep = read_statement("SELECT 1 / %(n)s::int"), read_statement(SLEEP)
    await pool.json_text(statement, {"n": 1})
    with pytest.raises(errors.DivisionByZero):
        await _begun(pool, statement, n=0)
    await pool.json_text(sleep, {"seconds": 0})
    with pytest.raises(ReadTooLong):
        await _begun(pool, sleep, seconds=20)
    assert await _begun(pool, statement, n=1) == b"1"


async def test_an_answer_that_never_comes_ends_with_its_connection(database_url: str) -> None:
    pool = ReadPool(libpq_address(database_url), size=1, statement_timeout_s=30)
    statement = read_statement(SLEEP)
    await pool.json_text(statement, {"seconds": 0})
    told = _begin(pool, statement, {"seconds": 30}, within_s=0.05)
    assert told is not None
    async with asyncio.timeout(5):
        with pytest.raises(ReadTooLong):
            await told
    assert pool.use().open == 0
    assert await pool.json_text("SELECT 'after'", {}) == b"after"
    await pool.close()


async def test_whoever_waits_to_be_called_back_is_told_when_nobody_comes_back(pool: ReadPool) -> None:
    statement = read_statement(SLEEP)
    await asyncio.gather(*(pool.json_text(statement, {"seconds": 0.01}) for _ in range(2)))
    busy = [_begin(pool, statement, {"seconds": 0.8}) for _ in range(2)]
    late = _begin(pool, statement, {"seconds": 0})
    assert late is not None
    assert pool.use().waiting == 1
    with pytest.raises(ReadsAway):
        await late
    assert pool.use().waiting == 0
    assert await asyncio.gather(*(one for one in busy if one is not None)) == [b"", b""]


async def test_a_connection_that_is_lost_is_told_and_replaced(
    pool: ReadPool, other: psycopg.AsyncConnection[tuple[Any, ...]]
) -> None:
    statement = read_statement(SLEEP)
    await pool.json_text(statement, {"seconds": 0})
    pid = int(await pool.json_text(PID, {}) or 0)
    told = _begin(pool, statement, {"seconds": 0.9})
    assert told is not None
    await other.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(ReadsAway):
        await told
    assert pool.use().open == 0
    assert await pool.json_text("SELECT 'after'", {}) == b"after"


@pytest.mark.parametrize(
    "items",
    [
        ["a"],
        ["A-1", "b/c.d:e_f"],
        ["a,b"],
        ["a", "b,c"],
        ["a", ""],
        [],
        ["a\n"],
        ["null"],
        ["NULL"],
        ["nullable"],
        ["a b"],
        ["я"],
        ["{}"],
        ['"'],
        ["\\"],
        [""],
    ],
)
async def test_texts_in_a_list_arrive_as_they_are(pool: ReadPool, items: list[str]) -> None:
    answer = await pool.json_text("SELECT to_json(%(items)s::text[])::text", {"items": items})
    assert json.loads(answer or b"") == items
