"""Pieces of JSON as SQL expressions, and the place in a statement they are made from."""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, literal_column
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from store.tables import Base

NO_FIELDS = literal_column("'{}'::json", JSON)
NO_ROWS = literal_column("'[]'::json", JSON)
_MOST_PAIRS = 45  # json_build_object takes 100 arguments
_PLAIN = frozenset(string.ascii_lowercase + string.digits + "_+-,")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the statement we are: an alias of the table of a row class."""

    row: type[Base]
    table: FromClause

    @property
    def key(self) -> ColumnElement[Any]:
        """The primary key; every table that is shown has one column of it."""
        return next(column for column in self.table.c if column.primary_key)


@functools.cache
def place_of(row: type[Base], number: int) -> Place:
    """The place of a row class in a statement that has `number` others of it. Made once: a new alias has a new column for each of the table's."""
    return Place(row, row.__table__.alias(f"{row.__tablename__}{number}"))


class JsonObject(ColumnElement[Any]):
    """A JSON object with these keys in this order."""

    inherit_cache = False
    type = JSON()

    def __init__(self, pairs: Sequence[tuple[str, ColumnElement[Any]]]) -> None:
        self.pairs = pairs


def json_object(pairs: Sequence[tuple[str, ColumnElement[Any]]]) -> ColumnElement[Any]:
    """A JSON object with these keys in this order. Keys are names, as GraphQL's grammar has them."""
    for key, _ in pairs:
        _check_name(key)
    return JsonObject(pairs) if pairs else NO_FIELDS


@compiles(JsonObject)
def _write_object(element: JsonObject, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - as SQLAlchemy calls it
    how.pop("within_columns_clause", None)
    # A parameter would have no type inside json_build_object, so keys are literals.
    pairs = [f"'{key}', {compiler.process(value, within_columns_clause=False, **how)}" for key, value in element.pairs]
    parts = [
        f"json_build_object({', '.join(pairs[start : start + _MOST_PAIRS])})"
        for start in range(0, len(pairs), _MOST_PAIRS)
    ]
    if len(parts) == 1:
        return parts[0]
    # Longer objects are put together as text: `{a}` and `{b}` become `{a,b}`.
    texts = [f"left(substr(CAST({part} AS TEXT), 2), -1)" for part in parts]
    return f"CAST(concat('{{', concat_ws(',', {', '.join(texts)}), '}}') AS JSON)"


def name_literal(name: str) -> ColumnElement[str]:
    """A name as an SQL literal."""
    _check_name(name)
    return literal_column(f"'{name}'", Text)


def text_literal(text: str) -> ColumnElement[str]:
    """A text of the compiler's own as an SQL literal: names of columns and signs, never what a request brings."""
    if not set(text) <= _PLAIN:
        message = f"{text!r} is not a plain text"
        raise ValueError(message)
    return literal_column(f"'{text}'", Text)


def _check_name(name: str) -> None:
    """GraphQL's grammar keeps names to [_A-Za-z0-9]; ours may begin with @."""
    if not (name.isascii() and name.removeprefix("@").isidentifier()):
        message = f"{name!r} is not a name"
        raise ValueError(message)
