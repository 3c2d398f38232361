"""The SQL of hot spots: which topics come from which places most, in one week, and how many came from there the week before."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    union,
    union_all,
)

from schema.faults import page_not_possible
from schema.plan.json_sql import NO_ROWS, Place
from schema.plan.selection import Selected
from schema.plan.statistics_pieces import (
    CELL,
    DELTA,
    FEWEST,
    WEEK,
    ZERO,
    Asked,
    Value,
    days,
    object_of,
    rounded,
    whole_number,
)
from schema.plan.values import Argument, Bind, Values
from store.tables import CategoryRow, TerritoryRow

SPOTS_UNLESS_SAID = 10
MOST_SPOTS = 50
_WEEK_DAYS = 7


def spots_json(asked: Asked, field: Selected) -> Value:
    """The JSON list of the hot spots, the hottest first. Raises Fault."""
    compiler = asked.compiler
    size = bindparam(compiler.openings.leave_open(_size(field.argument("first"))), type_=Integer)
    current = bool(compiler.openings.look(lambda values: bool(field.argument("thisWeek").value(values))))
    monday = _monday(asked.last_day) if current else _monday(asked.last_day + days(1)) - days(_WEEK_DAYS)
    week = select(cast(monday, Date).label("monday")).subquery()
    begins: Value = select(week.c.monday).scalar_subquery()
    is_of_all = not asked.of_places and not asked.of_organisations
    rows = _of_all(begins, size) if is_of_all else _of_cells(asked, begins)
    may_see_small = asked.may_see_small()
    fewest: Value = literal_column(str(FEWEST))
    places = and_(rows.c.category_code != literal_column("''"), rows.c.territory_code != literal_column("''"))
    top = (
        select(rows)
        .where(places, rows.c.n > ZERO, or_(rows.c.n >= fewest, may_see_small))
        .order_by(rows.c.n.desc(), rows.c.category_code, rows.c.territory_code)
        .limit(size)
        .subquery()
    )
    category, territory = CategoryRow.__table__.alias(), TerritoryRow.__table__.alias()
    before = case((or_(top.c.before >= fewest, may_see_small), cast(top.c.before, Integer)), else_=null())
    item = object_of(
        compiler,
        field,
        {
            "category": lambda one: compiler.object(one.type, one.nodes, Place(CategoryRow, category)),
            "territory": lambda one: compiler.object(one.type, one.nodes, Place(TerritoryRow, territory)),
            "week": lambda _: begins,
            "count": lambda _: whole_number(top.c.n),
            "previousCount": lambda _: before,
            "trend": lambda _: rounded(func.nullif(before, ZERO), top.c.n - before, 2),
        },
    )
    source = top.join(category, category.c.code == top.c.category_code).join(
        territory, territory.c.code == top.c.territory_code
    )
    order = (top.c.n.desc(), top.c.category_code, top.c.territory_code)
    gathered = select(func.json_agg(item).aggregate_order_by(*order)).select_from(source)
    return func.coalesce(
        (gathered if asked.near is None else gathered.correlate(asked.near.table)).scalar_subquery(), NO_ROWS
    )


def _size(wanted: Argument) -> Bind:
    def bind(values: Values) -> int:
        size = wanted.value(values)
        if size is None:
            return SPOTS_UNLESS_SAID
        if not 1 <= size <= MOST_SPOTS:
            raise page_not_possible(MOST_SPOTS)
        return int(size)

    return bind


def _monday(day: Value) -> Value:
    moment = cast(day, DateTime(timezone=False))
    return cast(func.date_trunc(literal_column("'week'"), moment), Date)


def _two_weeks(rows: FromClause, begins: Value) -> Subquery:
    """Counts of places (`category_code`, `territory_code`, `day`, `n`) of a week and of the one before it."""
    return (
        select(
            rows.c.category_code,
            rows.c.territory_code,
            func.coalesce(func.sum(rows.c.n).filter(rows.c.day >= begins), ZERO).label("n"),
            func.coalesce(func.sum(rows.c.n).filter(rows.c.day < begins), ZERO).label("before"),
        )
        .group_by(rows.c.category_code, rows.c.territory_code)
        .subquery()
    )


def _in_two_weeks(day: Value, begins: Value) -> ColumnElement[bool]:
    return day.between(begins - days(_WEEK_DAYS), begins + days(_WEEK_DAYS - 1))


def _of_cells(asked: Asked, begins: Value) -> Subquery:
    parts = []
    for table in (CELL.alias(), DELTA.alias()):
        columns = (table.c.category_code, table.c.territory_code, table.c.day, table.c.messages.label("n"))
        conditions = (_in_two_weeks(table.c.day, begins), *asked.conditions(table, with_days=False))
        parts.append(asked.select(table, *columns).where(*conditions))
    return _two_weeks(union_all(*parts).subquery(), begins)


def _of_all(begins: Value, size: Value) -> Subquery:
    """The places that may be among the hottest: those that were when it was folded, as many more as deltas have touched, and the touched ones."""
    delta = DELTA.alias()
    columns = (delta.c.category_code, delta.c.territory_code, delta.c.day, delta.c.messages.label("n"))
    fresh = _two_weeks(select(*columns).where(_in_two_weeks(delta.c.day, begins)).subquery(), begins)
    touched = select(func.count()).select_from(fresh).scalar_subquery()
    week = WEEK.alias()
    hottest = (
        select(week.c.category_code, week.c.territory_code)
        .where(
            week.c.week == begins,
            week.c.category_code != literal_column("''"),
            week.c.territory_code != literal_column("''"),
        )
        .order_by(week.c.messages.desc().nulls_last())
        .limit(size + touched)
        .subquery()
    )
    chosen = union(
        select(hottest.c.category_code, hottest.c.territory_code), select(fresh.c.category_code, fresh.c.territory_code)
    ).subquery()
    now, then = WEEK.alias(), WEEK.alias()

    def same(other: FromClause) -> ColumnElement[bool]:
        return and_(other.c.category_code == chosen.c.category_code, other.c.territory_code == chosen.c.territory_code)

    source = (
        chosen.outerjoin(now, and_(same(now), now.c.week == begins))
        .outerjoin(then, and_(same(then), then.c.week == begins - days(_WEEK_DAYS)))
        .outerjoin(fresh, same(fresh))
    )
    return (
        select(
            chosen.c.category_code,
            chosen.c.territory_code,
            (func.coalesce(now.c.messages, ZERO) + func.coalesce(fresh.c.n, ZERO)).label("n"),
            (func.coalesce(then.c.messages, ZERO) + func.coalesce(fresh.c.before, ZERO)).label("before"),
        )
        .select_from(source)
        .subquery()
    )
