"""Answers the stored part of a query by one statement, before graphql-core begins.

Where the statement is the whole answer, nothing is executed; else graphql-core picks from what it gave, asks the resolvers of what is not stored,
and finishes: errors, null propagation and paths are its own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from graphql import ExecutionResult
from strawberry.extensions import SchemaExtension

from schema.extensions.known_documents import digest_of
from schema.plan.operation import Plans


class AnswerByPlan(SchemaExtension):
    """Comes after whatever may refuse the document."""

    async def on_execute(self) -> AsyncIterator[None]:
        context = self.execution_context
        document = context.graphql_document
        plans: Plans = getattr(context.schema, "plans")  # noqa: B009 - HubSchema has it, its base has not
        if document is not None and document.loc is not None:
            prepared = plans.query(document, digest_of(document.loc.source.body), context.operation_name)
            coerced = prepared.coerce(context.variables) if prepared is not None else []
            if prepared is not None and not isinstance(coerced, list):
                answered = await prepared.read(context.context, coerced)
                if answered.body is None:
                    context.root_value = answered
                else:
                    context.result = ExecutionResult(json.loads(answered.body), None)
        yield
