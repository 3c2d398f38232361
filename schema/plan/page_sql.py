"""The SQL of one Relay connection: the rows of one page and one more, numbered, and the connection's JSON made of them.

The rows are chosen, ordered and cut off first; what their fields show is worked out for the chosen ones only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy import Text as SqlText

from schema.faults import page_not_possible
from schema.plan.conditions import Given
from schema.plan.declare import All, Pages
from schema.plan.filter_sql import filter_condition
from schema.plan.global_id import sql_base64
from schema.plan.json_sql import NO_ROWS, Place, json_object, name_literal, text_literal
from schema.plan.order_sql import Key, beyond, order_keys, signature
from schema.plan.pages import MOST_ROWS, cursor_part, is_given, newest_count, page_size
from schema.plan.rows_sql import Rows
from schema.plan.selection import Selected
from schema.plan.totals_sql import EXACT, GROUPS, TOTAL, counted_rows, groups_json, total_part
from schema.plan.values import Argument

if TYPE_CHECKING:
    from schema.plan.compiler import Compiler

_ITEMS = ("edges", "nodes")


@dataclass(frozen=True, slots=True)
class _Page:
    """A page under way. Its rows are numbered (`n`, of `found`) from the end at which the page is counted."""

    rows: Subquery
    keys: Sequence[Key]
    size: BindParameter[int]
    backwards: bool
    bounded: bool
    """Whether a cursor says where it begins, so that there are rows on the near side of it."""

    def gather(self, column: str) -> ColumnElement[Any]:
        """The JSON list of a column over the page, in the connection's order."""
        number = self.rows.c.n
        order = number.desc() if self.backwards else number.asc()
        return func.coalesce(
            func.json_agg(self.rows.c[column]).aggregate_order_by(order).filter(number <= self.size), NO_ROWS
        )

    def cursor(self, *, of_last: bool) -> ColumnElement[Any]:
        """The cursor of the first or last row; made for this row alone, since FILTER comes before the argument. NULL without rows."""
        far = of_last is not self.backwards
        place = func.least(self.rows.c.found, self.size) if far else 1
        keys = [Key(key.name, self.rows.c[f"key{number}"], key.descending) for number, key in enumerate(self.keys)]
        return func.max(cursor_of(keys)).filter(self.rows.c.n == place)

    @property
    def goes_on(self) -> ColumnElement[bool]:
        """Whether there was one row more than the page holds."""
        return func.count(self.rows.c.n) > self.size


def page_json(
    compiler: Compiler, shown: Pages, field: Selected, place: Place, near: Place | None = None
) -> ColumnElement[Any]:
    """The JSON of a connection over the rows of `place`, those that belong to the row `near` where there is one. Raises Fault."""
    fields = compiler.fields(field.type, field.nodes)
    whole = listed(compiler, shown, field, place, near)
    page = _page(compiler, shown, field, whole, fields)
    counted = counted_rows(whole) if any(one.name in (TOTAL, EXACT) for one in fields) else None
    pairs: list[tuple[str, ColumnElement[Any]]] = []
    for number, one in enumerate(fields):
        if one.name == GROUPS:
            value = groups_json(compiler, shown, one, whole)
        elif one.name in (TOTAL, EXACT) and counted is not None:
            value = total_part(one.name, counted)
        else:
            value = _part(compiler, one, page, f"item{number}", field)
        pairs.append((one.key, value))
    built = select(json_object(pairs))
    if counted is None:
        # HAVING makes it one row also when nothing of the page itself is asked for, so that nothing is aggregated.
        return built.select_from(page.rows).having(literal_column("true")).scalar_subquery()
    return built.select_from(counted.outerjoin(page.rows, true())).group_by(counted.c.n).scalar_subquery()


def listed(compiler: Compiler, shown: Pages, field: Selected, place: Place, near: Place | None) -> Rows:
    """The rows of a connection as a whole: visible, of the row it hangs on, and as the filter says."""
    table, audience = place.table, compiler.audience
    conditions: list[ColumnElement[bool]] = []
    if shown.below is not None and near is not None:
        conditions.append(shown.below(near.table, table))
    if shown.where is not None:
        conditions.append(shown.where(table))
    if shown.filter is not None:
        wanted = field.argument(shown.filter.argument)
        filtered = filter_condition(shown.filter, wanted, compiler.openings, audience, table)
        conditions += [] if filtered is None else [filtered]
    at = near.key if shown.of_organisation and near is not None else None
    return Rows(place, audience, conditions, near, at, shown.of_any_organisation)


def _page(
    compiler: Compiler,
    shown: Pages,
    field: Selected,
    whole: Rows,
    fields: Sequence[Selected],
) -> _Page:
    """The rows of the page with the JSON of each."""
    place = whole.place
    first, last, after, before = (field.argument(name) for name in ("first", "last", "after", "before"))
    look, leave_open = compiler.openings.look, compiler.openings.leave_open
    backwards = bool(look(is_given(last)))
    if look(is_given(first)) and backwards:
        raise page_not_possible(MOST_ROWS)
    size = last if backwards else first if look(is_given(first)) else None
    keys = order_keys(shown, field, compiler.openings, compiler.audience, place.table)
    bounds = [bound for bound in (after, before) if look(is_given(bound))]
    limits = [_beyond(compiler, bound, keys, after=bound is after) for bound in bounds]
    whole = replace(whole, conditions=[*whole.conditions, *limits])
    one_more = bindparam(leave_open(page_size(size, one_more=True)), type_=Integer)
    chosen = whole.first(list(place.table.c), keys, one_more, backwards=backwards)
    keys = [Key(key.name, chosen.c[f"key{number}"], key.descending) for number, key in enumerate(keys)]
    rows = _numbered(compiler, Place(place.row, chosen), keys, fields, backwards=backwards).subquery()
    wanted = bindparam(leave_open(page_size(size, one_more=False)), type_=rows.c.n.type)
    return _Page(rows, keys, wanted, backwards, (before if backwards else after) in bounds)


def _numbered(
    compiler: Compiler, chosen: Place, keys: Sequence[Key], fields: Sequence[Selected], *, backwards: bool
) -> Select[Any]:
    order = [key.ordered(backwards=backwards) for key in keys]
    items = [
        _item(compiler, one, keys, chosen).label(f"item{number}")
        for number, one in enumerate(fields)
        if one.name in _ITEMS
    ]
    columns = [func.row_number().over(order_by=order).label("n"), func.count().over().label("found")]
    return select(*columns, *(key.value for key in keys), *items).select_from(chosen.table)


def _item(compiler: Compiler, field: Selected, keys: Sequence[Key], place: Place) -> ColumnElement[Any]:
    """The JSON of one node or edge."""
    if field.name == "nodes":
        return compiler.listed(field.type, field.nodes, place)
    pairs: list[tuple[str, ColumnElement[Any]]] = []
    for part in compiler.fields(field.type, field.nodes):
        if part.name == "node":
            value = compiler.listed(part.type, part.nodes, place)
        else:
            value = cursor_of(keys) if part.name == "cursor" else name_literal(field.type.name)
        pairs.append((part.key, value))
    return json_object(pairs)


def _part(compiler: Compiler, field: Selected, page: _Page, column: str, connection: Selected) -> ColumnElement[Any]:
    """One field of the connection."""
    if field.name in _ITEMS:
        return page.gather(column)
    if field.name == "__typename":
        return name_literal(connection.type.name)
    near = true() if page.bounded else false()
    pairs: list[tuple[str, ColumnElement[Any]]] = []
    for one in compiler.fields(field.type, field.nodes):
        if one.name in ("startCursor", "endCursor"):
            value = page.cursor(of_last=one.name == "endCursor")
        elif one.name == "__typename":
            value = name_literal(field.type.name)
        else:
            value = page.goes_on if (one.name == "hasNextPage") is not page.backwards else near
        pairs.append((one.key, value))
    return json_object(pairs)


def cursor_of(keys: Sequence[Key]) -> ColumnElement[str]:
    """The cursor of a row: the order it is made under, and the row's place in it."""
    made_under = text_literal(signature(keys))
    return sql_base64(cast(func.json_build_array(made_under, *(key.value for key in keys)), SqlText))


def _beyond(compiler: Compiler, bound: Argument, keys: Sequence[Key], *, after: bool) -> ColumnElement[bool]:
    columns = [key.value for key in keys]
    made_under = signature(keys)
    named = [
        bindparam(
            compiler.openings.leave_open(cursor_part(bound, made_under, columns, place)), type_=columns[place].type
        )
        for place in range(len(columns))
    ]
    return beyond(keys, named, after=after)


def all_condition(compiler: Compiler, shown: All, field: Selected, place: Place) -> ColumnElement[bool]:
    """Which rows of a list without pages are shown, of those that are visible."""
    if shown.found is not None:
        wanted = field.argument(shown.found.argument)
        if compiler.openings.look(is_given(wanted)):
            given = Given(shown.found.argument, compiler.audience, compiler.openings, wanted.value)
            return shown.found.where(place.table) & shown.found.condition.sql(place.table, given)
    return true() if shown.where is None else shown.where(place.table)


def newest_rows(
    compiler: Compiler, wanted: Argument, near: Place, far: Place, condition: ColumnElement[bool], order: Sequence[str]
) -> tuple[Place, ColumnElement[bool]]:
    """The place and the condition of a list, cut down to its last rows where the request says how many."""
    if not compiler.openings.look(is_given(wanted)):
        return far, condition
    table: FromClause = far.table
    chosen = (
        select(table)
        .where(condition)
        .correlate(near.table)
        .order_by(*(table.c[name].desc() for name in order))
        .limit(bindparam(compiler.openings.leave_open(newest_count(wanted)), type_=Integer))
    )
    return Place(far.row, chosen.subquery()), true()
