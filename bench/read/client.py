"""Partner: readers at a portal. Sends prepared requests over kept-alive connections for some seconds and measures how long each answer takes.

It shares the cores with the servers it measures, so it is as light as it can be and still look at every answer: sockets and epoll alone, one buffer,
and of an answer its status, its length and whether it begins with errors. All contestants meet the same one.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from bench.partner import serve
from bench.read.requests import read_requests
from bench.wire import expected_bytes, read_answer

_BUFFER_BYTES: Final = 1024 * 1024
_LOOKED_AT_BYTES: Final = 2_000
_SILENT_S: Final = 120.0
"""So long nobody has answered: the measurement has failed."""


async def work(wish: dict[str, Any]) -> dict[str, Any]:
    """Ask the server on `port` with the requests in the file `requests`, `connections` at a time, for `seconds`.

    Gives the latencies in ms and the seconds that passed until the last answer. Raises RuntimeError at the first answer that is none.
    """
    requests = cycle(_prepared(str(wish["requests"])))
    began_at = time.perf_counter()
    with closing(Readers(int(wish["port"]), int(wish["connections"]), requests)) as readers:
        latencies_ms = readers.read(float(wish["seconds"]))
    return {"elapsed_s": time.perf_counter() - began_at, "latencies_ms": latencies_ms}


@cache
def _prepared(path: str) -> Sequence[bytes]:
    return read_requests(Path(path))


class _Reader:
    """One connection with one request under way."""

    __slots__ = ("began_at", "missing", "received", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began_at = 0.0
        self.missing = 0
        """Bytes of an answer of known length that have yet to come."""
        self.received = bytearray()
        """What came of an answer whose length is not known yet."""

    def ask(self, request: bytes, now: float) -> None:
        self.began_at = now
        self.socket.sendall(request)


class Readers:
    """All connections, served by one thread that blocks: nothing else runs in this process."""

    def __init__(self, port: int, connections: int, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self._buffer = bytearray(_BUFFER_BYTES)
        self._epoll = select.epoll()
        self._readers: dict[int, _Reader] = {}
        for _ in range(connections):
            reader = _Reader(port)
            self._readers[reader.socket.fileno()] = reader
            self._epoll.register(reader.socket.fileno(), select.EPOLLIN)

    def read(self, seconds: float) -> list[float]:
        """Ask until the time is over and all have their last answer; the latencies in ms. Raises RuntimeError."""
        latencies_ms: list[float] = []
        clock = time.perf_counter
        ends_at = clock() + seconds
        for reader in self._readers.values():
            reader.ask(next(self._requests), clock())
        while self._readers:
            ready = self._epoll.poll(_SILENT_S)
            if not ready:
                message = "the server is silent"
                raise RuntimeError(message)
            for number, _ in ready:
                reader = self._readers[number]
                if not self._is_answered(reader):
                    continue
                now = clock()
                latencies_ms.append((now - reader.began_at) * 1000)
                if now < ends_at:
                    reader.ask(next(self._requests), now)
                else:
                    self._epoll.unregister(number)
                    self._readers.pop(number).socket.close()
        return latencies_ms

    def close(self) -> None:
        """Close what is open."""
        for reader in self._readers.values():
            reader.socket.close()
        self._readers.clear()
        self._epoll.close()

    def _is_answered(self, reader: _Reader) -> bool:
        """Take in what has come; whether the answer is whole."""
        count = reader.socket.recv_into(self._buffer)
        if not count:
            message = "the server closed the connection"
            raise RuntimeError(message)
        if reader.missing:
            reader.missing -= count
            return not reader.missing
        if reader.received:
            reader.received += memoryview(self._buffer)[:count]
            return self._is_whole(reader)
        expected = expected_bytes(self._buffer, count)
        if expected is None:
            reader.received += memoryview(self._buffer)[:count]
            return self._is_whole(reader)
        _check(int(self._buffer[9:12]), self._buffer, min(count, _LOOKED_AT_BYTES))
        reader.missing = expected - count
        return not reader.missing

    def _is_whole(self, reader: _Reader) -> bool:
        """The slow way, for a head in pieces and a body in chunks."""
        answer = read_answer(reader.received)
        if answer is None:
            return False
        _check(answer.status, answer.body, _LOOKED_AT_BYTES)
        reader.received.clear()
        return True


def _check(status: int, text: bytes | bytearray, looked_at_bytes: int) -> None:
    if status != 200 or text.find(b'"errors":[', 0, looked_at_bytes) >= 0:
        message = f"not an answer: {status} {bytes(text[:looked_at_bytes]).decode(errors='replace')}"
        raise RuntimeError(message)


if __name__ == "__main__":
    serve(work)
