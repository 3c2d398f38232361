"""A schema that asks the door for everything a schema can ask for, and nothing of a citizen."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import strawberry
from strawberry.file_uploads import Upload, UploadDefinition
from strawberry.schema.config import StrawberryConfig

from domain.problem import ProblemsFound
from schema.context import Context
from schema.extensions.known_documents import Policy, UseKnownDocuments
from schema.extensions.masking import MaskErrors
from schema.plan.resolving import resolve_by_plan
from schema.root import HubSchema

Info = strawberry.Info[Context, None]


class Broken(Exception):
    """What a bug raises; its text quotes a citizen."""


@strawberry.type
class Query:
    @strawberry.field
    def who(self, info: Info) -> str | None:
        return info.context.viewer.subject if info.context.viewer else None

    @strawberry.field
    def language(self, info: Info) -> str:
        return info.context.language

    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @strawberry.field
    def many(self, first: int | None = None) -> list[str]:
        return ["x"] * (first or 1)

    @strawberry.field
    def fails(self) -> str:
        raise Broken("слова гражданина")


@strawberry.type
class Taken:
    id: strawberry.ID | None = None
    name: str | None = None
    problems: list[str] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self, text: str) -> str:
        return text

    @strawberry.mutation
    async def take(self, info: Info, file: Upload) -> Taken:
        viewer = info.context.viewer
        assert viewer is not None
        received: Any = file
        try:
            stored = await info.context.uploads.take(viewer.person_id, received)
        except ProblemsFound as found:
            return Taken(problems=[info.context.say(problem) for problem in found.problems])
        return Taken(id=strawberry.ID(str(stored.attachment_id)), name=getattr(stored, "file_name", None))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, count: int, pause_s: float = 0.0) -> AsyncGenerator[int, None]:
        for number in range(count):
            yield number
            await asyncio.sleep(pause_s)

    @strawberry.subscription
    async def changed(self, info: Info, message: UUID) -> AsyncGenerator[int, None]:
        async with info.context.changes.watch(message) as wake_ups:
            seen = 0
            yield seen
            async for _ in wake_ups:
                seen += 1
                yield seen


def tiny_schema(policy: Policy | None = None) -> HubSchema:
    config = StrawberryConfig(scalar_map={Upload: UploadDefinition})
    schema = HubSchema(Query, Mutation, Subscription, config=config, extensions=[MaskErrors, UseKnownDocuments])
    schema.policy = policy or Policy()
    schema.plans = resolve_by_plan(schema._schema)
    return schema


TRUSTED = {
    "who": "query Who { who }",
    "echo": "query Echo($text: String!) { echo(text: $text) }",
    "write": "mutation Write($text: String!) { write(text: $text) }",
    "ticks": "subscription Ticks { ticks(count: 3) }",
}
"""The documents of the tiny table."""


def trusted_id(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def tiny_table(folder: Path) -> Path:
    """A table of trusted documents that fits the tiny schema."""
    path = folder / "documents.json"
    path.write_text(json.dumps({trusted_id(text): text for text in TRUSTED.values()}))
    return path
