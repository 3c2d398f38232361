"""Read models of what dashboards show all day. They say nothing that other tables do not: `store/statistics` counts anew and compares.

A row counts messages of one cell: organisation, category, territory and day of receipt, each '' where the message has none. What no message did
is NULL, not 0, so a column costs a cell nothing. `statistics_delta` holds what transactions added since the last fold.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, Date, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql

from domain.status import Status
from store.tables.base import Base

STATUS_MEASURES = {status: f"status_{status.value.lower()}" for status in Status}
RATINGS = range(1, 6)
MEASURES = (
    "messages",
    *STATUS_MEASURES.values(),
    "answered_in_time",
    "answered_late",
    "answers",
    *(f"answer_{rating}" for rating in RATINGS),
    *(f"solution_{rating}" for rating in RATINGS),
    "answered_that_day",
)
"""What is counted by day of receipt; `answered_that_day` alone is counted by day of the answer."""
OPEN = "open_messages"
"""Counted by the day on which the answer is due as well."""
CELL = ("organisation_code", "category_code", "territory_code", "day")


def _keys(*names: str) -> list[Column[object]]:
    days = ("day", "week", "deadline_on", "answered_on")
    return [Column(name, Date if name in days else Text, nullable=False) for name in names]


def _counts(names: Sequence[str]) -> list[Column[int]]:
    return [Column(name, Integer) for name in names]


# The organisation comes first: its own page with a period is what is asked most of the single cells.
STATISTICS_CELL = Table(
    "statistics_cell",
    Base.metadata,
    *_keys("organisation_code", "day", "category_code", "territory_code"),
    *_counts(MEASURES),
    PrimaryKeyConstraint("organisation_code", "day", "category_code", "territory_code"),
    Index("ix_statistics_cell_category", "category_code", "day"),
    Index("ix_statistics_cell_territory", "territory_code", "day"),
)
STATISTICS_ORGANISATION = Table(
    "statistics_organisation",
    Base.metadata,
    *_keys("organisation_code"),
    *_counts(MEASURES),
    PrimaryKeyConstraint("organisation_code"),
)
STATISTICS_DAY = Table("statistics_day", Base.metadata, *_keys("day"), *_counts(MEASURES), PrimaryKeyConstraint("day"))
# Messages without an answer, by the day on which it is due: time makes them late, and no event does.
STATISTICS_OPEN = Table(
    "statistics_open",
    Base.metadata,
    *_keys("organisation_code", "day", "deadline_on", "category_code", "territory_code"),
    *_counts([OPEN]),
    PrimaryKeyConstraint("organisation_code", "day", "deadline_on", "category_code", "territory_code"),
    Index("ix_statistics_open_none", "organisation_code", postgresql_where=sql("open_messages IS NULL")),
)
STATISTICS_OPEN_TOTAL = Table(
    "statistics_open_total",
    Base.metadata,
    *_keys("timezone", "day", "deadline_on"),
    *_counts([OPEN]),
    PrimaryKeyConstraint("timezone", "day", "deadline_on"),
)
# Weeks are named by their Monday.
STATISTICS_WEEK = Table(
    "statistics_week",
    Base.metadata,
    *_keys("week", "category_code", "territory_code"),
    *_counts(["messages"]),
    PrimaryKeyConstraint("week", "category_code", "territory_code"),
    Index("ix_statistics_week_most", "week", sql("messages DESC NULLS LAST")),
)
STATISTICS_DELTA = Table(
    "statistics_delta",
    Base.metadata,
    *_keys(*CELL),
    Column("deadline_on", Date),
    *_counts([*MEASURES, OPEN]),
)
# By which day a message that is answered was: the day at its organisation, as it was then.
STATISTICS_ANSWERED = Table(
    "statistics_answered",
    Base.metadata,
    Column("message_id", postgresql.UUID(as_uuid=True), primary_key=True),
    *_keys("answered_on"),
)
