"""The schema as a whole: roots, scalars, limits, masking, and the plan hung into the stored fields."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.file_uploads import Upload
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext
from strawberry.types.scalar import ScalarDefinition

from schema.answer import Answer
from schema.attachment import Attachment
from schema.case import Case
from schema.category import Category
from schema.delivery import Delivery
from schema.extensions.by_plan import AnswerByPlan
from schema.extensions.known_documents import KnownDocuments, Policy, UseKnownDocuments
from schema.extensions.masking import MaskErrors
from schema.message import Message
from schema.mutations.root import Mutation
from schema.organisation import Organisation
from schema.person import Person
from schema.plan.operation import Plans
from schema.plan.resolving import resolve_by_plan
from schema.queries import Query
from schema.relay import Node
from schema.subscriptions import Subscription
from schema.territory import Territory


def _iso(moment: Any) -> str:  # noqa: ANN401 - from Python a date, from PostgreSQL its text
    return moment if isinstance(moment, str) else str(moment.isoformat())


_SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its offset, such as `2026-11-22T09:30:00+00:00`.",
        serialize=_iso,
        parse_value=datetime.fromisoformat,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day in ISO 8601, such as `2026-11-22`.",
        serialize=_iso,
        parse_value=date.fromisoformat,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file of a multipart request (GraphQL multipart request specification).",
        parse_value=lambda value: value,
    ),
}


class HubSchema(strawberry.Schema):
    """Strawberry's schema with its own memory of documents, and without an error log that would hold the texts that `MaskErrors` hides."""

    policy = Policy()
    plans: Plans
    """What answers the stored part of every operation."""

    @functools.cached_property
    def documents(self) -> KnownDocuments:
        """What is known about the documents that were asked for, the same for the door and for whoever executes without it."""
        return KnownDocuments(self._schema, self.policy)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: `MaskErrors` logs what may be logged."""


NODES: tuple[type[Node], ...] = (
    Message,
    Answer,
    Attachment,
    Case,
    Delivery,
    Organisation,
    Category,
    Territory,
    Person,
)
"""Every type that has a global id."""

Made = TypeVar("Made", bound=HubSchema)


def build_schema(policy: Policy | None = None) -> HubSchema:
    """A schema of its own, with its own memory of documents and plans. Make one per process."""
    return assemble(HubSchema, Query, policy)


def assemble(
    kind: type[Made], query: type, policy: Policy | None, scalars: Mapping[object, ScalarDefinition] | None = None
) -> Made:
    """A schema with these reads, the hub's mutations and subscriptions, and the plan behind it all."""
    schema = kind(
        query=query,
        mutation=Mutation,
        subscription=Subscription,
        types=NODES,
        extensions=[MaskErrors, UseKnownDocuments, AnswerByPlan],
        config=StrawberryConfig(scalar_map={**_SCALARS, **(scalars or {})}),
    )
    schema.policy = policy or Policy()
    # Strawberry has no public name for the graphql-core schema it builds, and the plan hangs there.
    schema.plans = resolve_by_plan(schema._schema)  # noqa: SLF001
    return schema
