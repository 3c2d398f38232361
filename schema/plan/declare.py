"""How a Strawberry type says what it shows of the database. This is all that is written about a stored field; `compiler.py` does the rest.

`@stored(MessageRow)` says whose rows a type shows. A field that is named like a column shows it, one that is named like a relationship leads
along it; the few others carry a declaration in their metadata, made by `shows(…)`:

    history: list[Event] = strawberry.field(description="…", metadata=shows(Link("events")))
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar, cast

from sqlalchemy import ColumnElement, FromClause

from schema.plan.conditions import Condition, Filter, Orders
from store.scope import Audience
from store.tables import Base

Expression = Callable[[FromClause], ColumnElement[Any]]
"""From a row's table (an alias; its columns are `.c`) to what is shown."""

Join = Callable[[FromClause, FromClause], ColumnElement[bool]]
"""From the table of a row and the table of others to the condition under which these belong to it."""

_METADATA_KEY = "okno.shows"
_ROW_ATTRIBUTE = "__okno_row__"
_Class = TypeVar("_Class", bound=type)
_Shown = TypeVar("_Shown")


@dataclass(frozen=True, slots=True)
class Column:
    """A value computed from the row.

    `sure` says why the value always is what the schema promises (not null, a member of the enum, a finite number) where `schema/plan/proof.py`
    cannot see it from the columns; without it the answer is not passed through but checked value by value.
    """

    expression: Expression
    sure: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the language of the field's argument `language`. `sure` as for a Column."""

    ru: Expression
    en: Expression
    sure: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object made of columns of the same row; null unless `when` holds."""

    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Along a relationship of the row class, one row or an ordered list. `where` leaves some of the target's rows out.

    `newest` names an argument of the field: given a number, it leaves only so many rows from the end of the list.
    """

    relationship: str
    where: Expression | None = None
    newest: str | None = None


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
class Found:
    """Which rows a root shows instead when the argument is given: those of `where` that meet the condition."""

    argument: str
    condition: Condition
    where: Expression


@dataclass(frozen=True, slots=True)
class All:
    """A root: all rows that `where` leaves, in the order of a column; or those that a text finds, where the request gives one."""

    row: type[Base]
    order: str
    where: Expression | None = None
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """A Relay connection over a table, with keyset cursors made of the columns of `order` (never null, the last one unique).

    With `below` the rows belong to the row the connection hangs on; `of_organisation` says that this is the organisation of each message, and
    `of_any_organisation` that they are messages of whatever organisations the viewer may see.
    """

    row: type[Base]
    order: tuple[str, ...]
    newest_first: bool = False
    where: Expression | None = None
    below: Join | None = None
    of_organisation: bool = False
    of_any_organisation: bool = False
    filter: Filter | None = None
    orders: Orders | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Statistics of messages from the read models, as the argument `filter` says; on an organisation, of those it is responsible for."""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """A root object without a row of its own, that other stored things hang on; null for somebody who is not signed in."""


@dataclass(frozen=True, slots=True)
class ByKey:
    """A field of something that is not stored (a payload, an event) leading to the row named by `KeyOf`. Needs no declaration."""


@dataclass(frozen=True, slots=True)
class ByKeys:
    """Many rows of one type by a unique column (the primary key unless said), in the order of the keys, null where there is none to be seen.

    Made for a resolver that is given references to rows of several types, by `Plans.rows`.
    """

    kind: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Entities:
    """A root: rows of any nodes, each named by one item of the argument `representations`, in their order; null where there is none to be seen.

    Every node is named by its `id`. `also_by` says by which other unique columns: type, then field, then what brings a text into the stored form,
    or makes None of a text that is no key.
    """

    also_by: Mapping[str, Mapping[str, Callable[[str], str | None]]] = field(hash=False)
    argument: str = "representations"


@dataclass(frozen=True, slots=True)
class Computed:
    """A field of a stored type that its own Python resolver answers, from columns of the row; `needs` names them.

    The plan brings the columns along wherever an operation selects the field, and the resolver gets them as its parent:

        async def ask_live(row: strawberry.Parent[RowValues], info: strawberry.Info[Context, None]) -> LiveState: …

        live: LiveState = strawberry.field(resolver=ask_live, description="…", metadata=shows(Computed(("id", "case_id"))))
    """

    needs: tuple[str, ...]


class RowValues(dict[str, Any]):
    """What a `Computed` field needs of its row: the values of the columns as JSON has them (a UUID or a moment is text)."""


@dataclass(frozen=True, slots=True)
class OnlyFor:
    """Something of a row that not everybody who sees the row may see; null for the others."""

    may: Callable[[Audience, FromClause], ColumnElement[bool]]
    """From who is looking and the row's table to the condition."""
    shown: Column | Words | Embedded | Link


Shown = (
    OnlyFor
    | Column
    | Words
    | Embedded
    | Link
    | OneBy
    | AnyNode
    | All
    | Pages
    | Nowhere
    | ByKey
    | ByKeys
    | Entities
    | Computed
    | Counts
)


def shows(what: Shown) -> Mapping[Any, Any]:
    """The `metadata` of a `strawberry.field`."""
    return {_METADATA_KEY: what}


def declared(metadata: Mapping[Any, Any]) -> Shown | None:
    return cast("Shown | None", metadata.get(_METADATA_KEY))


def words(prefix: str, sure: str | None = None) -> Words:
    """The pair of columns `<prefix>_ru` and `<prefix>_en`."""
    return Words(lambda row: row.c[f"{prefix}_ru"], lambda row: row.c[f"{prefix}_en"], sure)


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
