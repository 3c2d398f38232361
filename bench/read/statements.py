"""The statements behind the five operations, as the hub's plans write them: for those who run the same SQL without the hub around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from graphql import DocumentNode, parse

from bench.read.country import ROOT
from bench.read.keys import ISSUER, STAFF_NUMBER, subject
from bench.read.operations import Ask, Operation
from domain.rights import Grant, Role
from domain.viewer import Viewer
from schema.context import Context
from schema.extensions.known_documents import digest_of
from schema.root import build_schema
from store.reading import ReadStatement
from store.renderings import RenderedShapes

_PLACE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One run of one plan: the text with `$1` places, and the values in order. Its one value is the JSON of `data`."""

    text: str
    values: tuple[Any, ...]

    def inlined(self, literal: Any) -> str:  # noqa: ANN401 - psycopg's function
        """With the values written into the text by `literal`."""
        return _PLACE.sub(lambda found: str(literal(self.values[int(found[1]) - 1])), self.text)


@dataclass(slots=True)
class _Pool:
    """Stands where a pool of connections stands, and notes what it is asked to run."""

    ran: list[Statement] = field(default_factory=list)

    async def json_text(self, statement: ReadStatement, parameters: Mapping[str, Any]) -> bytes | None:
        values = tuple(parameters[name] for name in statement.names)
        self.ran.append(Statement(statement.text.decode(), values))
        return None


class Planner:
    """Makes plans and notes what they would run, without a database."""

    def __init__(self, rendered: RenderedShapes | None = None) -> None:
        """Lists read what is `rendered`; without it they make everything anew."""
        self.schema = build_schema()
        self.schema.plans.rendered = rendered
        self.schema.plans.is_trusted = lambda _: True
        self._pool = _Pool()

    async def statement(self, document: DocumentNode, digest: bytes, ask: Ask) -> Statement:
        """What a request for the document runs. The plan is made anew for a digest that was not seen before.

        Raises RuntimeError for an operation that is not one statement whose bytes are passed through.
        """
        prepared = self.schema.plans.prepare(document, digest, None)
        if prepared is None:
            raise RuntimeError("not wholly stored, so it cannot be one statement")
        coerced = prepared.coerce(ask.variables)
        if isinstance(coerced, list):
            raise RuntimeError(coerced[0].message)
        self._pool.ran.clear()
        if await prepared.answer(_context(self._pool, ask), coerced) is None or len(self._pool.ran) != 1:
            raise RuntimeError("its bytes are not passed through")
        return self._pool.ran[0]


async def statements_of(operation: Operation, planner: Planner) -> list[Statement]:
    """What each request of the operation runs. Raises RuntimeError as `Planner.statement` does."""
    document, digest = parse(operation.text), digest_of(operation.text)
    try:
        return [await planner.statement(document, digest, ask) for ask in operation.asks]
    except RuntimeError as problem:
        raise RuntimeError(f"{operation.code}: {problem}") from None


def _context(pool: _Pool, ask: Ask) -> Context:
    """As much of a context as a plan looks at; what is not there is not asked for."""
    nothing: Any = None
    database: Any = SimpleNamespace(reads_for=lambda *_: pool, reads=pool)
    return Context(
        database=database,
        viewer=viewer_of(ask),
        facts=nothing,
        language="ru",
        changes=nothing,
        uploads=nothing,
        clock=nothing,
        references=nothing,
    )


def viewer_of(ask: Ask) -> Viewer:
    """Who asks, with the rights that the load granted."""
    grants = (Grant(Role.HEAD, ROOT),) if ask.person == STAFF_NUMBER else ()
    return Viewer(UUID(ask.person_key), ISSUER, subject(ask.person), grants)
