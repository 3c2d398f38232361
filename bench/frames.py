"""The least of a WebSocket client: text frames out (masked with nothing, as the protocol allows) and in, pings answered, nothing else."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_SHORT, _MEDIUM = 126, 127


def frame(payload: bytes, kind: int = _TEXT) -> bytes:
    """One whole frame as a client sends it."""
    size = len(payload)
    if size < _SHORT:
        head = bytes((0x80 | kind, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | kind, 0x80 | _SHORT)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, 0x80 | _MEDIUM)) + size.to_bytes(8, "big")
    # Four zeros are a mask: the payload stays as it is.
    return head + bytes(4) + payload


def upgrade(path: str, host: str = "127.0.0.1") -> bytes:
    """The request that opens a socket for GraphQL."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ).encode()


class Socket(asyncio.Protocol):
    """One socket. `heard` gets the payload of each text frame; `closed` completes with why it is over."""

    def __init__(self, heard: Callable[[Socket, bytes], None], path: str = "/graphql") -> None:
        self._heard = heard
        self._path = path
        self._received = bytearray()
        self._is_open = False
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def say(self, payload: bytes) -> None:
        self.write(frame(payload))

    def write(self, data: bytes) -> None:
        """Any bytes; none once the socket is over."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def opened(self) -> None:
        """Called when the server has agreed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport
        transport.write(upgrade(self._path))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open and not self._read_head():
            return
        while (taken := self._read_frame()) is not None:
            kind, payload = taken
            if kind == _TEXT:
                self._heard(self, payload)
            elif kind == _PING:
                self.write(frame(payload, _PONG))
            elif kind == _CLOSE:
                self._end(f"closed {int.from_bytes(payload[:2], 'big')} {payload[2:].decode(errors='replace')}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end("lost")

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._received[:end])
        del self._received[: end + 4]
        if not head.startswith(b"HTTP/1.1 101"):
            self._end(f"refused: {head[:200].decode(errors='replace')}")
            return False
        self._is_open = True
        self.opened()
        return True

    def _read_frame(self) -> tuple[int, bytes] | None:
        received = self._received
        if len(received) < 2:
            return None
        size, at = received[1] & 0x7F, 2
        wide = {_SHORT: 2, _MEDIUM: 8}.get(size, 0)
        if wide:
            if len(received) < at + wide:
                return None
            size, at = int.from_bytes(received[at : at + wide], "big"), at + wide
        if len(received) < at + size:
            return None
        kind, payload = received[0] & 0x0F, bytes(received[at : at + size])
        del received[: at + size]
        return kind, payload

    def _end(self, why: str) -> None:
        if not self.closed.done():
            self.closed.set_result(why)
