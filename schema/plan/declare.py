"""How a Strawberry type says what it shows of the database. This is all that is written about a stored field; `compiler.py` does the rest.

`@stored(MessageRow)` says whose rows a type shows. A field that is named like a column shows it, one that is named like a relationship leads
along it; the few others carry a declaration in their metadata, made by `shows(…)`:

    history: list[Event] = strawberry.field(description="…", metadata=shows(Link("events")))
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, cast

from sqlalchemy import ColumnElement, FromClause

from store.tables import Base

Expression = Callable[[FromClause], ColumnElement[Any]]
"""From a row's table (an alias; its columns are `.c`) to what is shown."""

_METADATA_KEY = "okno.shows"
_ROW_ATTRIBUTE = "__okno_row__"
_Class = TypeVar("_Class", bound=type)
_Shown = TypeVar("_Shown")


@dataclass(frozen=True, slots=True)
class Column:
    """A value computed from the row."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the language of the field's argument `language`."""

    ru: Expression
    en: Expression


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object made of columns of the same row; null unless `when` holds."""

    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Along a relationship of the row class, one row or an ordered list. `where` leaves some of the target's rows out."""

    relationship: str
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class OneBy:
    """A root: the row whose `column` equals an argument. `read` brings the argument into the stored form; None means that there is none."""

    row: type[Base]
    column: str
    argument: str
    read: Callable[[str], str | None] = str


@dataclass(frozen=True, slots=True)
class AnyNode:
    """A root: the row that a global id names, of whatever type. The id is the argument `id`."""


@dataclass(frozen=True, slots=True)
class All:
    """A root: all rows that `where` leaves, in the order of a column."""

    row: type[Base]
    order: str
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """A Relay connection over a table, with keyset cursors made of the columns of `order` (unique together)."""

    row: type[Base]
    order: tuple[str, ...]
    newest_first: bool = False
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Nowhere:
    """A root object without a row of its own, that other stored things hang on; null for somebody who is not signed in."""


@dataclass(frozen=True, slots=True)
class ByKey:
    """A field of something that is not stored (a payload, an event) leading to the row named by `KeyOf`. Needs no declaration."""


Shown = Column | Words | Embedded | Link | OneBy | AnyNode | All | Pages | Nowhere | ByKey


def shows(what: Shown) -> Mapping[Any, Any]:
    """The `metadata` of a `strawberry.field`."""
    return {_METADATA_KEY: what}


def declared(metadata: Mapping[Any, Any]) -> Shown | None:
    return cast("Shown | None", metadata.get(_METADATA_KEY))


def words(prefix: str) -> Words:
    """The pair of columns `<prefix>_ru` and `<prefix>_en`."""
    return Words(lambda row: row.c[f"{prefix}_ru"], lambda row: row.c[f"{prefix}_en"])


def stored(row: type[Base] | None) -> Callable[[_Class], _Class]:
    """Says whose rows a Strawberry type shows; None for an object of the plan that is no row, such as a page."""

    def declare(kind: _Class) -> _Class:
        setattr(kind, _ROW_ATTRIBUTE, row)
        return kind

    return declare


def is_stored(kind: type) -> bool:
    return _ROW_ATTRIBUTE in kind.__dict__


def row_of(kind: type) -> type[Base] | None:
    return cast("type[Base] | None", kind.__dict__.get(_ROW_ATTRIBUTE))


@dataclass(frozen=True, slots=True)
class KeyOf:
    """Names one stored row, in a place where a mutation or subscription promises a stored type."""

    key: Hashable


def by_key(kind: type[_Shown], key: Hashable) -> _Shown:
    """What a payload returns instead of the object: the plan reads the selected fields of the row with this primary key."""
    if row_of(kind) is None:
        message = f"{kind.__name__} is not stored"
        raise TypeError(message)
    return cast("_Shown", KeyOf(key))


def planned() -> NoReturn:
    """The body of a declared field: nothing calls it, because the plan answers instead."""
    message = "a stored field is answered by the plan, not by its method"
    raise AssertionError(message)
