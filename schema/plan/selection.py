"""Which fields a selection set asks for on one object type: fragments opened, equal response keys merged, @skip and @include obeyed.

The same as CollectFields of the GraphQL specification, except that what it decides by a variable is noted in `Openings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
)

from schema.plan.catalogue import Catalogue
from schema.plan.declare import ByKey, Computed
from schema.plan.values import Argument, Openings, argument, condition


@dataclass(frozen=True, slots=True)
class Selected:
    """One field of the answer: its response key, its definition, and every node that was merged under the key."""

    key: str
    definition: GraphQLField
    nodes: list[FieldNode]

    @property
    def name(self) -> str:
        return self.nodes[0].name.value

    @property
    def type(self) -> GraphQLObjectType:
        """The object type the field leads to; ask only where the catalogue knows that there is one."""
        return cast("GraphQLObjectType", get_named_type(self.definition.type))

    @property
    def is_abstract(self) -> bool:
        return is_abstract_type(get_named_type(self.definition.type))

    def argument(self, name: str) -> Argument:
        # Merged nodes have equal arguments: validation has seen to that.
        return argument(self.definition, self.nodes[0], name)


class Selector:
    """Opens the selection sets of one operation."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], openings: Openings
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._openings = openings

    def of(self, openings: Openings) -> Selector:
        """The same selections, looked at for another statement."""
        return Selector(self._schema, self._fragments, openings)

    def fields(self, kind: GraphQLObjectType, nodes: Iterable[FieldNode | OperationDefinitionNode]) -> list[Selected]:
        """The fields below `nodes`, in the order in which the answer holds them."""
        grouped: dict[str, list[FieldNode]] = {}
        opened: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self._collect(kind, node.selection_set.selections, grouped, opened)
        return [Selected(key, self._definition(kind, merged[0].name.value), merged) for key, merged in grouped.items()]

    def object_type(self, name: str) -> GraphQLObjectType:
        """An object type of the schema by its name."""
        return cast("GraphQLObjectType", self._schema.type_map[name])

    def _definition(self, kind: GraphQLObjectType, name: str) -> GraphQLField:
        field = self._schema.get_field(kind, name)
        if field is None:
            message = f"{kind.name} has no field {name}"
            raise LookupError(message)
        return field

    def _collect(
        self,
        kind: GraphQLObjectType,
        selections: Iterable[SelectionNode],
        grouped: dict[str, list[FieldNode]],
        opened: set[str],
    ) -> None:
        for selection in selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                grouped.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                if self._applies(selection.type_condition, kind):
                    self._collect(kind, selection.selection_set.selections, grouped, opened)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in opened:
                opened.add(selection.name.value)
                fragment = self._fragments[selection.name.value]
                if self._applies(fragment.type_condition, kind):
                    self._collect(kind, fragment.selection_set.selections, grouped, opened)

    def _included(self, selection: SelectionNode) -> bool:
        for directive in getattr(selection, "directives", None) or ():
            if directive.name.value in ("skip", "include"):
                wanted = self._openings.look(condition(directive.arguments[0].value).value)
                if wanted is None:
                    # A variable that may be null; graphql-core says that this one must not.
                    self._openings.doubt(f"@{directive.name.value}(if: null)")
                    continue
                if bool(wanted) is (directive.name.value == "skip"):
                    return False
        return True

    def _applies(self, wanted: NamedTypeNode | None, kind: GraphQLObjectType) -> bool:
        if wanted is None or wanted.name.value == kind.name:
            return True
        named = self._schema.get_type(wanted.name.value)
        return is_abstract_type(named) and self._schema.is_sub_type(named, kind)


def wholly_stored(
    schema: GraphQLSchema,
    catalogue: Catalogue,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> bool:
    """Whether nothing a query selects, whatever its variables, needs more than the database."""
    return stored_below(schema, catalogue, schema.query_type, operation.selection_set, fragments)


def stored_below(
    schema: GraphQLSchema,
    catalogue: Catalogue,
    kind: GraphQLNamedType | None,
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> bool:
    """The same of what is selected of a type."""
    opened: set[str] = set()

    def stored(kind: GraphQLNamedType | None, selections: SelectionSetNode) -> bool:
        return all(stored_one(kind, one) for one in selections.selections)

    def stored_one(kind: GraphQLNamedType | None, one: SelectionNode) -> bool:
        if isinstance(one, InlineFragmentNode):
            narrowed = schema.get_type(one.type_condition.name.value) if one.type_condition else kind
            return stored(narrowed, one.selection_set)
        if isinstance(one, FragmentSpreadNode):
            name = one.name.value
            if name in opened:
                return True
            opened.add(name)
            fragment = fragments[name]
            return stored(schema.get_type(fragment.type_condition.name.value), fragment.selection_set)
        return not isinstance(one, FieldNode) or stored_field(kind, one)

    def stored_field(kind: GraphQLNamedType | None, one: FieldNode) -> bool:
        name = one.name.value
        if name == "__typename":
            return True
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) or name not in kind.fields:
            return False
        shown = catalogue.shown.get((kind.name, name))
        if isinstance(shown, Computed | ByKey) or (shown is None and kind is schema.query_type):
            return False
        return one.selection_set is None or stored(get_named_type(kind.fields[name].type), one.selection_set)

    return stored(kind, selections)
