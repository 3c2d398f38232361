"""What each field of the schema shows, worked out once when the schema is built.

Promises: a stored field that nobody has declared is found here, at start-up, and not by a citizen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type
from sqlalchemy import inspect
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from schema.plan.declare import ByKey, Column, Link, Shown, declared, is_stored, row_of
from schema.plan.doubts import doubt_about
from store.tables import Base

_DEFINITION = "strawberry-definition"
NODE = "Node"


@dataclass(slots=True)
class Catalogue:
    """Declarations by the names of the GraphQL schema."""

    rows: dict[str, type[Base] | None] = field(default_factory=dict)
    """Stored type → whose rows it shows; None for an object that is no row."""
    shown: dict[tuple[str, str], Shown] = field(default_factory=dict)
    """(Type, field) → what the field shows."""
    nodes: dict[str, GraphQLObjectType] = field(default_factory=dict)
    """The types a global id can name."""
    python_names: dict[tuple[str, str], str] = field(default_factory=dict)
    doubts: dict[tuple[str, str], str] = field(default_factory=dict)
    """(Type, field) → why the database alone does not show that the field is what the schema promises. Most fields are not here."""

    def row(self, kind: GraphQLObjectType) -> type[Base]:
        """The rows of a type that has some."""
        row = self.rows[kind.name]
        if row is None:
            message = f"{kind.name} has no rows"
            raise TypeError(message)
        return row


def build_catalogue(schema: GraphQLSchema) -> Catalogue:
    """Raises TypeError for a field of a stored type that is neither a column, nor a relationship, nor declared."""
    catalogue = Catalogue()
    kinds = list(_object_types(schema))
    for kind, definition in kinds:
        # The type of one page of messages is made from the generic type of pages, which carries the mark.
        origin = (definition.concrete_of or definition).origin
        if is_stored(origin):
            catalogue.rows[kind.name] = row_of(origin)
            if any(interface.name == NODE for interface in kind.interfaces):
                catalogue.nodes[kind.name] = kind
    for kind, _ in kinds:
        for name, graphql_field in kind.fields.items():
            _describe_field(catalogue, kind, name, graphql_field)
    return catalogue


def _object_types(schema: GraphQLSchema) -> Iterator[tuple[GraphQLObjectType, StrawberryObjectDefinition]]:
    for kind in schema.type_map.values():
        definition = kind.extensions.get(_DEFINITION)
        if isinstance(kind, GraphQLObjectType) and isinstance(definition, StrawberryObjectDefinition):
            yield kind, definition


def _describe_field(catalogue: Catalogue, kind: GraphQLObjectType, name: str, graphql_field: GraphQLField) -> None:
    source: Any = graphql_field.extensions.get(_DEFINITION)
    if not isinstance(source, StrawberryField):
        return
    catalogue.python_names[kind.name, name] = source.python_name
    shown = declared(source.metadata)
    row = catalogue.rows.get(kind.name)
    if shown is None and row is not None:
        shown = _by_name(kind, row, source.python_name)
    elif (
        shown is None and kind.name not in catalogue.rows and get_named_type(graphql_field.type).name in catalogue.rows
    ):
        shown = ByKey()
    if shown is not None:
        catalogue.shown[kind.name, name] = shown
        why = None if row is None else doubt_about(shown, graphql_field, row)
        if why is not None:
            catalogue.doubts[kind.name, name] = why


def _by_name(kind: GraphQLObjectType, row: type[Base], name: str) -> Shown | None:
    if name == "id":
        return None  # a global id; the compiler makes it of the type's name and the primary key
    if name in inspect(row).relationships:
        return Link(name)
    if name in row.__table__.c:
        return Column(lambda table: table.c[name])
    message = (
        f"{kind.name}.{name} is no column of {row.__tablename__}, leads along no relationship and declares nothing"
    )
    raise TypeError(message)
