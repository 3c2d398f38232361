"""The SQL of one Relay connection: the rows of one page and one more, numbered, and the connection's JSON made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Subquery,
    bindparam,
    cast,
    false,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy import Text as SqlText

from schema.faults import page_not_possible
from schema.plan.declare import Pages
from schema.plan.global_id import sql_base64
from schema.plan.json_sql import NO_ROWS, Place, json_object, name_literal
from schema.plan.pages import MOST_ROWS, cursor_part, is_given, page_size
from schema.plan.selection import Selected
from schema.plan.values import Argument

if TYPE_CHECKING:
    from schema.plan.compiler import Compiler


@dataclass(frozen=True, slots=True)
class _Page:
    """A page under way. Its rows are numbered (`n`) from the end at which the page is counted."""

    rows: Subquery
    size: BindParameter[int]
    backwards: bool
    bounded: bool
    """Whether a cursor says where it begins, so that there are rows on the near side of it."""

    def gather(self, column: str, *, from_end: bool = False) -> ColumnElement[Any]:
        """The JSON list of a column over the page, in the connection's order or in the opposite one; NULL without rows."""
        number = self.rows.c.n
        order = number.desc() if self.backwards is not from_end else number.asc()
        return func.json_agg(self.rows.c[column]).aggregate_order_by(order).filter(number <= self.size)

    @property
    def goes_on(self) -> ColumnElement[bool]:
        """Whether there was one row more than the page holds."""
        return func.count(self.rows.c.n) > self.size


def page_json(compiler: Compiler, shown: Pages, field: Selected, place: Place) -> ColumnElement[Any]:
    """The JSON of a connection over the rows of `place`."""
    first, last, after, before = (field.argument(name) for name in ("first", "last", "after", "before"))
    look, leave_open = compiler.openings.look, compiler.openings.leave_open
    backwards = bool(look(is_given(last)))
    if look(is_given(first)) and backwards:
        raise page_not_possible(MOST_ROWS)
    size = last if backwards else first if look(is_given(first)) else None
    bounds = [bound for bound in (after, before) if look(is_given(bound))]
    keys = [place.table.c[name] for name in shown.order]
    limits = [_beyond(compiler, bound, keys, later=(bound is after) is not shown.newest_first) for bound in bounds]
    order = [key.desc() if shown.newest_first is not backwards else key.asc() for key in keys]
    fields = compiler.fields(field.type, field.nodes)
    items = [
        _item(compiler, one, keys, place).label(f"item{number}")
        for number, one in enumerate(fields)
        if one.name in ("edges", "nodes")
    ]
    rows = (
        select(func.row_number().over(order_by=order).label("n"), _cursor(keys).label("cursor"), *items)
        .select_from(place.table)
        .where(compiler.conditions(place, shown.where), *limits)
        .order_by(*order)
        .limit(bindparam(leave_open(page_size(size, one_more=True))))
        .subquery()
    )
    wanted = bindparam(leave_open(page_size(size, one_more=False)), type_=rows.c.n.type)
    page = _Page(rows, wanted, backwards, (before if backwards else after) in bounds)
    pairs = [(one.key, _part(compiler, one, page, f"item{number}", field)) for number, one in enumerate(fields)]
    return select(json_object(pairs)).select_from(rows).scalar_subquery()


def _item(compiler: Compiler, field: Selected, keys: Sequence[ColumnElement[Any]], place: Place) -> ColumnElement[Any]:
    """The JSON of one node or edge."""
    if field.name == "nodes":
        return compiler.object(field.type, field.nodes, place)
    pairs: list[tuple[str, ColumnElement[Any]]] = []
    for part in compiler.fields(field.type, field.nodes):
        if part.name == "node":
            value = compiler.object(part.type, part.nodes, place)
        else:
            value = _cursor(keys) if part.name == "cursor" else name_literal(field.type.name)
        pairs.append((part.key, value))
    return json_object(pairs)


def _part(compiler: Compiler, field: Selected, page: _Page, column: str, connection: Selected) -> ColumnElement[Any]:
    """One field of the connection."""
    if field.name in ("edges", "nodes"):
        return func.coalesce(page.gather(column), NO_ROWS)
    if field.name == "__typename":
        return name_literal(connection.type.name)
    near = true() if page.bounded else false()
    answers: dict[str, ColumnElement[Any]] = {
        "hasNextPage": near if page.backwards else page.goes_on,
        "hasPreviousPage": page.goes_on if page.backwards else near,
        "startCursor": page.gather("cursor").op("->")(0),
        "endCursor": page.gather("cursor", from_end=True).op("->")(0),
        "__typename": name_literal(field.type.name),
    }
    return json_object([(one.key, answers[one.name]) for one in compiler.fields(field.type, field.nodes)])


def _cursor(keys: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    return sql_base64(cast(func.json_build_array(*keys), SqlText))


def _beyond(
    compiler: Compiler, bound: Argument, keys: Sequence[ColumnElement[Any]], *, later: bool
) -> ColumnElement[bool]:
    """Only the rows on one side of a cursor. A row comparison, so that an index on the keys serves it."""
    named = [
        bindparam(compiler.openings.leave_open(cursor_part(bound, keys, place)), type_=key.type)
        for place, key in enumerate(keys)
    ]
    return tuple_(*keys) > tuple_(*named) if later else tuple_(*keys) < tuple_(*named)
