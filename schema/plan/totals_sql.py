"""The SQL of what a connection says of its whole list, whatever the page: how many rows there are, and how many in each group.

Promises: counted only when asked for; never more than `MOST_COUNTED` rows, so a count has a price that does not grow with the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Subquery,
    cast,
    func,
    literal_column,
    null,
    select,
)

from schema.plan.declare import Pages
from schema.plan.json_sql import NO_ROWS, Place
from schema.plan.order_sql import Key
from schema.plan.rows_sql import Rows
from schema.plan.selection import Selected

if TYPE_CHECKING:
    from schema.plan.compiler import Compiler

MOST_COUNTED = 10_000
MOST_GROUPS = 100
TOTAL = "totalCount"
EXACT = "totalCountIsExact"
GROUPS = "groups"
COUNT = "count"
"""The column of a group that says how many rows are in it."""

MONTH = "month"
GROUP_COLUMNS: Mapping[str, str] = {
    "STATUS": "status",
    "CATEGORY": "category_code",
    "TERRITORY": "territory_code",
    "ORGANISATION": "organisation_code",
    "MONTH": MONTH,
}
"""What messages can be grouped by."""


def counted_rows(whole: Rows) -> Subquery:
    """One row with `n`: how many rows there are, up to one more than are counted."""
    some = whole.first([literal_column("1").label("one")], (), literal_column(str(MOST_COUNTED + 1)))
    return select(func.count().label("n")).select_from(some).subquery()


def total_part(name: str, counted: Subquery) -> ColumnElement[Any]:
    """`totalCount` or `totalCountIsExact`."""
    most: ColumnElement[Any] = literal_column(str(MOST_COUNTED))
    return func.least(counted.c.n, most) if name == TOTAL else counted.c.n <= most


def groups_json(compiler: Compiler, shown: Pages, field: Selected, whole: Rows) -> ColumnElement[Any]:
    """The groups of the newest rows that the list has, the largest first.

    A group is a row of the listed table with everything null but what it is grouped by, so that its links lead where a message's do.
    """
    by = field.argument("by")
    wanted = str(compiler.openings.look(lambda values: by.value(values).name))
    table = whole.place.table
    newest_first = [Key(name, table.c[name], descending=True) for name in shown.order]
    newest = whole.first(list(table.c), newest_first, literal_column(str(MOST_COUNTED)))
    name = GROUP_COLUMNS[wanted]
    values = {column.key: newest.c[column.key] for column in table.c} | {MONTH: _month(newest)}
    columns = [(value if one == name else cast(null(), value.type)).label(one) for one, value in values.items()]
    grouped = (
        select(*columns, cast(func.count(), Integer).label(COUNT))
        .group_by(values[name])
        .order_by(func.count().desc(), values[name])
        .limit(literal_column(str(MOST_GROUPS)))
        .subquery()
    )
    group = compiler.object(field.type, field.nodes, Place(whole.place.row, grouped))
    gathered = func.json_agg(group).aggregate_order_by(grouped.c[COUNT].desc(), grouped.c[name])
    return func.coalesce(select(gathered).select_from(grouped).scalar_subquery(), NO_ROWS)


def _month(rows: FromClause) -> ColumnElement[Any]:
    """The first day of the month in which a message was received, by Greenwich."""
    return cast(func.date_trunc(literal_column("'month'"), rows.c.received_at, literal_column("'UTC'")), Date)
