"""Parses and validates a document by GraphQL's own rules, a little at a time, so that a long one need not stop whoever
shares the event loop with it.

The rules are graphql-core's and Strawberry's, and so are the errors. What differs from `graphql.validate` is the walk:
which rule listens to which kind of node is worked out once per process and not per document, and names are not visited
(no rule listens to them). It ends at the `MOST_ERRORS`-th error, and only the first `_MOST_SUGGESTIONS` errors may say
what was meant: looking for that is work that grows with the schema.

`pause` is called every few tokens and nodes: the place for whoever is to go first. Here it does nothing; the door runs
this in a greenlet of its own (`gateway/document_reader.py`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cache
from typing import Any, Final, cast

from graphql import (
    BREAK,
    SKIP,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Lexer,
    Node,
    Source,
    Token,
    TypeInfo,
    ValidationContext,
    Visitor,
    assert_valid_schema,
    specified_rules,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS
from graphql.language.parser import Parser
from graphql.validation import ASTValidationRule
from graphql.validation.validation_context import VariableUsage, VariableUsageVisitor
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

MOST_ERRORS: Final = 10
_MOST_SUGGESTIONS: Final = 3
_AT_ONCE: Final = 8
"""Tokens or nodes between two pauses: some fifty microseconds."""

_RULES: Final[tuple[type[ASTValidationRule], ...]] = (
    *specified_rules,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
Pause = Callable[[], None]


def no_pause() -> None:
    """Nobody is to go first."""


_PARTS: Final = {
    kind: tuple(key for key in keys if key not in {"name", "description"}) for kind, keys in QUERY_DOCUMENT_KEYS.items()
}
"""By kind of node, the attributes that hold the nodes below it."""


def parsed(text: str, most_tokens: int, pause: Pause) -> DocumentNode:
    """The document. Raises GraphQLError for what is none, RecursionError for one that is nested too deeply."""
    source = Source(text)
    return Parser(source, max_tokens=most_tokens, lexer=_PausingLexer(source, pause)).parse_document()


def faults_of(
    schema: GraphQLSchema, document: DocumentNode, *, suggestions: bool = True, pause: Pause = no_pause
) -> list[GraphQLError]:
    """The errors of a document that was parsed and measured."""
    assert_valid_schema(schema)
    types, errors = TypeInfo(schema), list[GraphQLError]()
    context = _Context(schema, document, types, errors, suggestions=suggestions, pause=pause)
    with contextlib.suppress(_Enough):
        _Walk(types, [rule(context) for rule in _RULES], pause).through(document)
    return errors


class _PausingLexer(Lexer):
    """graphql-core's, with a pause every few tokens."""

    def __init__(self, source: Source, pause: Pause) -> None:
        super().__init__(source)
        self._pause = pause
        self._since_pause = 0

    def advance(self) -> Token:
        self._since_pause += 1
        if self._since_pause == _AT_ONCE:
            self._since_pause = 0
            self._pause()
        return super().advance()


class _Enough(Exception):
    """There are as many errors as anybody reads."""


class _Context(ValidationContext):
    """What the rules ask, with bounds on what they report."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        types: TypeInfo,
        errors: list[GraphQLError],
        *,
        suggestions: bool,
        pause: Pause,
    ) -> None:
        super().__init__(schema, document, types, self._note)
        self._pause = pause
        self._types = types
        self._errors = errors
        self._suggestions = suggestions
        self._has_variables = document.loc is None or "$" in document.loc.source.body
        self._usages: dict[Node, list[VariableUsage]] = {}

    @property
    def hide_suggestions(self) -> bool:
        return not self._suggestions or len(self._errors) >= _MOST_SUGGESTIONS

    def _note(self, error: GraphQLError) -> None:
        self._errors.append(error)
        if len(self._errors) >= MOST_ERRORS:
            raise _Enough

    def get_fragment(self, name: str) -> FragmentDefinitionNode | None:
        # Whether fields can be merged is asked for every two fragments, and between two nodes of the walk.
        self._pause()
        return super().get_fragment(name)

    def get_variable_usages(self, node: Any) -> list[VariableUsage]:  # noqa: ANN401 - an operation or a fragment
        """As in graphql-core, by the shorter walk, and by none at all where the document has no variables."""
        if not self._has_variables:
            return []
        known = self._usages.get(node)
        if known is None:
            fragment = node if isinstance(node, FragmentDefinitionNode) else None
            usages = VariableUsageVisitor(self._types, fragment)
            _Walk(self._types, [usages], self._pause).through(node)
            known = self._usages[node] = usages.usages
        return known


@cache
def _listens(listener: Hashable, kind: str) -> tuple[str | None, str | None]:
    """The names of the methods that a class of visitors has for a kind of node: on the way in, and on the way out."""

    def named(way: str) -> str | None:
        return next((name for name in (f"{way}_{kind}", way) if getattr(listener, name, None) is not None), None)

    return named("enter"), named("leave")


_Below = Iterator[tuple[tuple[Node, ...] | None, Node]]
_Open = tuple[Node, object, int, _Below]
"""A node on the way out, what holds it, by how many its ancestors are more than its holder's, and what is below it and not visited yet."""
Listeners = tuple[tuple[int, Callable[..., object]], ...]


class _Walk:
    """One walk of several visitors through a document, each of which may skip what is below a node, or be done with it all."""

    def __init__(self, types: TypeInfo, visitors: Sequence[Visitor], pause: Pause) -> None:
        self._types = types
        self._pause = pause
        self._visitors = visitors
        self._skipped: list[object] = [None] * len(visitors)
        """For each visitor the node whose inside it does not want to see, or BREAK."""
        self._listeners: dict[str, tuple[Listeners, Listeners]] = {}

    def through(self, root: Node) -> None:
        """Visit everything."""
        ancestors: list[object] = []
        self._enter(root, None, ancestors)
        open_nodes: list[_Open] = [(root, None, 0, _below(root))]
        entered = 0
        while open_nodes:
            node, parent, deeper, below = open_nodes[-1]
            place = next(below, None)
            if place is None:
                self._leave(node, parent, ancestors)
                open_nodes.pop()
                del ancestors[len(ancestors) - deeper :]
                continue
            beside, child = place
            # As graphql-core has it: a tuple of nodes is an ancestor of each of them.
            above = ([] if parent is None else [parent]) + ([] if beside is None else [node])
            ancestors += above
            holder = node if beside is None else beside
            self._enter(child, holder, ancestors)
            open_nodes.append((child, holder, len(above), _below(child)))
            entered += 1
            if entered % _AT_ONCE == 0:
                self._pause()

    def _enter(self, node: Node, parent: object, ancestors: list[object]) -> None:
        self._types.enter(node)
        skipped = self._skipped
        for number, listen in self._of(node.kind)[0]:
            if skipped[number] is None:
                wish = listen(node, None, parent, None, ancestors)
                if wish is SKIP or wish is False:
                    skipped[number] = node
                elif wish is BREAK or wish is True:
                    skipped[number] = BREAK

    def _leave(self, node: Node, parent: object, ancestors: list[object]) -> None:
        skipped = self._skipped
        for number, listen in self._of(node.kind)[1]:
            if skipped[number] is None:
                wish = listen(node, None, parent, None, ancestors)
                if wish is BREAK or wish is True:
                    skipped[number] = BREAK
        for number, inside in enumerate(skipped):
            if inside is node:
                skipped[number] = None
        self._types.leave(node)

    def _of(self, kind: str) -> tuple[Listeners, Listeners]:
        found = self._listeners.get(kind)
        if found is None:
            # mypy takes the class for unhashable, because its instances say how they are hashed.
            names = [_listens(cast("Hashable", type(one)), kind) for one in self._visitors]
            enter, leave = (
                tuple(
                    (number, getattr(self._visitors[number], name))
                    for number, name in enumerate(ways)
                    if name is not None
                )
                for ways in zip(*names, strict=True)
            )
            found = self._listeners[kind] = (enter, leave)
        return found


def _below(node: Node) -> _Below:
    """The nodes right below, each with the tuple it stands in."""
    for part in _PARTS.get(node.kind, ()):
        value = getattr(node, part, None)
        if isinstance(value, Node):
            yield None, value
        elif value:
            for one in value:
                yield value, one
