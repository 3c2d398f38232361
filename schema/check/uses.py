"""What of a schema a document uses, as schema coordinates: `Message`, `Message.text`, `Message.name(language:)`, `Status.ROUTED`, `@include`.

A variable may bring anything of its input type, so all of that type counts as used, but not as certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    ArgumentNode,
    DirectiveNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    get_named_type,
    type_from_ast,
    visit,
)

from schema.check.documents import Document

CONDITION = "... on "
"""Before the name of a type that a fragment is on."""


@dataclass(frozen=True, slots=True)
class Use:
    """`is_certain` is false for what only a variable might bring."""

    coordinate: str
    place: str
    is_certain: bool = True


def uses_of(schema: GraphQLSchema, document: Document) -> list[Use]:
    """Everything the document uses of this schema; what the schema does not know is left out. Raises GraphQLSyntaxError."""
    types = TypeInfo(schema)
    collector = _Collector(schema, types, document)
    visit(document.parsed(), TypeInfoVisitor(types, collector))
    return collector.found


class _Collector(Visitor):
    def __init__(self, schema: GraphQLSchema, types: TypeInfo, document: Document) -> None:
        super().__init__()
        self.found: list[Use] = []
        self._schema = schema
        self._types = types
        self._document = document

    def _add(self, coordinate: str, node: Node, *, is_certain: bool = True) -> None:
        self.found.append(Use(coordinate, self._document.place(node), is_certain))

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent, shown = self._types.get_parent_type(), self._types.get_type()
        if parent is not None and self._types.get_field_def() is not None:
            self._add(f"{parent.name}.{node.name.value}", node)
        if shown is not None:
            self._add(get_named_type(shown).name, node)

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        directive, parent, field = (
            self._types.get_directive(),
            self._types.get_parent_type(),
            self._types.get_field_def(),
        )
        if self._types.get_argument() is None:
            return
        if directive is not None:
            self._add(f"@{directive.name}({node.name.value}:)", node)
        elif parent is not None and field is not None:
            # Introspection's own fields are in no type.
            names = [name for name, one in _fields(parent).items() if one is field]
            for name in names:
                self._add(f"{parent.name}.{name}({node.name.value}:)", node)

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        self._add(f"@{node.name.value}", node)

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: object) -> None:
        if node.type_condition is not None:
            self._add_condition(node.type_condition.name.value, node)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        self._add_condition(node.type_condition.name.value, node)

    def _add_condition(self, name: str, node: Node) -> None:
        self._add(name, node)
        self._add(f"{CONDITION}{name}", node)

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        parent = self._types.get_parent_input_type()
        named = None if parent is None else get_named_type(parent)
        if isinstance(named, GraphQLInputObjectType) and node.name.value in named.fields:
            self._add(named.name, node)
            self._add(f"{named.name}.{node.name.value}", node)

    def enter_enum_value(self, node: EnumValueNode, *_: object) -> None:
        expected = self._types.get_input_type()
        named = None if expected is None else get_named_type(expected)
        if isinstance(named, GraphQLEnumType):
            self._add(f"{named.name}.{node.value}", node)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        given = type_from_ast(self._schema, node.type)
        if given is not None:
            for coordinate in _everything_in(get_named_type(given), set()):
                self._add(coordinate, node, is_certain=False)


def _fields(parent: GraphQLNamedType) -> dict[str, object]:
    return dict(getattr(parent, "fields", {}))


def _everything_in(kind: GraphQLNamedType, seen: set[str]) -> Iterator[str]:
    """An input type with its fields, and theirs."""
    if kind.name in seen:
        return
    seen.add(kind.name)
    yield kind.name
    if isinstance(kind, GraphQLEnumType):
        yield from (f"{kind.name}.{value}" for value in kind.values)
    if isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}"
            yield from _everything_in(get_named_type(field.type), seen)
