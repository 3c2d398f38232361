"""Comparing: the read models with a count made anew, and what other tables promise each other.

Each check is one statement that finds what is wrong, a line of text each; a sound database gives none.
"""

# ruff: noqa: S608 - every statement is put together from names that stand in this package

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.delivery import MOVABLE_STATES, OPEN_STATES
from store.statistics.folding import MODELS, Model
from store.statistics.recount import ANSWERED, RECOUNT, Connection, count_anew, one_snapshot, rebuild, words

MOST_SHOWN: Final = 20
_MEND = "okno verify --mend"


@dataclass(frozen=True, slots=True)
class Check:
    """What is promised, the statement that finds where it does not hold, and what to do then."""

    name: str
    promise: str
    statement: str
    remedy: str
    mendable: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found: how many differences, and the first of them in words."""

    check: Check
    differences: int
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.differences == 0


def verify(connection: Connection) -> list[Verdict]:
    """Run every check in one snapshot. Nobody who writes or reads waits; `connection` has no transaction under way."""
    with one_snapshot(connection):
        count_anew(connection)
        connection.execute("SET LOCAL timezone = 'UTC'")
        return [_run(connection, check) for check in (*CHECKS, *_rendering_checks(connection))]


def mend(connection: Connection) -> None:
    """Make anew what can be: the flat trees and the read models. Nobody who writes or reads waits."""
    for tree in _TREES:
        connection.execute(f"SELECT refresh_{tree}_above()".encode())
    connection.execute("DELETE FROM rendering")
    connection.execute("UPDATE rendered_shape SET version = -1, down_to = NULL, is_filled = false")
    connection.commit()
    rebuild(connection)


def _rendering_checks(connection: Connection) -> list[Check]:
    """One for each shape that is kept: what was rendered beside what is rendered now. What a rename made old counts as not rendered."""
    shapes = connection.execute("SELECT number, statement FROM rendered_shape ORDER BY number").fetchall()
    return [
        Check(
            f"rendering_{number}",
            "a rendering says what would be rendered now",
            f"""
                SELECT concat(m.reference, ': rendered in shape {number} as ', left(kept.body::text, 200))
                FROM rendering AS kept
                JOIN ({statement}) AS made ON made.id = kept.message_id
                JOIN message m ON m.id = kept.message_id
                WHERE kept.shape = {number} AND kept.version = (SELECT version FROM read_version WHERE name = 'names')
                    AND kept.body::text <> made.body::text
            """,
            f"{_MEND}: the renderings are forgotten, and the worker makes them anew",
        )
        for number, statement in shapes
    ]


def _run(connection: Connection, check: Check) -> Verdict:
    rows = connection.execute(
        f"SELECT count(*) OVER (), found::text FROM ({check.statement}) AS found (found) LIMIT {MOST_SHOWN}".encode()
    ).fetchall()
    return Verdict(check, int(str(rows[0][0])) if rows else 0, tuple(str(found) for _, found in rows))


def _model_check(model: Model) -> Check:
    keys = ", ".join(model.keys)
    sums = ", ".join(f"nullif(sum({name}), 0)::int AS {name}" for name in model.sums)
    names = ", ".join((*model.keys, *model.sums))
    shown = f"SELECT {names} FROM {model.table} UNION ALL {model.summed('statistics_delta')}"
    differ = " OR ".join(f"coalesce(shown.{name}, 0) <> coalesce(counted.{name}, 0)" for name in model.sums)
    place = ", ".join(f"'{name}=', coalesce(shown.{name}, counted.{name}), ' '" for name in model.keys)
    values = ", ".join(
        f"CASE WHEN coalesce(shown.{name}, 0) <> coalesce(counted.{name}, 0) "
        f"THEN format('%s is %s, counted %s', '{name}', coalesce(shown.{name}, 0), coalesce(counted.{name}, 0)) END"
        for name in model.sums
    )
    return Check(
        model.table,
        f"{model.table} says what the messages say",
        f"""
            SELECT concat({place}, ': ', concat_ws('; ', {values}))
            FROM (SELECT {keys}, {sums} FROM ({shown}) AS both_places GROUP BY {keys}) AS shown
            FULL JOIN ({model.summed(RECOUNT)}) AS counted USING ({keys})
            WHERE {differ}
        """,
        f"{_MEND}: the read models are counted anew; nobody waits for it",
    )


def _tree_check(tree: str) -> Check:
    return Check(
        f"{tree}_above",
        f"{tree}_above is the tree of {tree}, made flat",
        f"""
            WITH RECURSIVE climbed AS (
                SELECT code AS node, code AS above, 0 AS distance FROM {tree}
                UNION ALL
                SELECT climbed.node, {tree}.parent_code, climbed.distance + 1
                FROM climbed JOIN {tree} ON {tree}.code = climbed.above WHERE {tree}.parent_code IS NOT NULL
            )
            SELECT concat(coalesce(node, {tree}_code), ' below ', coalesce(above, above_code), ': ',
                CASE WHEN node IS NULL THEN 'not so in the tree' WHEN {tree}_code IS NULL THEN 'missing' ELSE 'wrong distance' END)
            FROM climbed FULL JOIN {tree}_above AS kept ON kept.{tree}_code = node AND kept.above_code = above
            WHERE climbed.distance IS DISTINCT FROM kept.distance
        """,
        f"{_MEND}: the flat tree is made anew",
    )


_TREES = ("organisation", "territory")
_OPEN = words(OPEN_STATES)
_ANSWERED = words(ANSWERED)
CHECKS: Final = (
    *(_model_check(model) for model in MODELS),
    Check(
        "statistics_answered",
        "an answered message, and no other, has its day of answer",
        f"""
            SELECT concat(coalesce(m.reference, k.message_id::text), ': ',
                CASE WHEN k.message_id IS NULL THEN 'no day of answer' ELSE 'a day of answer without an answer' END)
            FROM (SELECT id, reference FROM message WHERE status IN ({_ANSWERED})) AS m
            FULL JOIN statistics_answered k ON k.message_id = m.id
            WHERE m.id IS NULL OR k.message_id IS NULL
        """,
        f"{_MEND}: the day is taken from the message's history",
    ),
    *(_tree_check(tree) for tree in _TREES),
    Check(
        "first_event",
        "the history of every message begins with its receipt",
        """
            SELECT reference FROM message m WHERE NOT EXISTS (
                SELECT FROM event e WHERE e.message_id = m.id AND e.from_status IS NULL AND e.to_status = 'RECEIVED'
            )
        """,
        "history is never written afterwards: restore the events from a backup, or note the loss with the organisation",
        mendable=False,
    ),
    Check(
        "delivery_head",
        "of a message's unfinished deliveries the first is worked on and the others wait for it",
        f"""
            SELECT concat(m.reference, ': delivery ', d.position, ' is ', d.state,
                CASE WHEN d.place = 1 THEN ', and nothing is before it' ELSE ', and an earlier one is not finished' END)
            FROM (
                SELECT message_id, position, state, row_number() OVER (PARTITION BY message_id ORDER BY position) AS place
                FROM delivery WHERE finished_at IS NULL AND state IN ({_OPEN})
            ) AS d JOIN message m ON m.id = d.message_id
            WHERE (d.place = 1 AND d.state = 'QUEUED' AND NOT EXISTS (
                    SELECT FROM delivery e WHERE e.message_id = d.message_id AND e.position < d.position AND e.finished_at IS NULL
                )) OR (d.place > 1 AND d.state IN ({words(MOVABLE_STATES)}))
        """,
        "look at the message with `okno` on the operator's desk: set the first delivery READY and the others QUEUED",
        mendable=False,
    ),
)
