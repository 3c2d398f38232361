"""Rows that a federation gateway names one by one: `_entities(representations: …)`, whatever their types, in the one statement of the operation.

A representation is an object with `__typename` and one key. Promises: the list has one item per representation, in their order; one whose row is not
there looks like one whose row the viewer may not see; a representation that is none is a fault that says which one it is and what it must be like,
without repeating what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import ColumnElement, String, bindparam, column, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from domain.bilingual import Bilingual
from schema.extensions.limits import too_costly
from schema.faults import Code, Fault
from schema.plan.declare import Entities
from schema.plan.global_id import read_global_id, read_uuid
from schema.plan.json_sql import NO_ROWS, Place
from schema.plan.selection import Selected
from schema.plan.values import Values, is_storable
from store.tables import Base

if TYPE_CHECKING:
    from schema.plan.catalogue import Catalogue
    from schema.plan.compiler import Compiler

MOST_ENTITIES = 100
"""As many representations as one request may bring."""
ID = "id"
_LONGEST_KEY = 400
_TYPE = "__typename"


@dataclass(frozen=True, slots=True, order=True)
class NamedBy:
    """How some of the representations name their rows. Requests that name by the same are served by the same statement."""

    kind: str
    key: str


class NewPlace(Protocol):
    """Where in the statement rows of a class are read, a new place at each call."""

    def __call__(self, row: type[Base], /) -> Place: ...


def entities_json(
    compiler: Compiler, shown: Entities, field: Selected, catalogue: Catalogue, new_place: NewPlace
) -> ColumnElement[Any]:
    """The JSON list. Raises Fault for representations that are none."""
    argument = field.argument(shown.argument)
    keys = {kind: (ID, *shown.also_by.get(kind, ())) for kind in catalogue.nodes}

    def named(values: Values) -> list[tuple[NamedBy, str]]:
        return _read_all(argument.value(values), keys, shown.argument)

    def ways(values: Values) -> tuple[NamedBy, ...]:
        return tuple(sorted({by for by, _ in named(values)}))

    found = [
        (by, catalogue.nodes[by.kind], new_place(catalogue.row(catalogue.nodes[by.kind])))
        for by in compiler.openings.look(ways)
    ]
    if not found:
        return NO_ROWS
    bound, columns = [], []
    for number, (by, _, place) in enumerate(found):
        kind = _column(place, by).type
        into_key = _into_key(by, is_text=isinstance(kind, String), also_by=shown.also_by)

        def bind(values: Values, by: NamedBy = by, into_key: Callable[[str], Any] = into_key) -> list[Any]:
            return [into_key(key) if each == by else None for each, key in named(values)]

        bound.append(bindparam(compiler.openings.leave_open(bind), type_=ARRAY(kind)))
        columns.append(column(f"key{number}", kind))
    # One row for each representation: its key under its way of naming, null under the others.
    wanted = func.unnest(*bound).table_valued(*columns, with_ordinality="place").render_derived("wanted")
    joined: Any = wanted
    items = []
    for number, (by, kind_named, place) in enumerate(found):
        whole = compiler.object(kind_named, field.nodes, place, marked=True)
        item = (
            select(whole.label("json"))
            .select_from(place.table)
            .where(_column(place, by) == wanted.c[f"key{number}"], compiler.conditions(place, None))
            .lateral(f"entity{number}")
        )
        joined = joined.outerjoin(item, true())
        items.append(item.c.json)
    one = items[0] if len(items) == 1 else func.coalesce(*items)
    return select(func.json_agg(one).aggregate_order_by(wanted.c.place)).select_from(joined).scalar_subquery()


def _column(place: Place, by: NamedBy) -> ColumnElement[Any]:
    return place.key if by.key == ID else place.table.c[by.key]


def _into_key(
    by: NamedBy, *, is_text: bool, also_by: Mapping[str, Mapping[str, Callable[[str], str | None]]]
) -> Callable[[str], Any]:
    """From a key as it was sent to the value of its column; None where no row can have it."""
    if by.key != ID:
        return also_by[by.kind][by.key]

    def of_global_id(text: str) -> Any:  # noqa: ANN401 - the type of the primary key
        found = read_global_id(text)
        if found is None or found.type_name != by.kind:
            return None
        return found.key if is_text else read_uuid(found.key)

    return of_global_id


def _read_all(given: object, keys: Mapping[str, tuple[str, ...]], argument: str) -> list[tuple[NamedBy, str]]:
    """How each representation names its row, and the key. Raises Fault."""
    representations = given if isinstance(given, list) else []
    if len(representations) > MOST_ENTITIES:
        raise too_costly(argument, MOST_ENTITIES)
    return [_read(one, keys, f"{argument}[{number}]") for number, one in enumerate(representations)]


def _read(given: object, keys: Mapping[str, tuple[str, ...]], path: str) -> tuple[NamedBy, str]:
    if not isinstance(given, Mapping):
        raise _faulty(
            path,
            f"нужен объект с {_TYPE} и ключом, например id.",
            f"must be an object with {_TYPE} and a key such as `id`.",
        )
    kind = given.get(_TYPE)
    if not isinstance(kind, str) or kind not in keys:
        known = ", ".join(sorted(keys))
        raise _faulty(f"{path}.{_TYPE}", f"должно быть одним из: {known}.", f"must be one of {known}.")
    name = next((one for one in keys[kind] if given.get(one) is not None), None)
    if name is None:
        wanted = " / ".join(keys[kind])
        raise _faulty(path, f"у {kind} нужен ключ: {wanted}.", f"{kind} needs a key: {wanted}.")
    key = given[name]
    if not isinstance(key, str) or len(key) > _LONGEST_KEY:
        raise _faulty(
            f"{path}.{name}",
            f"должно быть строкой не длиннее {_LONGEST_KEY} знаков.",
            f"must be a string of at most {_LONGEST_KEY} characters.",
        )
    if not is_storable(key):
        raise _faulty(
            f"{path}.{name}",
            "есть знаки, которых не бывает в тексте. Удалите их.",
            "holds characters that no text has. Remove them.",
        )
    return NamedBy(kind, name), key


def _faulty(path: str, ru: str, en: str) -> Fault:
    return Fault(Code.BAD_REQUEST, Bilingual(f"{path}: {ru}", f"{path}: {en}"), problem="NO_REPRESENTATION")
