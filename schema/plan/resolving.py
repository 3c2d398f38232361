"""Hangs the plan into the built schema. After `resolve_by_plan`, a stored field has no resolver of its own: one statement has answered the
stored part of a query before it is executed, one reads each row that a payload names, and every field picks its part of the answer by response key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, GraphQLUnionType

from schema.context import Context
from schema.plan.catalogue import Catalogue, build_catalogue
from schema.plan.compiler import ROW_KEY, TYPE_KEY
from schema.plan.declare import ByKey, Computed, KeyOf, RowValues
from schema.plan.operation import Answered, Plans
from schema.plan.reader import read_row

Resolve = Callable[..., Awaitable[Any]]


def resolve_by_plan(schema: GraphQLSchema) -> Plans:
    """Replace the resolvers of all stored fields."""
    catalogue = build_catalogue(schema)
    plans = Plans(schema, catalogue)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType) and _is_of_rows(schema, catalogue, kind):
            kind.resolve_type = _type_of_row
        if not isinstance(kind, GraphQLObjectType):
            continue
        is_stored = kind.name in catalogue.rows
        if is_stored:
            kind.is_type_of = None  # rows are JSON, not instances of the class that declares the type
        for name, field in kind.fields.items():
            shown = catalogue.shown.get((kind.name, name))
            if isinstance(shown, Computed):
                field.resolve = _compute(field.resolve)
            elif is_stored:
                field.resolve = _pick
            elif isinstance(shown, ByKey):
                whole = kind is schema.subscription_type
                field.resolve = _read_named(plans, None if whole else catalogue.python_names[kind.name, name])
            elif shown is not None:
                field.resolve = _pick_root
    return plans


def _is_of_rows(schema: GraphQLSchema, catalogue: Catalogue, kind: GraphQLInterfaceType | GraphQLUnionType) -> bool:
    members = schema.get_possible_types(kind)
    return bool(members) and all(catalogue.rows.get(member.name) is not None for member in members)


def _type_of_row(row: dict[str, Any], *_: object) -> str:
    return str(row[TYPE_KEY])


def _pick(tree: dict[str, Any], info: GraphQLResolveInfo[Context], **_: object) -> Any:  # noqa: ANN401 - any JSON
    return tree[str(info.path.key)]


def _compute(own: Callable[..., Any] | None) -> Callable[..., Any]:
    """For a field with a resolver of its own, which is given the columns it needs."""
    if own is None:
        message = "a computed field has a resolver"
        raise TypeError(message)

    def resolve(tree: dict[str, Any], info: GraphQLResolveInfo[Context], **given: Any) -> Any:  # noqa: ANN401 - as the field says
        return own(RowValues(tree[ROW_KEY]), info, **given)

    return resolve


def _pick_root(answered: object, info: GraphQLResolveInfo[Context], **_: object) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(answered, Answered):
        message = "queries are executed with the extension AnswerByPlan"
        raise TypeError(message)
    return answered.root(str(info.path.key))


def _read_named(plans: Plans, attribute: str | None) -> Resolve:
    """For a field of a payload; without an attribute, the source itself names the row (an event of a subscription)."""

    async def resolve(source: object, info: GraphQLResolveInfo[Context], **_: object) -> Any:  # noqa: ANN401 - any JSON
        named = source if attribute is None else getattr(source, attribute)
        if named is None:
            return None
        if not isinstance(named, KeyOf):
            message = f"{info.parent_type.name}.{info.field_name} must hold what by_key() makes"
            raise TypeError(message)
        return await read_row(plans, info, named.key)

    return resolve
