"""Counts every GraphQL request: which trusted operation it was, how it ended and how long it took until its answer was whole.

An event stream counts until it begins; how many are open is told elsewhere.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.documents import Resolved
from gateway.metrics import Metrics
from schema.extensions.known_documents import KnownDocuments

if TYPE_CHECKING:
    from gateway.graphql import Visit


class OperationTimes:
    """ASGI middleware around the door."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "POST"}:
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()
        ended_s = 0.0

        async def send_on(message: Message) -> None:
            nonlocal ended_s
            await send(message)
            # The first piece of a stream, the only one of an answer.
            if not ended_s and message["type"] == "http.response.body":
                ended_s = time.perf_counter()

        try:
            await self._app(scope, receive, send_on)
        finally:
            visit: Visit | None = scope.get("state", {}).get("visit")
            if visit is not None:
                state = scope["app"].state
                metrics: Metrics = state.services.metrics
                name = trusted_name(state.documents, visit.resolved)
                code = visit.code if ended_s else "INTERNAL"
                metrics.operation(name, code, (ended_s or time.perf_counter()) - began_s)


def trusted_name(documents: KnownDocuments, resolved: Resolved | None) -> str | None:
    """The name to count an operation by: None for whatever is not of a trusted document."""
    if resolved is None or documents.trusted(resolved.document_id) is None:
        return None
    # A trusted document is right, so an operation of this name is in it or the request was refused.
    operations = resolved.learned.operations
    if resolved.operation_name is None and len(operations) == 1:
        return next(iter(operations.values())).name
    return resolved.operation_name if resolved.operation_name in operations else None
