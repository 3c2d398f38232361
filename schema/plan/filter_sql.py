"""The SQL of a filter: all given conditions hold, at least one of `any`, and none of `none`.

The statement is shaped by which conditions are given (and by what `Condition.shape` says of them), never by their values.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, and_, not_, or_, true

from schema.faults import filter_too_large, list_empty
from schema.plan.conditions import Filter, Given
from schema.plan.values import Argument, Openings, Values
from store.scope import Audience

MOST_DEPTH = 3
MOST_CONDITIONS = 20
_GROUPS = ("any", "none")

Shape = tuple[tuple[str, Hashable], ...]
"""The conditions of one level with what they show of their values; for a group, the shapes of its members."""
Find = Callable[[Values], Any]


def filter_condition(
    declared: Filter, wanted: Argument, openings: Openings, audience: Audience, table: FromClause
) -> ColumnElement[bool] | None:
    """The condition of a request's filter on the rows of `table`; None where it gives none. Raises Fault."""
    shape = filter_shape(declared, wanted, openings)
    return _all(declared, shape, wanted.value, openings, audience, table) if shape else None


def filter_shape(declared: Filter, wanted: Argument, openings: Openings) -> Shape:
    """What a request's filter shows of itself. Raises Fault for one that is too large or has an empty list."""
    return cast("Shape", openings.look(lambda values: _shape_of(declared, wanted.value(values))))


def given_at_top(declared: Filter, name: str, wanted: Argument, openings: Openings, audience: Audience) -> Given | None:
    """A condition that stands outside `any` and `none`, if the request gives it."""
    shape = dict(filter_shape(declared, wanted, openings))
    if name not in shape:
        return None
    return Given(name, audience, openings, lambda values: wanted.value(values)[name], shape[name])


def _shape_of(declared: Filter, value: Any) -> Shape:  # noqa: ANN401 - the filter as it came
    left = [MOST_CONDITIONS]
    return () if value is None else _level(declared, value, left, 1)


def _level(declared: Filter, value: Mapping[str, Any], left: list[int], depth: int) -> Shape:
    """The shape of one level; counts conditions down in `left`."""
    if depth > MOST_DEPTH:
        raise filter_too_large(MOST_DEPTH, MOST_CONDITIONS)
    shape: list[tuple[str, Hashable]] = []
    for name, one in value.items():
        if one is None:
            continue
        if isinstance(one, list) and not one:
            raise list_empty(f"{declared.argument}.{name}")
        if name in _GROUPS:
            shape.append((name, tuple(_level(declared, member, left, depth + 1) for member in one)))
            continue
        left[0] -= 1
        if left[0] < 0:
            raise filter_too_large(MOST_DEPTH, MOST_CONDITIONS)
        shaped = declared.conditions[name].shape
        shape.append((name, None if shaped is None else shaped(one)))
    return tuple(shape)


def _all(
    declared: Filter, shape: Shape, find: Find, openings: Openings, audience: Audience, table: FromClause
) -> ColumnElement[bool]:
    """All conditions of one level; true for a level without any."""
    parts: list[ColumnElement[bool]] = []
    for name, seen in shape:
        if name in _GROUPS:
            members = [
                _all(declared, one, _member(find, name, place), openings, audience, table)
                for place, one in enumerate(cast("tuple[Shape, ...]", seen))
            ]
            parts.append(or_(*members) if name == "any" else not_(or_(*members)))
        else:
            given = Given(name, audience, openings, _part(find, name), seen)
            parts.append(declared.conditions[name].sql(table, given))
    return and_(true(), *parts)


def _part(find: Find, name: str) -> Find:
    return lambda values: find(values)[name]


def _member(find: Find, name: str, place: int) -> Find:
    return lambda values: find(values)[name][place]
