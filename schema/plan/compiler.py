"""From the selection set of one field to one SELECT that builds its JSON in PostgreSQL.

Promises: every row read is limited by `store.scope.visible`; nothing a request brings becomes SQL text, only names that the schema or the
GraphQL grammar knows; a statement has one row with one text, or NULL for null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from graphql import FieldNode, GraphQLObjectType
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    inspect,
    null,
    select,
)
from sqlalchemy.orm import RelationshipProperty

from schema.enums import Language
from schema.plan.catalogue import Catalogue
from schema.plan.declare import (
    All,
    AnyNode,
    ByKey,
    Column,
    Embedded,
    Expression,
    Link,
    Nowhere,
    OneBy,
    Pages,
    Shown,
    Words,
)
from schema.plan.global_id import read_global_id, read_uuid, sql_global_id
from schema.plan.json_sql import NO_ROWS, Place, json_object, name_literal, place_of
from schema.plan.page_sql import page_json
from schema.plan.selection import Selected, Selector
from schema.plan.values import Bind, Openings, Values, storable
from store.scope import Audience, visible
from store.tables import Base

TYPE_KEY = "@type"
"""Where an abstract type is asked for, the JSON says under this key what the row is. No response key can be called so."""


class Compiler:
    """Compiles one field of one operation for one audience."""

    def __init__(self, catalogue: Catalogue, selector: Selector, audience: Audience, openings: Openings) -> None:
        self._catalogue = catalogue
        self._selector = selector
        self._audience = audience
        self.openings = openings

    def statement(self, shown: Shown, field: Selected) -> Select[Any]:
        """The statement of a field that leads from something not stored into something stored."""
        return select(cast(self._root(shown, field), Text))

    def fields(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> list[Selected]:
        return self._selector.fields(kind, nodes)

    def conditions(
        self, place: Place, where: Expression | None, below: type[Base] | None = None
    ) -> ColumnElement[bool]:
        """Which rows of a place are shown: the visible ones that `where` leaves."""
        seen = visible(self._audience, place.row, place.table, below)
        return seen if where is None else and_(seen, where(place.table))

    def object(
        self, kind: GraphQLObjectType, nodes: Sequence[FieldNode], place: Place | None, *, marked: bool = False
    ) -> ColumnElement[Any]:
        """The JSON of one object; `marked` adds what type it is."""
        pairs = [(field.key, self._value(kind, field, place)) for field in self.fields(kind, nodes)]
        return json_object([*pairs, (TYPE_KEY, name_literal(kind.name))] if marked else pairs)

    def _root(self, shown: Shown, field: Selected) -> ColumnElement[Any]:
        match shown:
            case OneBy():
                return self._one_by(shown, field)
            case ByKey():
                return self._by_key(field.type, field, lambda values: values.key)
            case AnyNode():
                return self._any_node(field)
            case All():
                place = place_of(shown.row)
                return self._list(place, field, self.conditions(place, shown.where), [place.table.c[shown.order]])
            case Pages():
                return page_json(self, shown, field, place_of(shown.row))
            case Nowhere():
                return self.object(field.type, field.nodes, None)
            case Column() | Words() | Embedded() | Link():
                message = f"{field.name} needs a row to start from"
                raise TypeError(message)
            case _:
                assert_never(shown)

    def _value(self, kind: GraphQLObjectType, field: Selected, place: Place | None) -> ColumnElement[Any]:
        """One field of an object."""
        if field.name == "__typename":
            return name_literal(kind.name)
        shown = self._catalogue.shown.get((kind.name, field.name))
        if place is None:
            if isinstance(shown, Pages):
                return page_json(self, shown, field, place_of(shown.row))
            message = f"{kind.name}.{field.name} needs a row"
            raise TypeError(message)
        match shown:
            case None:
                return sql_global_id(kind.name, place.key)
            case Column():
                return shown.expression(place.table)
            case Words():
                language = self.openings.look(field.argument("language").value)
                return (shown.en if language is Language.EN else shown.ru)(place.table)
            case Embedded():
                whole = self.object(field.type, field.nodes, place)
                return whole if shown.when is None else case((shown.when(place.table), whole))
            case Link():
                return self._link(shown, field, place)
            case _:
                message = f"{kind.name}.{field.name} declares {type(shown).__name__}, which only a root can be"
                raise TypeError(message)

    def _one_by(self, shown: OneBy, field: Selected) -> ColumnElement[Any]:
        wanted = field.argument(shown.argument)
        place = place_of(shown.row)
        column = place.table.c[shown.column]

        def bind(values: Values) -> Any:  # noqa: ANN401 - any key
            return storable(shown.argument, shown.read(wanted.value(values)))

        return self._one(field.type, field, place, column, bind)

    def _any_node(self, field: Selected) -> ColumnElement[Any]:
        wanted = field.argument("id")

        def type_named(values: Values) -> str | None:
            found = read_global_id(wanted.value(values))
            return None if found is None else found.type_name

        def key_named(values: Values) -> str | None:
            found = read_global_id(wanted.value(values))
            return None if found is None else found.key

        kind = self._catalogue.nodes.get(self.openings.look(type_named) or "")
        return null() if kind is None else self._by_key(kind, field, key_named)

    def _by_key(self, kind: GraphQLObjectType, field: Selected, bind: Bind) -> ColumnElement[Any]:
        place = place_of(self._catalogue.row(kind))
        return self._one(kind, field, place, place.key, bind)

    def _one(
        self, kind: GraphQLObjectType, field: Selected, place: Place, column: ColumnElement[Any], bind: Bind
    ) -> ColumnElement[Any]:
        """The one row whose unique column has the bound value."""
        whole = self.object(kind, field.nodes, place, marked=field.is_abstract)
        bound = bindparam(self.openings.leave_open(_fitting(column, bind)), type_=column.type)
        chosen = select(whole).select_from(place.table).where(column == bound, self.conditions(place, None))
        return chosen.scalar_subquery()

    def _list(
        self, place: Place, field: Selected, condition: ColumnElement[bool], order: Sequence[ColumnElement[Any]]
    ) -> ColumnElement[Any]:
        whole = self.object(field.type, field.nodes, place)
        gathered = func.json_agg(whole).aggregate_order_by(*order)
        return func.coalesce(select(gathered).select_from(place.table).where(condition).scalar_subquery(), NO_ROWS)

    def _link(self, shown: Link, field: Selected, near: Place) -> ColumnElement[Any]:
        relationship: RelationshipProperty[Any] = inspect(near.row).relationships[shown.relationship]
        far = place_of(relationship.mapper.class_)
        pairs = relationship.local_remote_pairs or ()
        joined = [far.table.c[str(theirs.key)] == near.table.c[str(ours.key)] for ours, theirs in pairs]
        condition = and_(*joined, self.conditions(far, shown.where, near.row))
        if relationship.uselist:
            ordered = relationship.order_by or ()
            order = [far.table.c[column.key] for column in ordered if isinstance(column, ColumnElement) and column.key]
            return self._list(far, field, condition, [*order, far.key])
        whole = self.object(field.type, field.nodes, far)
        return select(whole).select_from(far.table).where(condition).scalar_subquery()


def _fitting(column: ColumnElement[Any], bind: Bind) -> Bind:
    """A bound value as the column's type; a text that cannot be a UUID finds no row."""

    def fit(values: Values) -> Any:  # noqa: ANN401 - any key
        value = storable("id", bind(values))
        return read_uuid(value) if isinstance(value, str) and not isinstance(column.type, Text) else value

    return fit
