"""Operations drawn from the schema. hypothesis-graphql draws the shape; the arguments that name things get names from the world, so that an operation
reads something; some nodes get directives, and some constants become variables.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, cast

from graphql import (
    REMOVE,
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    StringValueNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from tests.properties.population import BEGAN

EXAMPLES = int(os.environ.get("OKNO_EXAMPLES", "25"))
"""Operations drawn in one part, for one viewer: the parts share the work among processes. `OKNO_EXAMPLES=500` looks harder."""
PARTS = 2

_SIZES = (1, 2, 3, 5, 20, 100, 100, 0, 101, -1)


@dataclass(frozen=True, slots=True)
class Operation:
    """A document with its variables."""

    text: str
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Names:
    """What arguments and fields of input objects can name in the world, by their names."""

    by_argument: Mapping[str, Sequence[str]]
    by_field: Mapping[str, Sequence[str]]


def operations(
    schema: GraphQLSchema,
    names: Names,
    roots: Sequence[str],
    *,
    without: Collection[str] = (),
    not_given: Collection[str] = (),
) -> st.SearchStrategy[Operation]:
    """Valid queries over some root fields. Fields in `without`, arguments and input fields in `not_given` are taken out wherever they were drawn."""
    moment = st.integers(0, 200).map(lambda hours: nodes.String((BEGAN + timedelta(hours=hours)).isoformat()))
    day = st.integers(0, 90).map(lambda days: nodes.String((date(2026, 10, 1) + timedelta(days=days)).isoformat()))
    drawn = queries(schema, fields=list(roots), custom_scalars={"DateTime": moment, "Date": day})

    @st.composite
    def operation(draw: st.DrawFn) -> Operation | None:
        document = parse(draw(drawn), max_tokens=None)
        shaper = _Shaper(draw, names, without, not_given)
        shaped: DocumentNode = visit(document, shaper)
        if any(isinstance(one, OperationDefinitionNode) and _is_hollow(one) for one in shaped.definitions):
            return None
        shaped = _with_variables(shaped, shaper)
        return Operation(print_ast(shaped), shaper.variables)

    def is_valid(one: Operation | None) -> bool:
        return one is not None and not validate(schema, parse(one.text, max_tokens=None))

    return cast("st.SearchStrategy[Operation]", operation().filter(is_valid))


class _Shaper(Visitor):
    """Gives the drawn document sensible arguments, directives and variables."""

    def __init__(self, draw: st.DrawFn, names: Names, without: Collection[str], not_given: Collection[str]) -> None:
        super().__init__()
        self._draw = draw
        self._names = names
        self._without = without
        self._not_given = not_given
        self.variables: dict[str, Any] = {}
        self.types: dict[str, str] = {}

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        name = node.name.value
        if name in self._not_given or (_is_empty_list(node.value) and self._draw(st.integers(0, 9))):
            return REMOVE  # the simplest list is a fault here: worth drawing seldom
        if name in ("first", "last"):
            # Both at once is a fault, worth drawing seldom.
            if name == "last" and self._draw(st.integers(0, 3)):
                return REMOVE
            return self._argument(name, self._draw(st.sampled_from(_SIZES)), "Int")
        if name in self._names.by_argument:
            known = self._names.by_argument[name]
            kind = "ID" if name == "id" else "String"
            if name in ("after", "before") and self._draw(st.integers(0, 2)):
                return REMOVE
            value = (
                self._draw(st.sampled_from(known) | st.text(max_size=4)) if known else self._draw(st.text(max_size=4))
            )
            return self._argument(name, value, f"{kind}!" if name in ("id", "reference", "code") else kind)
        return None

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Any:
        name = node.name.value
        if name in self._not_given or (_is_empty_list(node.value) and self._draw(st.integers(0, 9))):
            return REMOVE
        known = self._names.by_field.get(name)
        if known and isinstance(node.value, StringValueNode):
            return replace(node, value=StringValueNode(value=self._draw(st.sampled_from(known))))
        return None

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        if node.name.value in self._without:
            return REMOVE
        if self._draw(st.integers(0, 9)) != 0 or node.directives:
            return None
        wanted = self._draw(st.booleans())
        value = self._variable(wanted, "Boolean!") if self._draw(st.booleans()) else BooleanValueNode(value=wanted)
        name = self._draw(st.sampled_from(("include", "skip")))
        condition = ArgumentNode(name=NameNode(value="if"), value=value)
        return replace(node, directives=(DirectiveNode(name=NameNode(value=name), arguments=(condition,)),))

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        return REMOVE if _is_hollow(node) else None

    def leave_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> Any:
        return REMOVE if _is_hollow(node) else None

    def _argument(self, name: str, value: Any, kind: str) -> ArgumentNode:
        if self._draw(st.booleans()):
            written: Any = self._variable(value, kind)
        else:
            written = IntValueNode(value=str(value)) if isinstance(value, int) else StringValueNode(value=value)
        return ArgumentNode(name=NameNode(value=name), value=written)

    def _variable(self, value: Any, kind: str) -> VariableNode:
        name = f"v{len(self.variables)}"
        self.variables[name] = value
        self.types[name] = kind
        return VariableNode(name=NameNode(value=name))


def _is_hollow(node: FieldNode | InlineFragmentNode | OperationDefinitionNode) -> bool:
    """Whether everything below was taken out."""
    return node.selection_set is not None and not node.selection_set.selections


def _is_empty_list(value: ValueNode) -> bool:
    return isinstance(value, ListValueNode) and not value.values


def _with_variables(document: DocumentNode, shaper: _Shaper) -> DocumentNode:
    """Declare the variables that are still used: a removed argument takes its variable along."""
    used: set[str] = set()

    class Find(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            used.add(node.name.value)

    visit(document, Find())
    for name in set(shaper.variables) - used:
        del shaper.variables[name]

    class Declare(Visitor):
        def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> OperationDefinitionNode:
            definitions = tuple(_definition(name, shaper.types[name]) for name in shaper.variables)
            return replace(node, name=NameNode(value="Drawn"), variable_definitions=definitions)

    shaped: DocumentNode = visit(document, Declare())
    return shaped


def _definition(name: str, kind: str) -> VariableDefinitionNode:
    named = NamedTypeNode(name=NameNode(value=kind.rstrip("!")))
    return VariableDefinitionNode(
        variable=VariableNode(name=NameNode(value=name)),
        type=NonNullTypeNode(type=named) if kind.endswith("!") else named,
        directives=(),
    )
