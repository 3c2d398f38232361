"""A TCP server that says exactly what a test tells it to, byte for byte, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Answer = Callable[["Caller"], Awaitable[None]]


class Caller:
    """One request on one connection. `number` counts the requests of the whole server, from 1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, request: bytes) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        self.request = request

    @property
    def path(self) -> str:
        return self.request.split(b" ", 2)[1].decode("ascii")

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def reply(self, body: bytes, status: str = "200 OK", headers: str = "") -> None:
        await self.say(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def reset(self) -> None:
        """Close with a TCP reset instead of an orderly end."""
        self.writer.transport.abort()


class RawServer:
    """Listens on 127.0.0.1; `requests` are the bytes of every request that came whole."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.scheme = "http"
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while not writer.transport.is_closing():
                request = await _read_request(reader)
                self.requests.append(request)
                await self._answer(Caller(reader, writer, len(self.requests), request))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()
            self._tasks.discard(task)

    async def end_connections(self) -> None:
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head


@asynccontextmanager
async def raw_server(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """A server that answers every request with `answer`."""
    raw = RawServer(answer)
    raw.scheme = "http" if tls is None else "https"
    listening = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
    raw.port = listening.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        listening.close()
        await raw.end_connections()
        await listening.wait_closed()


def replying(body: bytes, status: str = "200 OK", headers: str = "") -> Answer:
    """Always the same reply."""

    async def answer(caller: Caller) -> None:
        await caller.reply(body, status, headers)

    return answer
