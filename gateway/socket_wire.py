"""WebSockets on the wire: uvicorn's own protocol, made lighter for thousands of open sockets that are mostly silent.

Its lines in the log are left out, because they hold the query string, and with it whatever somebody typed there (P9). What the handshake needed is
forgotten when it is over. A text frame is written as its few bytes, without the layers that could also fragment or compress it.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

_WHOLE_TEXT: Final = 0x81
_SHORT, _MEDIUM, _MEDIUM_BYTES = 126, 127, 1 << 16


class SocketWire(WebSocketsSansIOProtocol):
    """What uvicorn makes of an HTTP connection that is upgraded."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as the overridden method
        super().__init__(*args, **options)
        self.logger = self.conn.logger = _quiet
        self.conn.debug = False

    async def send(self, message: Any) -> None:  # noqa: ANN401 - one of ASGI's messages
        text = message.get("text") if message["type"] == "websocket.send" else None
        if text is None:
            was_complete = self.handshake_complete
            await super().send(message)
            if self.handshake_complete and not was_complete:
                self._forget_the_handshake()
            return
        await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(frame(text.encode()))

    def _forget_the_handshake(self) -> None:
        for name in ("request", "response"):
            self.__dict__.pop(name, None)


_quiet = logging.getLogger("gateway.socket_wire.uvicorn")
_quiet.setLevel(logging.WARNING)


def frame(payload: bytes) -> bytes:
    """One whole text frame as a server sends it."""
    size = len(payload)
    if size < _SHORT:
        return bytes((_WHOLE_TEXT, size)) + payload
    if size < _MEDIUM_BYTES:
        return bytes((_WHOLE_TEXT, _SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((_WHOLE_TEXT, _MEDIUM)) + size.to_bytes(8, "big") + payload
