"""Counting anew from the messages, answers and verdicts themselves, in the form of deltas: what the read models must say.

`counted_anew` gives a transaction with one snapshot in which the table `statistics_recount` holds the count. Nobody folds meanwhile, everybody else
goes on: what is written after the snapshot is in neither the count nor the models it is compared with.
"""

# ruff: noqa: S608 - every statement is put together from names that stand in this package

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

import psycopg
from psycopg import IsolationLevel

from domain.status import Status
from store.statistics.days import COUNTRY_ZONE
from store.statistics.folding import LOCK, MODELS
from store.tables.statistics import CELL, MEASURES, OPEN, RATINGS, STATUS_MEASURES

ANSWERED: Final = frozenset({Status.ANSWERED, Status.SOLVED, Status.CLOSED_UNSOLVED})
"""The organisation has said its word; no clock runs."""
SET_ASIDE: Final = frozenset({Status.REFUSED, Status.WITHDRAWN})
"""Nobody waits for an answer any more."""

Connection = psycopg.Connection[tuple[object, ...]]


def words(some: Iterable[StrEnum]) -> str:
    """Words of ours as a list in SQL."""
    return ", ".join(f"'{status}'" for status in sorted(some))


_IS_OPEN = f"m.status NOT IN ({words(ANSWERED | SET_ASIDE)})"
_DAY = f"(m.received_at AT TIME ZONE '{COUNTRY_ZONE}')::date"
_PLACE = "coalesce(m.category_code, '') AS category_code, coalesce(m.territory_code, '') AS territory_code"
_KEYS = f"coalesce(m.organisation_code, '') AS organisation_code, {_PLACE}, {_DAY} AS day"
_COLUMNS = (*CELL, "deadline_on", *MEASURES, OPEN)


def _part(measures: dict[str, str], *, grouped_keys: str = _KEYS, deadline: str = "NULL::date", source: str) -> str:
    """Some of the measures, each counted where its condition holds; the others NULL."""
    counts = ", ".join(
        f"nullif(count(*) FILTER (WHERE {measures[name]}), 0)::int AS {name}"
        if name in measures
        else f"NULL::int AS {name}"
        for name in (*MEASURES, OPEN)
    )
    return f"SELECT {grouped_keys}, {deadline} AS deadline_on, {counts} FROM {source} GROUP BY 1, 2, 3, 4, 5"


_OF_ANSWER = f"a.organisation_code, {_PLACE}, {_DAY} AS day"
_KNOWN = "statistics_answered k ON k.message_id = m.id"
_PARTS = (
    _part(
        {
            "messages": "true",
            **{name: f"m.status = '{status}'" for status, name in STATUS_MEASURES.items()},
            "answered_in_time": "k.answered_on <= m.deadline_on",
            "answered_late": "k.answered_on > m.deadline_on",
            OPEN: _IS_OPEN,
        },
        deadline=f"CASE WHEN {_IS_OPEN} THEN m.deadline_on END",
        source=f"message m LEFT JOIN {_KNOWN}",
    ),
    _part(
        {"answered_that_day": "true"},
        grouped_keys=f"coalesce(m.organisation_code, '') AS organisation_code, {_PLACE}, k.answered_on AS day",
        source=f"message m JOIN {_KNOWN}",
    ),
    _part(
        {
            "answers": "true",
            **{f"answer_{rating}": f"v.answer_rating = {rating}" for rating in RATINGS},
            **{f"solution_{rating}": f"v.solution_rating = {rating}" for rating in RATINGS},
        },
        grouped_keys=_OF_ANSWER,
        source="answer a JOIN message m ON m.id = a.message_id LEFT JOIN verdict v ON v.answer_id = a.id",
    ),
)
RECOUNT: Final = "statistics_recount"
_RECOUNT = f"""
    CREATE TEMPORARY TABLE {RECOUNT} ON COMMIT DROP AS
    SELECT {", ".join(_COLUMNS)} FROM ({" UNION ALL ".join(_PARTS)}) AS parts
"""

# The day on which it came to be answered, for messages that triggers have not seen: the last time an event brought it there.
_MISSING_DAYS = f"""
    INSERT INTO statistics_answered (message_id, answered_on)
    SELECT m.id, (coalesce(e.observed_at, m.status_since) AT TIME ZONE coalesce(o.timezone, '{COUNTRY_ZONE}'))::date
    FROM message m
    LEFT JOIN (
        SELECT message_id, max(observed_at) AS observed_at FROM event
        WHERE kind = 'STATUS' AND applied AND to_status IN ({words(ANSWERED)})
            AND (from_status IS NULL OR from_status NOT IN ({words(ANSWERED)}))
        GROUP BY message_id
    ) AS e ON e.message_id = m.id
    LEFT JOIN organisation o ON o.code = m.organisation_code
    WHERE m.status IN ({words(ANSWERED)})
        AND NOT EXISTS (SELECT FROM statistics_answered k WHERE k.message_id = m.id)
"""
_NEEDLESS_DAYS = f"""
    DELETE FROM statistics_answered k
    WHERE NOT EXISTS (SELECT FROM message m WHERE m.id = k.message_id AND m.status IN ({words(ANSWERED)}))
"""


@contextlib.contextmanager
def one_snapshot(connection: Connection) -> Iterator[None]:
    """A REPEATABLE READ transaction during which nobody folds. The connection has none under way.

    The lock is taken before the snapshot: a fold that ended between the two would be seen by halves.
    """
    autocommit, level = connection.autocommit, connection.isolation_level
    connection.autocommit = True
    connection.execute("SELECT set_config('statement_timeout', '0', false), pg_advisory_lock(%s)", [LOCK])
    try:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            # After a bulk load nobody has looked at the tables yet: row by row would be the planner's guess for what it takes to be empty.
            connection.execute("SET LOCAL enable_nestloop = off")
            connection.execute("SET LOCAL work_mem = '256MB'")
            yield
    finally:
        connection.isolation_level = level
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            connection.execute("RESET statement_timeout")
            connection.autocommit = autocommit


def count_anew(connection: Connection) -> None:
    """Make `statistics_recount` in the transaction of `one_snapshot`."""
    connection.execute(_RECOUNT.encode())
    connection.execute(f"ANALYZE {RECOUNT}".encode())


def rebuild(connection: Connection) -> None:
    """Make the read models anew, after a bulk load that no trigger saw or to mend them.

    Nobody who writes or reads waits. `connection` is the driver's own, without a transaction under way.
    """
    with one_snapshot(connection):
        connection.execute(_NEEDLESS_DAYS.encode())
        connection.execute(_MISSING_DAYS.encode())
        count_anew(connection)
        connection.execute("DELETE FROM statistics_delta")
        for model in MODELS:
            connection.execute(f"DELETE FROM {model.table}".encode())
            connection.execute(model.filled(RECOUNT).encode())
    previous, connection.autocommit = connection.autocommit, True
    for table in (*(model.table for model in MODELS), "statistics_answered", "statistics_delta"):
        connection.execute(f"VACUUM (ANALYZE) {table}".encode())
    connection.autocommit = previous
