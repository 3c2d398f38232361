"""Read models for dashboards, and the triggers that keep them in the transaction of the event."""

# ruff: noqa: S608 - every statement is put together from names that stand in this file

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ANSWERED = ("ANSWERED", "SOLVED", "CLOSED_UNSOLVED")
_SET_ASIDE = ("REFUSED", "WITHDRAWN")
_STATUSES = (
    "RECEIVED",
    "ON_MODERATION",
    "ROUTED",
    "DELIVERED",
    "REGISTERED",
    "IN_PROGRESS",
    "WAITING_FOR_CITIZEN",
    "PLANNED",
    *_ANSWERED,
    *_SET_ASIDE,
)
_MEASURES = (
    "messages",
    *(f"status_{status.lower()}" for status in _STATUSES),
    "answered_in_time",
    "answered_late",
    "answers",
    *(f"answer_{rating}" for rating in range(1, 6)),
    *(f"solution_{rating}" for rating in range(1, 6)),
    "answered_that_day",
)
_CELL = ("organisation_code", "category_code", "territory_code", "day")
_DAYS = frozenset({"day", "week", "deadline_on", "answered_on"})
_ZONE = "'Europe/Moscow'"
"""The country's day, and the zone of a message that has no organisation yet."""

_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "statistics_cell": (("organisation_code", "day", "category_code", "territory_code"), _MEASURES),
    "statistics_organisation": (("organisation_code",), _MEASURES),
    "statistics_day": (("day",), _MEASURES),
    "statistics_open": (
        ("organisation_code", "day", "deadline_on", "category_code", "territory_code"),
        ("open_messages",),
    ),
    "statistics_open_total": (("timezone", "day", "deadline_on"), ("open_messages",)),
    "statistics_week": (("week", "category_code", "territory_code"), ("messages",)),
}


def upgrade() -> None:
    for name, (keys, counts) in _TABLES.items():
        op.create_table(
            name, *_key_columns(keys), *_count_columns(counts), sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{name}"))
        )
        # Room for new versions of a row on its own page: folding then touches no index.
        op.execute(f"ALTER TABLE {name} SET (fillfactor = 85)")
    op.create_table(
        "statistics_answered",
        sa.Column("message_id", sa.UUID(), nullable=False),
        *_key_columns(["answered_on"]),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_statistics_answered")),
    )
    deltas = [*_key_columns(_CELL), sa.Column("deadline_on", sa.Date(), nullable=True)]
    op.create_table("statistics_delta", *deltas, *_count_columns([*_MEASURES, "open_messages"]))
    # Its rows live for seconds.
    op.execute(
        "ALTER TABLE statistics_delta SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
    )
    op.create_index("ix_statistics_cell_category", "statistics_cell", ["category_code", "day"])
    op.create_index("ix_statistics_cell_territory", "statistics_cell", ["territory_code", "day"])
    op.create_index(
        "ix_statistics_open_none",
        "statistics_open",
        ["organisation_code"],
        postgresql_where=sa.text("open_messages IS NULL"),
    )
    op.create_index("ix_statistics_week_most", "statistics_week", ["week", sa.text("messages DESC NULLS LAST")])
    for made in (_messages_added(), _messages_changed(), _answers_added(), _verdicts_added(), _ZONE_MOVED):
        for statement in made:
            op.execute(statement)


def _key_columns(names: Sequence[str]) -> list[sa.schema.SchemaItem]:
    return [sa.Column(name, sa.Date() if name in _DAYS else sa.Text(), nullable=False) for name in names]


def _count_columns(names: Sequence[str]) -> list[sa.schema.SchemaItem]:
    return [sa.Column(name, sa.Integer(), nullable=True) for name in names]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


# What follows is put together from the names above and nothing else.

_INTO_DELTA = f"INSERT INTO statistics_delta ({', '.join(_CELL)}, {{columns}})"
_DAY = f"(m.received_at AT TIME ZONE {_ZONE})::date"
_PLACE = "coalesce(m.category_code, ''), coalesce(m.territory_code, '')"
_KEYS = f"coalesce(m.organisation_code, ''), {_PLACE}, {_DAY}"
_IS_OPEN = f"m.status NOT IN ({_quoted((*_ANSWERED, *_SET_ASIDE))})"
_FACTS = ", ".join(
    (
        "deadline_on",
        "open_messages",
        "messages",
        *(f"status_{status.lower()}" for status in _STATUSES),
        "answered_in_time",
        "answered_late",
    )
)


def _facts(weight: int, source: str) -> str:
    """One row of changes for each message of `source`, which names it `m` and its day of answer `k.answered_on`."""
    values = (
        _KEYS,
        f"CASE WHEN {_IS_OPEN} THEN m.deadline_on END",
        f"CASE WHEN {_IS_OPEN} THEN {weight} END",
        str(weight),
        *(f"CASE m.status WHEN '{status}' THEN {weight} END" for status in _STATUSES),
        f"CASE WHEN k.answered_on <= m.deadline_on THEN {weight} END",
        f"CASE WHEN k.answered_on > m.deadline_on THEN {weight} END",
    )
    into = _INTO_DELTA.format(columns=_FACTS)
    return f"{into} SELECT {', '.join(values)} FROM {source}"


def _answered_that_day(weight: int, source: str) -> str:
    into = _INTO_DELTA.format(columns="answered_that_day")
    keys = f"coalesce(m.organisation_code, ''), {_PLACE}, k.answered_on"
    return f"{into} SELECT {keys}, {weight} FROM {source}"


def _day_of_answer(source: str) -> str:
    """The day is the organisation's, and stays what it was when zones or organisations change."""
    return f"""
        INSERT INTO statistics_answered (message_id, answered_on)
        SELECT m.id, (m.status_since AT TIME ZONE coalesce(o.timezone, {_ZONE}))::date
        FROM {source} LEFT JOIN organisation o ON o.code = m.organisation_code
        ON CONFLICT DO NOTHING
    """


def _trigger(name: str, event: str, tables: str, body: str) -> tuple[str, str]:
    function = f"""
        CREATE FUNCTION statistics_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {body}
            RETURN NULL;
        END $$
    """
    trigger = f"""
        CREATE TRIGGER statistics_{name} AFTER {event} REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION statistics_{name}()
    """
    return function, trigger


def _messages_added() -> tuple[str, str]:
    answered = f"m.status IN ({_quoted(_ANSWERED)})"
    return _trigger(
        "messages_added",
        "INSERT ON message",
        "NEW TABLE AS added",
        f"""
            -- A message begins open; one that comes answered was brought from elsewhere.
            IF EXISTS (SELECT FROM added m WHERE {answered}) THEN
                {_day_of_answer(f"(SELECT * FROM added m WHERE {answered}) m")};
                {_answered_that_day(1, "added m JOIN statistics_answered k ON k.message_id = m.id")};
                {_facts(1, "added m LEFT JOIN statistics_answered k ON k.message_id = m.id")};
            ELSE
                {_facts(1, "added m, (SELECT NULL::date AS answered_on) k")};
            END IF;
        """,
    )


def _messages_changed() -> tuple[str, str]:
    facts = ("status", "organisation_code", "category_code", "territory_code", "deadline_on", "received_at")
    differ = (
        f"({', '.join(f'b.{name}' for name in facts)}) IS DISTINCT FROM ({', '.join(f'a.{name}' for name in facts)})"
    )
    answered = _quoted(_ANSWERED)

    def changed(name: str, join: str) -> str:
        other = "a" if name == "b" else "b"
        tables = {"a": "after_it", "b": "before_it"}
        pair = f"{tables[name]} m JOIN {tables[other]} {other} ON {other}.id = m.id"
        return f"{pair} {join} WHERE {differ.replace(f'{name}.', 'm.')}"

    joins = {"LEFT JOIN": _facts, "JOIN": _answered_that_day}
    kept = "statistics_answered k ON k.message_id = m.id"
    parts = {
        weight: "; ".join(make(weight, changed(name, f"{join} {kept}")) for join, make in joins.items())
        for name, weight in (("b", -1), ("a", 1))
    }
    begun = f"m.status IN ({answered}) AND b.status NOT IN ({answered})"
    moved = "(m.category_code, m.territory_code) IS DISTINCT FROM (b.category_code, b.territory_code)"
    return _trigger(
        "messages_changed",
        "UPDATE ON message",
        "OLD TABLE AS before_it NEW TABLE AS after_it",
        f"""
            IF NOT EXISTS (SELECT FROM before_it b JOIN after_it a ON a.id = b.id WHERE {differ}) THEN
                RETURN NULL;
            END IF;
            {parts[-1]};
            DELETE FROM statistics_answered k USING after_it m
            WHERE k.message_id = m.id AND m.status NOT IN ({answered});
            {_day_of_answer("(SELECT m.* FROM after_it m JOIN before_it b ON b.id = m.id WHERE " + begun + ") m")};
            {parts[1]};
            IF EXISTS (SELECT FROM after_it m JOIN before_it b ON b.id = m.id WHERE {moved}) THEN
                {_answers(-1, "before_it m JOIN answer a ON a.message_id = m.id")};
                {_answers(1, "after_it m JOIN answer a ON a.message_id = m.id")};
                {_verdicts(-1, "before_it m JOIN answer a ON a.message_id = m.id JOIN verdict v ON v.answer_id = a.id")};
                {_verdicts(1, "after_it m JOIN answer a ON a.message_id = m.id JOIN verdict v ON v.answer_id = a.id")};
            END IF;
        """,
    )


_OF_ANSWER = f"a.organisation_code, {_PLACE}, {_DAY}"
"""An answer and its verdict count for the organisation that gave it, whoever has the message now."""


def _answers(weight: int, source: str) -> str:
    return f"{_INTO_DELTA.format(columns='answers')} SELECT {_OF_ANSWER}, {weight} FROM {source}"


def _verdicts(weight: int, source: str) -> str:
    names = [f"{kind}_{rating}" for kind in ("answer", "solution") for rating in range(1, 6)]
    values = [
        f"CASE v.{kind}_rating WHEN {rating} THEN {weight} END"
        for kind in ("answer", "solution")
        for rating in range(1, 6)
    ]
    into = _INTO_DELTA.format(columns=", ".join(names))
    return f"{into} SELECT {_OF_ANSWER}, {', '.join(values)} FROM {source}"


def _answers_added() -> tuple[str, str]:
    source = "added a JOIN message m ON m.id = a.message_id"
    return _trigger("answers_added", "INSERT ON answer", "NEW TABLE AS added", f"{_answers(1, source)};")


def _verdicts_added() -> tuple[str, str]:
    source = "added v JOIN answer a ON a.id = v.answer_id JOIN message m ON m.id = a.message_id"
    return _trigger("verdicts_added", "INSERT ON verdict", "NEW TABLE AS added", f"{_verdicts(1, source)};")


# 3138 is the lock of folding (store/statistics/folding.py): nobody folds while a zone moves.
_ZONE_MOVED = (
    f"""
    CREATE FUNCTION statistics_zone_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(3138);
        DELETE FROM statistics_open_total;
        INSERT INTO statistics_open_total (timezone, day, deadline_on, open_messages)
        SELECT coalesce(o.timezone, {_ZONE}), s.day, s.deadline_on, nullif(sum(s.open_messages), 0)
        FROM statistics_open s LEFT JOIN organisation o ON o.code = s.organisation_code
        GROUP BY 1, 2, 3;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER statistics_zone_moved AFTER UPDATE ON organisation
    FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION statistics_zone_moved()
    """,
)


def downgrade() -> None:
    for name, table in {
        "messages_added": "message",
        "messages_changed": "message",
        "answers_added": "answer",
        "verdicts_added": "verdict",
        "zone_moved": "organisation",
    }.items():
        op.execute(f"DROP TRIGGER statistics_{name} ON {table}")
        op.execute(f"DROP FUNCTION statistics_{name}()")
    for name in ("statistics_delta", "statistics_answered", *_TABLES):
        op.drop_table(name)
