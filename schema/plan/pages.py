"""Keyset pages: a cursor is the base64 of a JSON list, the order it was made under and the row's values in it, so a page costs the same at any depth.

Promises: `first`/`last` are 1 to `MOST_ROWS`; a row is on exactly one page while rows come and go around it; a cursor that is not ours, or of
another order, is a fault that names its argument.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from schema.faults import cursor_not_ours, cursor_of_other_order, newest_not_possible, page_not_possible
from schema.plan.values import Argument, Bind, Question, Values, storable

MOST_ROWS = 100
FEWEST_ROWS = 1
ROWS_UNLESS_SAID = 20
_LONGEST_CURSOR = 1_000


def is_given(wanted: Argument) -> Question:
    """Whether a request gives the argument; that decides the direction of the page."""
    return lambda values: wanted.value(values) is not None


def page_size(wanted: Argument | None, *, one_more: bool) -> Bind:
    """How many rows a page has, or how many to read to know whether there are more."""

    def bind(values: Values) -> int:
        size = ROWS_UNLESS_SAID if wanted is None else wanted.value(values)
        if not FEWEST_ROWS <= size <= MOST_ROWS:
            raise page_not_possible(MOST_ROWS)
        return int(size) + one_more

    return bind


def newest_count(wanted: Argument) -> Bind:
    """How many rows from the end of a list that has no pages."""

    def bind(values: Values) -> int:
        count = wanted.value(values)
        if not FEWEST_ROWS <= count <= MOST_ROWS:
            raise newest_not_possible(wanted.name, MOST_ROWS)
        return int(count)

    return bind


def cursor_part(wanted: Argument, order: str, columns: Sequence[ColumnElement[Any]], place: int) -> Bind:
    """One of the order's values in a cursor. `order` is the signature of the order of this list."""
    return lambda values: _read_cursor(wanted, order, columns, values)[place]


def _read_cursor(wanted: Argument, order: str, columns: Sequence[ColumnElement[Any]], values: Values) -> list[Any]:
    text = wanted.value(values)
    if len(text) > _LONGEST_CURSOR:
        raise cursor_not_ours(wanted.name)
    try:
        made_under, *parts = json.loads(base64.b64decode(text.encode(), validate=True))
        if not isinstance(made_under, str):
            raise cursor_not_ours(wanted.name)
        if made_under != order:
            raise cursor_of_other_order(wanted.name)
        read = [_read_part(part, column.type.python_type) for part, column in zip(parts, columns, strict=True)]
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise cursor_not_ours(wanted.name) from error
    return [storable(wanted.name, part) for part in read]


def _read_part(part: object, kind: type) -> object:
    if kind in (int, float):
        return _read_number(part, kind)
    if not isinstance(part, str):
        message = "a part of a cursor is text"
        raise TypeError(message)
    if kind is datetime:
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            message = "a cursor's moment has a zone"
            raise ValueError(message)
        return moment
    if kind is date:
        return date.fromisoformat(part)
    return UUID(part) if kind is UUID else part


def _read_number(part: object, kind: type) -> int | float:
    """A number that fits the columns that are ordered by: 64 bits, finite."""
    if isinstance(part, bool) or not isinstance(part, int | float):
        message = "this part of a cursor is a number"
        raise TypeError(message)
    if not abs(part) < 2**63 or (kind is int and not isinstance(part, int)):
        message = "no row has this number"
        raise ValueError(message)
    return part
