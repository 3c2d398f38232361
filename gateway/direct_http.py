"""The HTTP protocol that offers requests to the short road before it makes an ASGI call of them. Import it only where httptools is installed.

A `POST /graphql` whose head and body came in one piece is held back until it is whole, and then either taken by `gateway.short_road` or handed to
uvicorn as if it had just been read. A body that takes its time, an upgrade, a second request before the first is answered, a client that does not
read: all of that is uvicorn's, as before. To uvicorn a request on the short road is a cycle under way like any other, so pipelining, keep-alive and
leaving go by its own rules.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.bounded_http import BoundedHttp
from gateway.graphql import HAS_PAID
from gateway.short_road import PATH, ROAD, Reply, ShortRoad

_NOBODY_WAITS: Final = asyncio.Event()
_NO_HEADERS: Final[list[tuple[bytes, bytes]]] = []


class DirectHttp(BoundedHttp):
    """One connection."""

    _held: list[bytes] | None = None
    """The body so far of a request that is held back."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._road: ShortRoad | None = app_state.get(ROAD)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._held is not None:
            body, self._held = b"".join(self._held), None
            if not self.transport.is_closing():
                super().on_headers_complete()
                if body:
                    super().on_body(body)

    def on_headers_complete(self) -> None:
        if self._road is None or not self._may_be_short():
            super().on_headers_complete()
            return
        self._head_is_whole()
        self._held = []

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        held, self._held = self._held, None
        if held is None or self._road is None:
            super().on_message_complete()
            return
        self._head_is_whole()
        body = held[0] if len(held) == 1 else b"".join(held)
        before, cycle = self.cycle, ShortCycle(self, body)
        self.cycle = cycle  # type: ignore[assignment]  # to uvicorn it is one: see the class
        host = self.client[0] if self.client else None
        if not self._road.take(self.headers, body, host, cycle.deliver):
            self.cycle = before
            super().on_headers_complete()
            super().on_body(body)
            super().on_message_complete()

    def _may_be_short(self) -> bool:
        """Whether nothing in how a request came is against it."""
        parser = self.parser
        return (
            self.url == PATH
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and self.limit_concurrency is None
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
        )

    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """What the server adds to every answer: its date."""
        return self.server_state.default_headers or _NO_HEADERS

    def begin_anew(self, cycle: ShortCycle) -> None:
        """Take a request to the ordinary road that has begun on the short one. Nobody has answered it and its cost is paid."""
        scope = cycle.scope
        scope["method"], scope["path"], scope["raw_path"], scope["query_string"] = "POST", PATH.decode(), PATH, b""
        scope["state"][HAS_PAID] = True
        ordinary = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=cycle.keep_alive,
            on_response=self.on_response_complete,
        )
        ordinary.body += cycle.request_body
        ordinary.more_body = False
        ordinary.message_event.set()
        current: object = self.cycle
        if current is cycle:
            self.cycle = ordinary
        self._start_asgi_task(ordinary, self.app)


class ShortCycle:
    """A request on the short road, with the parts of a cycle that uvicorn's protocol looks at."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "request_body", "response_complete", "scope")

    message_event = _NOBODY_WAITS

    def __init__(self, protocol: DirectHttp, body: bytes) -> None:
        self._protocol = protocol
        self.scope: Any = protocol.scope
        self.request_body = body
        self.keep_alive = protocol.parser.should_keep_alive()
        self.response_complete = False
        self.disconnected = False

    def deliver(self, reply: Reply | None) -> None:
        """Write the answer, or begin anew. Whoever has gone gets nothing."""
        protocol = self._protocol
        if self.disconnected or protocol.transport.is_closing():
            self.response_complete = True
            return
        if reply is None:
            protocol.begin_anew(self)
            return
        self.response_complete = True
        lines = [STATUS_LINE[reply.status]]
        lines += [b"%b: %b\r\n" % one for one in protocol.default_headers()]
        lines += (reply.head, b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n", *reply.body)
        protocol.transport.write(b"".join(lines))
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()
