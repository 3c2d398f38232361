"""What is open in a compiled plan: arguments that come from variables, and the things the compiler had to look at.

A plan binds the values of arguments at each run. Where a value changes the *shape* of the statement (a directive, a language, the direction of a
page), the compiler looks at it and notes what it saw; the plan then serves exactly the requests that show the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLNonNull,
    Undefined,
    ValueNode,
    VariableNode,
)
from graphql.utilities import coerce_input_literal

from schema.faults import not_storable


@dataclass(frozen=True, slots=True)
class Values:
    """What one request brings: coerced variables, the viewer's parameters (`store.scope`), and the key of the row a payload named."""

    variables: Mapping[str, Any]
    viewer: Mapping[str, Any]
    key: Hashable | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of one field, as the document writes it."""

    name: str
    variable: str | None
    constant: Any
    """The value of a literal, or the default when the document or the variables give none."""

    def value(self, values: Values) -> Any:  # noqa: ANN401 - an argument can be of any type
        """None also when nothing is given: our arguments do not tell the two apart."""
        if self.variable is None:
            return self.constant
        return values.variables.get(self.variable, self.constant)


def argument(definition: GraphQLField, node: FieldNode, name: str) -> Argument:
    """The argument `name` of a field that has it."""
    wanted: GraphQLArgument = definition.args[name]
    default = None if wanted.default_value is Undefined else wanted.default_value
    given = next((one.value for one in node.arguments or () if one.name.value == name), None)
    return _argument(name, wanted.type, given, default)


def condition(node: ValueNode) -> Argument:
    """The argument `if` of @skip and @include."""
    return _argument("if", GraphQLNonNull(GraphQLBoolean), node, None)


def _argument(name: str, kind: Any, node: ValueNode | None, default: Any) -> Argument:  # noqa: ANN401 - any input type
    if node is None:
        return Argument(name, None, default)
    if isinstance(node, VariableNode):
        return Argument(name, node.name.value, default)
    value = coerce_input_literal(node, kind)
    return Argument(name, None, None if value is Undefined else value)


Question = Callable[[Values], Hashable]
Bind = Callable[[Values], Any]


@dataclass(slots=True)
class Openings:
    """What a plan in the making looks at and leaves open."""

    values: Values
    seen: list[tuple[Question, Hashable]] = field(default_factory=list)
    binds: dict[str, Bind] = field(default_factory=dict)

    def look(self, question: Question) -> Any:  # noqa: ANN401 - the answer is whatever was asked
        """Ask something that shapes the statement, and remember the answer."""
        answer = question(self.values)
        self.seen.append((question, answer))
        return answer

    def leave_open(self, bind: Bind) -> str:
        """The name of a parameter whose value each request gives."""
        name = f"p{len(self.binds)}"
        self.binds[name] = bind
        return name


def storable(name: str, value: Any) -> Any:  # noqa: ANN401 - any bound value
    """The value, or a fault for a text PostgreSQL cannot hold: half an emoji, or NUL."""
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= char <= "\udfff" for char in value)):
        raise not_storable(name)
    return value


def bind_values(binds: Mapping[str, Bind], values: Values) -> dict[str, Any]:
    """The parameters of one run."""
    return {**values.viewer, **{name: bind(values) for name, bind in binds.items()}}
