"""What an operation may cost to answer: the number of fields in its fullest possible answer.

A field counts one for each time it may stand in the answer: once, or as often as the lists around it have rows. A page has as many rows as `first`
or `last` says, in the document, in a variable or in its default, and the schema's page when nothing says; any other list is taken for ten rows. What
works harder than a read counts more (`WEIGHTS`). The schema's own description (`__schema`) is counted once.

Promises: a document is walked once, each fragment once per kind of page it is spread in; a request only multiplies a few numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from schema.extensions.limits import too_costly
from schema.plan.pages import MOST_ROWS, ROWS_UNLESS_SAID

ROWS_OF_A_LIST = 10
"""How many rows a list without pages is taken for."""
MOST_KEYS = 100
"""The most things a request may name in one list, such as the representations of a federation gateway."""

WEIGHTS: Mapping[tuple[str, str | None], int] = {
    ("Mutation", None): 100,  # a transaction and its event
    ("Subscription", None): 20,
    ("Case", "live"): 50,  # a call to another organisation's system
}
"""By parent type and field (None: any field of the type) what counts more than one."""

_PAGE = ("first", "last")
_KEYS = ("representations", "keys", "ids")


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a list may have: the most that its variables say, else `unless_said`."""

    variables: tuple[str, ...] = ()
    unless_said: int = 1

    def most(self, values: Mapping[str, object]) -> int:
        """Raises Fault when a list of keys is too long."""
        said = [_rows_said(values[name]) for name in self.variables if values.get(name) is not None]
        return max(said, default=self.unless_said)


Term = tuple[Rows, ...]
"""A product of rows. `()` is one."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum of products, such as 4 + 7 × rows of `$first`."""

    terms: Mapping[Term, int] = field(default_factory=dict)

    def of(self, variables: Mapping[str, object] | None) -> int:
        """The cost with these variables. Raises Fault when they name too much."""
        values = variables or {}
        return sum(
            count * math.prod(rows.most(values) for rows in term) if term else count
            for term, count in self.terms.items()
        )


def _rows_said(value: object) -> int:
    if isinstance(value, list):
        if len(value) > MOST_KEYS:
            raise too_costly("keys in one list", MOST_KEYS)
        return len(value)
    # Whatever is no page size is refused where pages are read, with words of its own.
    return min(max(value, 0), MOST_ROWS) if isinstance(value, int) else MOST_ROWS


def cost_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
    """The cost of one operation of a valid document."""
    root = schema.get_root_type(operation.operation)
    terms = _Counting(schema, document, operation).selections(operation.selection_set, root, None)
    return Cost(dict(terms))


Terms = Counter[Term]


class _Counting:
    """Walks one operation. `page` is what the connection around says about the rows of the lists right inside it."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._defaults = {
            one.variable.name.value: one.default_value
            for one in operation.variable_definitions or ()
            if one.default_value is not None
        }
        self._known: dict[tuple[str, str | None, Rows | None], Terms] = {}

    def selections(
        self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None, page: Rows | None
    ) -> Terms:
        whole: Terms = Counter()
        for one in selections.selections if selections is not None else ():
            if isinstance(one, FieldNode):
                whole.update(self._field(one, parent, page))
            elif isinstance(one, InlineFragmentNode):
                inside = self._schema.get_type(one.type_condition.name.value) if one.type_condition else parent
                whole.update(self.selections(one.selection_set, inside, page))
            elif isinstance(one, FragmentSpreadNode):
                whole.update(self._fragment(one.name.value, page))
        return whole

    def _fragment(self, name: str, page: Rows | None) -> Terms:
        fragment = self._fragments[name]
        condition = fragment.type_condition.name.value
        place = (name, condition, page)
        if place not in self._known:
            self._known[place] = self.selections(fragment.selection_set, self._schema.get_type(condition), page)
        return self._known[place]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: Rows | None) -> Terms:
        name = node.name.value
        own: Terms = Counter({(): _weight(parent, name)})
        declared = getattr(parent, "fields", {}).get(name)
        if declared is None:  # __typename, __schema and __type
            return own
        rows = self._rows(node, declared)
        is_list = _is_list(declared.type)
        # A connection is one thing; its rows are in the lists right inside it.
        inside = self.selections(node.selection_set, get_named_type(declared.type), None if is_list else rows)
        if not is_list:
            own.update(inside)
            return own
        many = rows or page or Rows(unless_said=ROWS_OF_A_LIST)
        own.update(_times(inside, many))
        return own

    def _rows(self, node: FieldNode, declared: GraphQLField) -> Rows | None:
        """What the arguments say about the rows; None when the field has no such arguments."""
        names = [name for name in (*_PAGE, *_KEYS) if name in declared.args]
        if not names:
            return None
        given = {one.name.value: one.value for one in node.arguments or ()}
        values = [given[name] for name in names if name in given]
        variables = tuple(value.name.value for value in values if isinstance(value, VariableNode))
        said = [_literal_rows(value) for value in values]
        said += [_literal_rows(self._defaults.get(name)) for name in variables]
        unless_said = max((one for one in said if one is not None), default=ROWS_UNLESS_SAID)
        return Rows(variables, unless_said)


def _weight(parent: GraphQLNamedType | None, name: str) -> int:
    kind = "" if parent is None else parent.name
    return WEIGHTS.get((kind, name)) or WEIGHTS.get((kind, None), 1)


def _times(terms: Terms, rows: Rows) -> Terms:
    if not rows.variables:
        return Counter({term: count * rows.unless_said for term, count in terms.items()})
    return Counter({(*term, rows): count for term, count in terms.items()})


def _literal_rows(value: ValueNode | None) -> int | None:
    if isinstance(value, IntValueNode):
        return _rows_said(int(value.value))
    if isinstance(value, ListValueNode):
        return _rows_said([*value.values])
    return None


def _is_list(kind: GraphQLOutputType) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
