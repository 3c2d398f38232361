"""Pieces of JSON as SQL expressions, and the place in a statement they are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, cast, func, literal_column
from sqlalchemy.dialects.postgresql import JSON

from store.tables import Base

NO_ROWS = literal_column("'[]'::json", JSON)
_MOST_PAIRS = 45  # json_build_object takes 100 arguments


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the statement we are: an alias of the table of a row class."""

    row: type[Base]
    table: FromClause

    @property
    def key(self) -> ColumnElement[Any]:
        """The primary key; every table that is shown has one column of it."""
        return next(column for column in self.table.c if column.primary_key)


def place_of(row: type[Base]) -> Place:
    return Place(row, row.__table__.alias())


def json_object(pairs: Sequence[tuple[str, ColumnElement[Any]]]) -> ColumnElement[Any]:
    """A JSON object with these keys in this order."""
    parts = [
        func.json_build_object(*(piece for key, value in some for piece in (name_literal(key), value)))
        for some in (pairs[start : start + _MOST_PAIRS] for start in range(0, len(pairs), _MOST_PAIRS))
    ]
    if len(parts) == 1:
        return parts[0]
    # Longer objects are put together as text: `{a}` and `{b}` become `{a,b}`.
    texts = [func.substr(cast(part, Text), 2, func.length(cast(part, Text)) - 2) for part in parts]
    return cast(
        func.concat(literal_column("'{'"), func.concat_ws(literal_column("','"), *texts), literal_column("'}'")), JSON
    )


def name_literal(name: str) -> ColumnElement[str]:
    """A name as an SQL literal, since a parameter would have no type inside json_build_object. GraphQL's grammar keeps names to [_A-Za-z0-9]."""
    if not (name.isascii() and name.removeprefix("@").isidentifier()):
        message = f"{name!r} is not a name"
        raise ValueError(message)
    return literal_column(f"'{name}'", Text)
