"""Hangs the plan into the built schema. After `resolve_by_plan`, a stored field has no resolver of its own: the field where the selection enters
stored data runs one statement, and every field below picks its part of the answer by response key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from schema.context import Context
from schema.plan.catalogue import NODE, Catalogue, build_catalogue
from schema.plan.compiler import TYPE_KEY
from schema.plan.declare import ByKey, KeyOf, Nowhere, Shown
from schema.plan.reader import Reader

Resolve = Callable[..., Awaitable[Any]]


def resolve_by_plan(schema: GraphQLSchema) -> Catalogue:
    """Replace the resolvers of all stored fields. The catalogue is returned for those who want to look."""
    catalogue = build_catalogue(schema)
    reader = Reader(catalogue)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInterfaceType) and kind.name == NODE:
            kind.resolve_type = _type_of_node
        if not isinstance(kind, GraphQLObjectType):
            continue
        is_stored = kind.name in catalogue.rows
        if is_stored:
            kind.is_type_of = None  # rows are JSON, not instances of the class that declares the type
        for name, field in kind.fields.items():
            shown = catalogue.shown.get((kind.name, name))
            if is_stored:
                field.resolve = _pick
            elif isinstance(shown, ByKey):
                whole = kind is schema.subscription_type
                field.resolve = _read_named(reader, shown, None if whole else catalogue.python_names[kind.name, name])
            elif shown is not None:
                field.resolve = _read_root(reader, shown)
    return catalogue


def _type_of_node(row: dict[str, Any], *_: object) -> str:
    return str(row[TYPE_KEY])


def _pick(tree: dict[str, Any], info: GraphQLResolveInfo[Context], **_: object) -> Any:  # noqa: ANN401 - any JSON
    return tree[str(info.path.key)]


def _read_root(reader: Reader, shown: Shown) -> Resolve:
    async def resolve(_source: object, info: GraphQLResolveInfo[Context], **_: object) -> Any:  # noqa: ANN401 - any JSON
        context = info.context
        if isinstance(shown, Nowhere) and context.viewer is None:
            return None
        return await reader.read(shown, info, context.database, context.viewer, None)

    return resolve


def _read_named(reader: Reader, shown: ByKey, attribute: str | None) -> Resolve:
    """For a field of a payload; without an attribute, the source itself names the row (an event of a subscription)."""

    async def resolve(source: object, info: GraphQLResolveInfo[Context], **_: object) -> Any:  # noqa: ANN401 - any JSON
        named = source if attribute is None else getattr(source, attribute)
        if named is None:
            return None
        if not isinstance(named, KeyOf):
            message = f"{info.parent_type.name}.{info.field_name} must hold what by_key() makes"
            raise TypeError(message)
        context = info.context
        return await reader.read(shown, info, context.database, context.viewer, named.key)

    return resolve
