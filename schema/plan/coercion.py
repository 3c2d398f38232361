"""The variables of one operation, coerced as graphql-core does it, with the work that no request changes done once.

Variables of scalars and enums, and lists of them, are coerced here; whatever is more, or wrong, goes to graphql-core itself, so its words and errors
are the ones a client sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    get_named_type,
    get_variable_values,
    is_leaf_type,
    type_from_ast,
)
from graphql.utilities import coerce_input_literal, coerce_input_value

_MOST_ERRORS = 50  # as graphql-core's executor


class Coercion:
    """Of the variables that one operation defines."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._schema = schema
        self._definitions = definitions
        self._leaves: list[tuple[str, GraphQLInputType, Any]] | None = []
        for one in definitions:
            kind: Any = type_from_ast(schema, one.type)
            if not is_leaf_type(get_named_type(kind)):
                self._leaves = None
                return
            default = Undefined if one.default_value is None else coerce_input_literal(one.default_value, kind)
            self._leaves.append((one.variable.name.value, kind, default))

    def coerce(self, given: Mapping[str, Any]) -> dict[str, Any] | list[GraphQLError]:
        """The coerced values by name, without those that were not given and have no default; or what is wrong."""
        coerced = self._quickly(given)
        if coerced is not None:
            return coerced
        whole = get_variable_values(self._schema, self._definitions, dict(given), max_errors=_MOST_ERRORS)
        return whole if isinstance(whole, list) else whole.coerced

    def _quickly(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._leaves is None:
            return None
        coerced: dict[str, Any] = {}
        for name, kind, default in self._leaves:
            value = given.get(name, Undefined)
            if value is Undefined:
                if default is not Undefined:
                    coerced[name] = default
                elif isinstance(kind, GraphQLNonNull):
                    return None
                continue
            value = coerce_input_value(value, kind)
            if value is Undefined:
                return None
            coerced[name] = value
        return coerced
