"""The clients of the measurements read answers and frames as they come, in whatever pieces."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.frames import Socket, frame
from bench.read.requests import read_requests, write_requests
from bench.wire import Answer, post, read_answer

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n"


@pytest.mark.parametrize(("whole", "status"), [(PLAIN, 200), (CHUNKED, 404)])
def test_an_answer_is_read_once_its_last_byte_is_there(whole: bytes, status: int) -> None:
    for length in range(len(whole)):
        assert read_answer(bytearray(whole[:length])) is None
    assert read_answer(bytearray(whole)) == Answer(status, b"hello")


def test_a_post_says_how_long_its_body_is_in_bytes() -> None:
    head, _, body = post("/graphql", {"query": "почта"}, {"X-A": "b"}).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"X-A: b" in head


def test_prepared_requests_come_back_as_they_were_written(tmp_path: Path) -> None:
    requests = [b"", b"one", b"\x00" * 70_000]
    write_requests(tmp_path / "requests", requests)
    assert read_requests(tmp_path / "requests") == requests


def test_a_cut_file_of_requests_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "requests"
    write_requests(path, [b"whole"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut off"):
        read_requests(path)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
async def test_frames_of_every_length_are_heard_whatever_pieces_they_come_in(size: int) -> None:
    heard: list[bytes] = []
    socket = Socket(lambda _, payload: heard.append(payload))
    sent = frame(b"x" * size)
    # What a server sends is not masked: without the bit and the four bytes.
    head_bytes = len(sent) - size - 4
    served = bytes((sent[0], sent[1] & 0x7F)) + sent[2:head_bytes] + sent[head_bytes + 4 :]
    wire = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + served + served
    for at in range(0, len(wire), 997):
        socket.data_received(wire[at : at + 997])
    assert [len(payload) for payload in heard] == [size, size]


async def test_a_refused_socket_says_why() -> None:
    socket = Socket(lambda _, payload: None)
    socket.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    async with asyncio.timeout(1):
        assert "403" in await socket.closed
