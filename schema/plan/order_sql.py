"""The order of a list as keys of its rows, and the condition of being beyond a cursor, which holds the values of these keys.

Promises: keys are never null and end with one that is unique, so a cursor is one place in the list; a list in one direction is compared as a
row, which an index on the keys serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, or_, tuple_

from schema.faults import order_needs, order_not_possible
from schema.plan.conditions import Orders
from schema.plan.declare import Pages
from schema.plan.filter_sql import given_at_top
from schema.plan.selection import Selected
from schema.plan.values import Argument, Openings, Values
from store.scope import Audience

MOST_KEYS = 3
DESCENDING = "DESC"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an order: its name in cursors, and its value for a row."""

    name: str
    value: ColumnElement[Any]
    descending: bool

    def ordered(self, *, backwards: bool) -> ColumnElement[Any]:
        return self.value.desc() if self.descending is not backwards else self.value.asc()


def signature(keys: Sequence[Key]) -> str:
    """What a cursor says about the order it was made under, and of which rows."""
    return ",".join(f"{key.name}{'-' if key.descending else '+'}" for key in keys)


def order_keys(shown: Pages, field: Selected, openings: Openings, audience: Audience, table: FromClause) -> list[Key]:
    """The keys of a connection, as the request orders it or as it is ordered unless said. Raises Fault."""
    said = _said(shown.orders, field, openings) if shown.orders is not None else ()
    # A code of an organisation is no place among the codes of territories.
    of = shown.row.__tablename__
    if not said:
        return [Key(f"{of}_{name}", table.c[name], shown.newest_first) for name in shown.order]
    keys = [
        Key(f"{of}_{name.lower()}", _expression(shown, field, openings, audience, table, name), descending)
        for name, descending in said
    ]
    unique = shown.order[-1]
    return [*keys, Key(f"{of}_{unique}", table.c[unique], keys[-1].descending)]


def beyond(keys: Sequence[Key], bounds: Sequence[BindParameter[Any]], *, after: bool) -> ColumnElement[bool]:
    """Only the rows on one side of a cursor with these values."""
    larger = [key.descending is not after for key in keys]
    if len(set(larger)) == 1:
        left, right = tuple_(*(key.value for key in keys)), tuple_(*bounds)
        return left > right if larger[0] else left < right
    sides = [_side(key.value, bound, larger=up) for key, bound, up in zip(keys, bounds, larger, strict=True)]
    equal = [key.value == bound for key, bound in zip(keys, bounds, strict=True)]
    steps = [and_(*equal[:place], side) for place, side in enumerate(sides)]
    # The first key alone bounds the rows, so that an index on it is of use.
    return and_(or_(sides[0], equal[0]), or_(*steps))


def _side(value: ColumnElement[Any], bound: BindParameter[Any], *, larger: bool) -> ColumnElement[bool]:
    return value > bound if larger else value < bound


def _said(orders: Orders, field: Selected, openings: Openings) -> tuple[tuple[str, bool], ...]:
    """What the request orders by: names with whether they descend."""
    wanted = field.argument(orders.argument)

    def question(values: Values) -> tuple[tuple[str, bool], ...]:
        value = wanted.value(values)
        if value is None:
            return ()
        said = tuple((_name(one["field"]), _name(one["direction"]) == DESCENDING) for one in value)
        if not 1 <= len(said) <= MOST_KEYS or len({name for name, _ in said}) < len(said):
            raise order_not_possible(orders.argument, MOST_KEYS)
        return said

    said: tuple[tuple[str, bool], ...] = openings.look(question)
    return said


def _name(member: Enum) -> str:
    return member.name


def _expression(
    shown: Pages, field: Selected, openings: Openings, audience: Audience, table: FromClause, name: str
) -> ColumnElement[Any]:
    orders = shown.orders
    if orders is None:
        message = f"{field.name} has no orders"
        raise TypeError(message)
    order = orders.by[name]
    given = None
    if order.needs is not None:
        if shown.filter is not None:
            wanted: Argument = field.argument(shown.filter.argument)
            given = given_at_top(shown.filter, order.needs, wanted, openings, audience)
        if given is None:
            raise order_needs(orders.argument, name, order.needs)
    return order.expression(table, given)
