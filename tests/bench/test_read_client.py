"""The readers of `bench read` look at every answer, in whatever pieces it comes, and end at the first that is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import repeat

import pytest

from bench.read.client import Readers
from bench.wire import expected_bytes

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
PLAIN = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":{}}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"data":{}}\r\n0\r\n\r\n'


@contextmanager
def _server(answer: bytes, piece_bytes: int) -> Iterator[tuple[int, list[int]]]:
    """A server that answers everything with the same; its port, and how often it answered."""
    answered: list[int] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while connection.recv(65_536):
                for at in range(0, len(answer), piece_bytes):
                    connection.sendall(answer[at : at + piece_bytes])
                answered.append(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], answered
        thread.join(10)


@pytest.mark.parametrize("answer", [PLAIN, CHUNKED], ids=["plain", "chunked"])
@pytest.mark.parametrize("piece_bytes", [1, 7, 45, 10_000])
def test_every_answer_is_counted_once_whatever_pieces_it_comes_in(answer: bytes, piece_bytes: int) -> None:
    with _server(answer, piece_bytes) as (port, answered), closing(Readers(port, 1, repeat(REQUEST))) as readers:
        latencies_ms = readers.read(0.05)
    assert len(latencies_ms) == len(answered) > 0
    assert min(latencies_ms) > 0


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN.replace(b"200 OK", b"503 Unavailable"),
        CHUNKED.replace(b"200 OK", b"503 Unavailable"),
        b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"errors":[]}',
    ],
)
def test_what_is_no_answer_ends_the_measurement(answer: bytes) -> None:
    with (
        _server(answer, 10_000) as (port, _),
        closing(Readers(port, 1, repeat(REQUEST))) as readers,
        pytest.raises(RuntimeError, match="not an answer"),
    ):
        readers.read(0.05)


def test_the_length_of_an_answer_is_known_from_its_head() -> None:
    for count in range(len(PLAIN)):
        known = expected_bytes(bytearray(PLAIN), count)
        assert known == (len(PLAIN) if count >= PLAIN.index(b"{") else None)
    assert expected_bytes(bytearray(CHUNKED), len(CHUNKED)) is None
