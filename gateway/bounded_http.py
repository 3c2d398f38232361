"""uvicorn's httptools protocol with a bound on the head of a request. Import it only where httptools is installed; see `gateway.wire`."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.wire import HEAD_S, MOST_HEAD_BYTES


class BoundedHttp(HttpToolsProtocol):
    """Counts what is not a body, and times what is not finished."""

    _loose_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._loose_bytes += len(data)
        super().data_received(data)
        if not self._loose_bytes or self.transport.is_closing():
            return
        if self._loose_bytes <= MOST_HEAD_BYTES:
            if self._head_timer is None:
                self._await_head()
        elif self.cycle is None or self.cycle.response_complete:
            self.send_400_response("The head of the request is too long.")
        else:
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        self._head_is_whole()
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head_is_whole()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_is_whole()
        super().on_message_complete()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def _head_is_whole(self) -> None:
        self._loose_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
