"""Literals of a document that hold variables, such as `filter: {status: $status}`: read once, filled at each run.

Promises: what comes out equals what graphql-core's own coercion gives for the same variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
)
from graphql.utilities import coerce_input_literal, value_from_ast_untyped

Fill = Callable[[Mapping[str, Any]], Any]
"""From a request's coerced variables to the value; `Undefined` where a variable is not given."""


def holds_variables(node: ValueNode) -> bool:
    """Whether a value depends on the request."""
    if isinstance(node, VariableNode):
        return True
    if isinstance(node, ListValueNode):
        return any(holds_variables(one) for one in node.values)
    return isinstance(node, ObjectValueNode) and any(holds_variables(one.value) for one in node.fields)


def literal(node: ValueNode, kind: GraphQLInputType) -> Fill:
    """What fills the literal `node`, which validation has found to be of type `kind`."""
    if isinstance(kind, GraphQLNonNull):
        return literal(node, kind.of_type)
    if isinstance(node, VariableNode):
        name = node.name.value
        return lambda variables: variables.get(name, Undefined)
    if not holds_variables(node):
        value = coerce_input_literal(node, kind)
        return lambda _: value
    if isinstance(kind, GraphQLList):
        return _list(node, kind)
    if isinstance(kind, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        return _object(node, kind)
    if isinstance(kind, GraphQLScalarType):
        return _untyped(node)
    message = f"a variable inside a literal of type {kind}"
    raise TypeError(message)


def _list(node: ValueNode, kind: GraphQLList[Any]) -> Fill:
    # A list takes a single value for a list of one.
    items = [literal(one, kind.of_type) for one in (node.values if isinstance(node, ListValueNode) else (node,))]

    def fill(variables: Mapping[str, Any]) -> list[Any]:
        filled = (item(variables) for item in items)
        return [None if one is Undefined else one for one in filled]

    return fill


def _object(node: ObjectValueNode, kind: GraphQLInputObjectType) -> Fill:
    given = {one.name.value: one.value for one in node.fields}
    fields = [
        (
            definition.out_name or name,
            literal(given[name], definition.type) if name in given else None,
            definition.default_value,
        )
        for name, definition in kind.fields.items()
    ]

    def fill(variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the input type says
        filled: dict[str, Any] = {}
        for name, part, default in fields:
            value = Undefined if part is None else part(variables)
            value = default if value is Undefined else value
            if value is not Undefined:
                filled[name] = value
        return kind.out_type(filled)

    return fill


def _untyped(node: ValueNode) -> Fill:
    """What fills a literal of a scalar that takes objects and lists as they are."""
    if isinstance(node, VariableNode):
        name = node.name.value
        return lambda variables: variables.get(name, Undefined)
    if isinstance(node, ListValueNode):
        items = [_untyped(one) for one in node.values]
        return lambda variables: [None if (one := item(variables)) is Undefined else one for item in items]
    if isinstance(node, ObjectValueNode):
        fields = [(one.name.value, _untyped(one.value)) for one in node.fields]
        return lambda variables: {name: value for name, part in fields if (value := part(variables)) is not Undefined}
    value = value_from_ast_untyped(node)
    return lambda _: value
