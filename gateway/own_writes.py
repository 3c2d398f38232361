"""Whoever wrote sees it in their next read, through whichever process and replica: the two ends of the header `x-okno-written`.

An answer carries it for some seconds after its person wrote; a client that returns it with its next requests is served from where that write is
already visible. What it holds is a place in the database's log and means nothing else; a client that does not return it, or returns nonsense, is
served too (`store/replicas.py` says what it may then miss, and for how long). Without read replicas the header does not appear.
"""

from __future__ import annotations

from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.viewer import Viewer
from store.unit import Database

HEADER = "x-okno-written"
SEEN: ContextVar[str | None] = ContextVar("seen", default=None)
"""What the client of this request brought back."""


def written_by(database: Database, viewer: Viewer | None) -> str | None:
    """What the header of an answer to this viewer says; None when it is not there."""
    return None if viewer is None else database.written_by(viewer.person_id)


class OwnWrites:
    """ASGI middleware: reads the header of requests and writes that of answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        services = getattr(scope["app"].state, "services", None) if scope["type"] in {"http", "websocket"} else None
        if services is None or services.database.replicas is None:
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit = scope.get("state", {}).get("visit")
                written = written_by(services.database, getattr(visit, "viewer", None))
                if written is not None:
                    MutableHeaders(scope=message)[HEADER] = written
            await send(message)

        token = SEEN.set(Headers(scope=scope).get(HEADER))
        try:
            await self._app(scope, receive, send_on)
        finally:
            SEEN.reset(token)
