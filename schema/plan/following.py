"""Subscriptions whose every event is one stored row: each event is one statement, whose bytes go out as PostgreSQL wrote them.

`FollowPlans` is the one of a schema:

    followed = follow_plans.prepare(document, digest, operation_name)     # None: something else, which graphql-core executes
    coerced = followed.coerce(variables)                                  # None: something is wrong with them
    texts = await followed.read(database, viewer, coerced, keys)          # `{"data":{…}}` each; None: the row is not to be seen any more

What it cannot answer is left to graphql-core, which tells all of it in full.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    VariableNode,
    get_named_type,
    get_operation_ast,
)

from domain.viewer import Viewer
from schema.plan.coercion import Coercion
from schema.plan.compiler import Compiler
from schema.plan.declare import ByKey
from schema.plan.operation import Plans
from schema.plan.selection import Selected, Selector, stored_below
from schema.plan.statement import Plan, make_plan
from schema.plan.values import Openings, Values
from store.reading import ReadStatement
from store.scope import audience_of, viewer_parameters
from store.unit import Database

_MOST_PREPARED: Final = 500
_MOST_OF_MANY: Final = 16
_USED_AS_ARGUMENT: Final = 2
"""How often a variable stands in a document where it is defined and given for an argument."""
_BETWEEN: Final = b"\x1e"
"""Between two JSON texts, in which it never stands unescaped."""
_PARAMETER_OR_LITERAL: Final = re.compile(rb"'(?:[^']|'')*'|\$\d+")


class FollowedOperation:
    """One subscription operation of one document. Knows nothing of any request."""

    def __init__(
        self,
        plans: Plans,
        digest: bytes,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        field: tuple[FieldNode, GraphQLField],
    ) -> None:
        self._plans = plans
        self._text = "" if operation.loc is None else operation.loc.source.body
        self._many: dict[ReadStatement, ReadStatement] = {}
        self._place = ("followed", digest, operation.name.value if operation.name else None)
        self._fragments = fragments
        self.node, self._declared = field
        self._coercion = Coercion(plans.schema, operation.variable_definitions or ())
        self.key = self.node.alias.value if self.node.alias else self.node.name.value
        """The response key."""
        self._before = f'{{"data":{{"{self.key}":'.encode()

    @property
    def field(self) -> str:
        return self.node.name.value

    def coerce(self, variables: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The values of the variables; None when there are none that fit."""
        coerced = self._coercion.coerce(variables or {})
        return None if isinstance(coerced, list) else coerced

    def text_argument(self, name: str, coerced: Mapping[str, Any]) -> str | None:
        """The text that is given for an argument of the field, if it is one."""
        for one in self.node.arguments or ():
            if one.name.value == name:
                given = one.value
                value = coerced.get(given.name.value) if isinstance(given, VariableNode) else None
                found = given.value if isinstance(given, StringValueNode) else value
                return found if isinstance(found, str) else None
        return None

    def shared(self, argument: str, coerced: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that shape what is read of a row: all but one that is used for this argument of the field alone."""
        given = next((one.value for one in self.node.arguments or () if one.name.value == argument), None)
        if not isinstance(given, VariableNode) or self._uses(given.name.value) > _USED_AS_ARGUMENT:
            return dict(coerced)
        return {name: value for name, value in coerced.items() if name != given.name.value}

    def _uses(self, variable: str) -> int:
        return len(re.findall(rf"\${variable}\b", self._text))

    async def read(
        self, database: Database, viewer: Viewer | None, coerced: Mapping[str, Any], keys: Sequence[UUID]
    ) -> list[bytes | None]:
        """The rows with these keys as the operation asks for them, by one statement; None for one that the viewer does not see.

        `coerced` holds at least what is `shared`. On the primary: an event is told for what has just happened. Raises what the database raises.
        """
        plan, parameters = self._plan(viewer, coerced, keys[0])
        if len(keys) == 1 or plan.statement is None:
            texts: list[bytes | None] = [
                await plan.run(database.reads, self._plan(viewer, coerced, key)[1]) for key in keys
            ]
        else:
            statement, name = self._of_many(plan.statement, parameters, keys[0])
            joined = await database.reads.json_text(statement, parameters | {name: list(keys)})
            texts = [*(joined or b"").split(_BETWEEN)]
        return [b"".join((self._before, text, b"}}")) if text and text != b"null" else None for text in texts]

    def _of_many(self, one: ReadStatement, parameters: Mapping[str, Any], key: UUID) -> tuple[ReadStatement, str]:
        """The statement of one row made into that of many, and the name of the parameter that takes all their keys."""
        name = next(name for name in one.names if parameters[name] is key)
        known = self._many.get(one)
        if known is None:
            if len(self._many) >= _MOST_OF_MANY:
                self._many.clear()
            known = self._many[one] = _of_many(one, one.names.index(name) + 1)
        return known, name

    def passes(self, viewer: Viewer | None, coerced: Mapping[str, Any], key: Hashable) -> bool:
        """Whether the bytes of the statement are the answer, for this viewer and these variables."""
        return self._plan(viewer, coerced, key)[0].passes

    def _plan(self, viewer: Viewer | None, coerced: Mapping[str, Any], key: Hashable) -> tuple[Plan, dict[str, Any]]:
        audience = audience_of(viewer)
        values = Values(coerced, viewer_parameters(viewer), key)

        def write(openings: Openings) -> Any:  # noqa: ANN401 - as `Write` says
            selector = Selector(self._plans.schema, self._fragments, openings)
            field = Selected(self.key, self._declared, [self.node])
            return Compiler(self._plans.catalogue, selector, audience, openings).statement(ByKey(), field)

        return self._plans.cache.plan((*self._place, audience), values, lambda: make_plan(values, write))


def _of_many(one: ReadStatement, place: int) -> ReadStatement:
    """In the text of a statement, the key in `$place` becomes each of the keys in turn; the texts come joined, in the order of the keys."""
    parameter = f"${place}".encode()

    def of_each(found: re.Match[bytes]) -> bytes:
        return b"followed.key" if found[0] == parameter else found[0]

    each = _PARAMETER_OR_LITERAL.sub(of_each, one.text)
    text = (
        b"SELECT string_agg(coalesce(told.text, ''), chr(30) ORDER BY followed.number)"
        b" FROM unnest(%b::uuid[]) WITH ORDINALITY AS followed(key, number)"
        b" LEFT JOIN LATERAL (%b) AS told(text) ON true"
    ) % (parameter, each)
    return ReadStatement(text, one.names, one.formats)


class FollowPlans:
    """All of one schema."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._prepared: OrderedDict[tuple[bytes, str | None], FollowedOperation | None] = OrderedDict()

    def prepare(self, document: DocumentNode, digest: bytes, operation_name: str | None) -> FollowedOperation | None:
        """A subscription to one stored row; None for anything else. The document is valid."""
        place = (digest, operation_name)
        if place in self._prepared:
            self._prepared.move_to_end(place)
            return self._prepared[place]
        prepared = self._prepared[place] = self._prepare(document, digest, operation_name)
        if len(self._prepared) > _MOST_PREPARED:
            self._prepared.popitem(last=False)
        return prepared

    def _prepare(self, document: DocumentNode, digest: bytes, operation_name: str | None) -> FollowedOperation | None:
        operation = get_operation_ast(document, operation_name)
        if operation is None or operation.operation is not OperationType.SUBSCRIPTION or operation.directives:
            return None
        root, selections = self._plans.schema.subscription_type, operation.selection_set.selections
        # More than the one field, such as a fragment around it, is rare and not worth a road of its own.
        field = selections[0] if len(selections) == 1 else None
        if root is None or not isinstance(field, FieldNode) or field.directives or field.name.value not in root.fields:
            return None
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        if not self._is_stored(root, field, fragments):
            return None
        declared = root.fields[field.name.value]
        return FollowedOperation(self._plans, digest, operation, fragments, (field, declared))

    def _is_stored(
        self, root: GraphQLObjectType, field: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> bool:
        plans, name = self._plans, field.name.value
        if not isinstance(plans.catalogue.shown.get((root.name, name)), ByKey) or field.selection_set is None:
            return False
        kind = get_named_type(root.fields[name].type)
        return stored_below(plans.schema, plans.catalogue, kind, field.selection_set, fragments)
