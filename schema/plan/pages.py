"""Keyset pages: a cursor is the base64 of the JSON list of a row's order columns, so a page costs the same at any depth.

Promises: `first`/`last` are 1 to `MOST_ROWS`; a row is on exactly one page while rows come and go around it; a cursor that is not ours is a
fault that names its argument.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from schema.faults import cursor_not_ours, page_not_possible
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


def cursor_part(wanted: Argument, columns: Sequence[ColumnElement[Any]], place: int) -> Bind:
    """One of the order columns' values in a cursor."""
    return lambda values: _read_cursor(wanted, columns, values)[place]


def _read_cursor(wanted: Argument, columns: Sequence[ColumnElement[Any]], values: Values) -> list[Any]:
    text = wanted.value(values)
    if len(text) > _LONGEST_CURSOR:
        raise cursor_not_ours(wanted.name)
    try:
        parts = json.loads(base64.b64decode(text.encode(), validate=True))
        if not isinstance(parts, list) or len(parts) != len(columns):
            raise cursor_not_ours(wanted.name)
        read = [_read_part(part, column.type.python_type) for part, column in zip(parts, columns, strict=True)]
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise cursor_not_ours(wanted.name) from error
    return [storable(wanted.name, part) for part in read]


def _read_part(part: object, kind: type) -> object:
    if not isinstance(part, str):
        message = "a part of a cursor is text"
        raise TypeError(message)
    if kind is datetime:
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            message = "a cursor's moment has a zone"
            raise ValueError(message)
        return moment
    return UUID(part) if kind is UUID else part
