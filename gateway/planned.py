"""Queries whose whole answer is one statement: its bytes go out as PostgreSQL wrote them, and nothing is executed in between.

Everything that may refuse a request has had its say before: sign-in, the document, its cost, the allowance. What cannot be answered this way (a field
that is not stored, a wrong variable, a database that is away) takes the ordinary road, which tells all of it in full. What can be answered this way,
and by which statement, is found here for `gateway.short_road` too, which runs it without waiting for anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from domain.viewer import Viewer
from gateway.documents import Resolved
from gateway.negotiation import Media
from gateway.public_answers import Kept, PublicAnswers
from gateway.services import Services
from gateway.turnstile import Turnstile, too_slow
from schema.context import Context
from schema.extensions.limits import unusable_number
from schema.plan.operation import Plans, PreparedOperation
from schema.plan.statement import Plan
from store.reading import ReadsAway, ReadTooLong

VARY = "Accept, Accept-Language, Authorization"


def private_headers(media: Media) -> dict[str, str]:
    """Of an answer that nobody but its receiver may keep. The charset is named because older clients guess it."""
    return {"vary": VARY, "cache-control": "no-store", "content-type": f"{media}; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Public:
    """A request whose answer is everybody's; `if_none_match` is what its client has."""

    answers: PublicAnswers
    if_none_match: str | None


@dataclass(frozen=True, slots=True)
class Asking:
    """A query that is wholly stored and what its variables come to, whoever asks."""

    resolved: Resolved
    prepared: PreparedOperation
    coerced: Mapping[str, Any]

    def plan(self, viewer: Viewer | None) -> tuple[Plan, Mapping[str, Any]] | None:
        """The plan whose bytes answer this viewer, and the parameters of its run; None when there is none."""
        plan, parameters = self.prepared.bound(viewer, self.coerced)
        return (plan, parameters) if plan.passes else None


@dataclass(frozen=True, slots=True)
class PlannedAnswers:
    """Answers queries by their plans, in turn and in time."""

    plans: Plans
    services: Services
    turnstile: Turnstile

    async def answer(
        self, resolved: Resolved, context: Context, media: Media, public: Public | None
    ) -> Response | None:
        """The answer, or None when the ordinary road must be taken. Raises Refusal (503)."""
        asking = self.asking(resolved)
        if asking is None:
            return None
        prepared, coerced = asking.prepared, asking.coerced
        async with self.turnstile.turn():
            try:
                async with asyncio.timeout(self.services.settings.limits.operation_s):
                    if public is not None:
                        return await _public(prepared, resolved, coerced, context, media, public)
                    body = await prepared.answer(context, coerced)
            except ReadsAway:
                return None
            except (TimeoutError, ReadTooLong):
                raise too_slow() from None
        return None if body is None else Response(body, 200, private_headers(media))

    def asking(self, resolved: Resolved) -> Asking | None:
        """A query that is wholly stored, and its variables; None for anything else, wrong variables among it."""
        document = resolved.learned.document
        if document is None or unusable_number(resolved.variables or {}):
            return None
        prepared = self.plans.prepare(document, resolved.document_id, resolved.operation_name)
        coerced = None if prepared is None else prepared.coerce(resolved.variables)
        if prepared is None or coerced is None or isinstance(coerced, list):
            return None
        return Asking(resolved, prepared, coerced)


async def _public(
    prepared: PreparedOperation,
    resolved: Resolved,
    coerced: Mapping[str, Any],
    context: Context,
    media: Media,
    public: Public,
) -> Response | None:
    """Not even read when the client has it and the data are the same."""
    tables = prepared.tables(context, coerced)
    kept: Kept | None = None if tables is None else await public.answers.by_version(resolved, media, tables)
    if kept is not None and kept.is_had_by(public.if_none_match):
        return Response(None, 304, kept.headers)
    # A replica behind the version would give an old answer a new tag, and caches would keep it.
    context.from_primary = kept is not None
    body = None if tables is None else await prepared.answer(context, coerced)
    if body is None:
        return None
    kept = kept or public.answers.by_bytes(body, media)
    if kept.is_had_by(public.if_none_match):
        return Response(None, 304, kept.headers)
    return Response(body, 200, {**kept.headers, "content-type": f"{media}; charset=utf-8"})
