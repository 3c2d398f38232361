"""The least of an HTTP/1.1 client: prepared requests over kept-alive connections, answers whole, nothing else.

Client and server share a machine here; a whole client library would take the server's processor time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


class ConnectionGone(ConnectionError):
    """The server closed the connection before the answer was whole."""


def post(path: str, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a POST with a JSON body."""
    text = json.dumps(body, ensure_ascii=False).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n{more}"
        f"Content-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


class Connection(asyncio.Protocol):
    """One connection, one request at a time. Open it with `connect`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiter: asyncio.Future[Answer] | None = None

    @classmethod
    async def connect(cls, port: int) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, request: bytes) -> Answer:
        """Send prepared bytes and wait for the whole answer. Raises ConnectionGone."""
        if self._transport is None:
            raise ConnectionGone
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = read_answer(self._received)
        if answer is not None:
            self._received.clear()
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionGone())


def read_answer(received: bytearray) -> Answer | None:
    """The answer, once all of it is there; one answer at a time."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    status, start = int(head[9:12]), end + 4
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        length = int(head[at + 17 :].split(b"\r\n", 1)[0])
        return Answer(status, bytes(received[start : start + length])) if len(received) >= start + length else None
    if b"\r\ntransfer-encoding: chunked" in head:
        body = _unchunk(received, start)
        return None if body is None else Answer(status, body)
    return Answer(status, b"")


def expected_bytes(received: bytearray, count: int) -> int | None:
    """How long an answer is that begins `received`, of which `count` bytes have come: head and body. None while the head does not tell."""
    end = received.find(b"\r\n\r\n", 0, count)
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    return None if at < 0 else end + 4 + int(head[at + 17 :].split(b"\r\n", 1)[0])


def _unchunk(received: bytearray, at: int) -> bytes | None:
    """The body in chunks, or None while the last one is missing."""
    parts: list[bytes] = []
    while True:
        line = received.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(bytes(received[at:line]).split(b";", 1)[0], 16)
        at = line + 2
        if len(received) < at + size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(bytes(received[at : at + size]))
        at += size + 2
