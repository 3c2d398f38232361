"""Query operations as plans: one statement for all stored roots, whichever way the answer ends.

`Plans` is the one of a schema, `schema.plans`. The door prepares an operation once and answers with bytes:

    prepared = schema.plans.prepare(document, digest, operation_name)      # None: not a query, or not wholly stored
    coerced = prepared.coerce(variables)                                   # a list of errors when the variables are wrong
    body = await prepared.answer(context, coerced)                         # None: take the ordinary road

The ordinary road is `schema/extensions/by_plan.py`, where graphql-core finishes what the database alone cannot answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
)

from domain.viewer import Viewer
from schema.context import Context
from schema.plan.catalogue import Catalogue
from schema.plan.coercion import Coercion
from schema.plan.compiler import Compiler
from schema.plan.selection import Selector, wholly_stored
from schema.plan.statement import Plan, PlanCache, PlanCacheInfo, make_plan
from schema.plan.values import Openings, Values
from store.reading import ReadPool
from store.renderings import RenderedShapes
from store.scope import Audience, audience_of, viewer_parameters

_MOST_CHARS = 524_288
"""Of documents whose operations stay prepared; a parsed document takes about a hundred times the memory of its text."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the statement of an operation gave: bytes that are the answer, a tree to finish, or the error that reading ended in."""

    body: bytes | None = None
    tree: Mapping[str, Any] | None = None
    error: Exception | None = None

    def root(self, key: str) -> Any:  # noqa: ANN401 - any JSON
        """The value under a response key of the operation. Raises the error that reading ended in."""
        if self.error is not None:
            raise self.error
        return None if self.tree is None else self.tree[key]


class PreparedOperation:
    """One query operation of one document. Knows nothing of any request."""

    def __init__(
        self,
        plans: Plans,
        digest: bytes,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
    ) -> None:
        self._plans = plans
        self._place = (digest, operation.name.value if operation.name else None)
        self._operation = operation
        self._fragments = fragments
        self._coercion = Coercion(plans.schema, operation.variable_definitions or ())
        self.is_wholly_stored = wholly_stored(plans.schema, plans.catalogue, operation, fragments)

    def coerce(self, variables: Mapping[str, Any] | None) -> dict[str, Any] | list[GraphQLError]:
        """The values of the variables, or the errors that graphql-core has for them."""
        return self._coercion.coerce(variables or {})

    async def answer(self, context: Context, coerced: Mapping[str, Any]) -> bytes | None:
        """The body `{"data":…}`; None when only graphql-core can tell how the answer ends. Raises what the database raises."""
        plan, parameters = self._plan(context, coerced)
        if not plan.passes:
            return None
        text = await plan.run(_pool(context), parameters)
        return b"".join((b'{"data":', text or b"null", b"}"))

    def tables(self, context: Context, coerced: Mapping[str, Any]) -> frozenset[str] | None:
        """What `answer` would read; None when it would not answer."""
        plan, _ = self._plan(context, coerced)
        return plan.tables if plan.passes else None

    async def read(self, context: Context, coerced: Mapping[str, Any]) -> Answered:
        """The same for the ordinary road, where every outcome is an answer."""
        try:
            plan, parameters = self._plan(context, coerced)
            text = await plan.run(_pool(context), parameters)
            if plan.passes:
                return Answered(body=text)
            return Answered(tree=None if text is None else plan.read(text))
        except Exception as error:  # noqa: BLE001 - whatever reading ended in is reported at each root field, as its own resolver's error would be
            return Answered(error=error)

    def _plan(self, context: Context, coerced: Mapping[str, Any]) -> tuple[Plan, dict[str, Any]]:
        return self.bound(context.viewer, coerced)

    def bound(self, viewer: Viewer | None, coerced: Mapping[str, Any]) -> tuple[Plan, dict[str, Any]]:
        """The plan that serves a request, and the parameters of its run."""
        audience = audience_of(viewer)
        values = Values(coerced, viewer_parameters(viewer))
        rendered = self._plans.rendered
        place = (*self._place, audience) if rendered is None else (*self._place, audience, rendered.generation)
        return self._plans.cache.plan(place, values, lambda: self._make(audience, values))

    def _make(self, audience: Audience, values: Values) -> Plan:
        schema, catalogue = self._plans.schema, self._plans.catalogue
        query = schema.query_type
        if query is None:
            message = "a schema without queries"
            raise TypeError(message)

        # Shapes are kept for documents that come again and again, not for what strangers make up.
        rendered = self._plans.rendered if self._plans.is_trusted(self._place[0]) else None

        def write(openings: Openings) -> Any:  # noqa: ANN401 - as `Write` says
            selector = Selector(schema, self._fragments, openings)
            return Compiler(catalogue, selector, audience, openings, rendered).operation(query, self._operation)

        return make_plan(values, write, may_pass=self.is_wholly_stored)


def _pool(context: Context) -> ReadPool:
    """Where this person reads now: a replica, or the primary for what they have just written."""
    if context.from_primary:
        return context.database.reads
    person_id = None if context.viewer is None else context.viewer.person_id
    return context.database.reads_for(person_id, context.seen)


@dataclass(slots=True)
class Plans:
    """All plans of one schema."""

    schema: GraphQLSchema
    catalogue: Catalogue
    cache: PlanCache = field(default_factory=PlanCache)
    rendered: RenderedShapes | None = None
    """What lists of trusted documents find ready; None when nothing is rendered."""
    is_trusted: Callable[[bytes], bool] = lambda _: False
    _prepared: OrderedDict[tuple[bytes, str | None], tuple[PreparedOperation, int]] = field(default_factory=OrderedDict)
    _chars: int = 0

    def prepare(
        self, document: DocumentNode, text_digest: bytes, operation_name: str | None
    ) -> PreparedOperation | None:
        """A query whose selection is wholly stored, whatever its variables; None for anything else. The document is valid."""
        prepared = self.query(document, text_digest, operation_name)
        return prepared if prepared is not None and prepared.is_wholly_stored else None

    def query(self, document: DocumentNode, text_digest: bytes, operation_name: str | None) -> PreparedOperation | None:
        """Any query operation, stored in part or not at all; None when the document has no such query."""
        place = (text_digest, operation_name)
        known = self._prepared.get(place)
        if known is not None:
            self._prepared.move_to_end(place)
            return known[0]
        operation = get_operation_ast(document, operation_name)
        if operation is None or operation.operation is not OperationType.QUERY:
            return None
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        prepared = PreparedOperation(self, text_digest, operation, fragments)
        chars = 1 if document.loc is None else len(document.loc.source.body)
        self._prepared[place] = prepared, chars
        self._chars += chars
        while self._chars > _MOST_CHARS and len(self._prepared) > 1:
            _, (_, forgotten) = self._prepared.popitem(last=False)
            self._chars -= forgotten
        return prepared

    def plan_cache_info(self) -> PlanCacheInfo:
        """For metrics: plans and the length of their SQL now, hits, misses and the seconds of compiling since the process began."""
        return self.cache.info
