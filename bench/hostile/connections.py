"""Attacks by connections: bytes that come slowly or never, and sockets that speak nonsense or nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable

from bench.frames import Socket, frame

_SLOW_CONNECTIONS = 200
_BYTE_EVERY_S = 0.5
_SOCKETS_PER_S = 20.0
_NONSENSE = (
    b"[]",
    b'"x"',
    b"null",
    b"{",
    b'{"type": 1}',
    b'{"type": "subscribe", "id": {}, "payload": []}',
    b"\xff\xfe",
)
_RAW = (
    b"\x81\x05hello",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x82\x80\x00\x00\x00\x00",
    b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
)
"""Frames that are none: not masked, with reserved bits, binary, of two to the sixty-third bytes."""

Attack = Callable[[int, float], Awaitable[Counter[str]]]
"""Of a port, for so many seconds; what came of it, by name."""


async def slow_bodies(port: int, seconds: float) -> Counter[str]:
    """Many connections that announce a body and bring it byte by byte."""
    head = (
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    return await _drip(port, seconds, head, b" ")


async def slow_heads(port: int, seconds: float) -> Counter[str]:
    """The same before the end of the head."""
    return await _drip(port, seconds, b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Pad: ", b"x")


async def _drip(port: int, seconds: float, head: bytes, drop: bytes) -> Counter[str]:
    ends_at = asyncio.get_running_loop().time() + seconds
    seen: Counter[str] = Counter()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        seen["opened"] += 1
        try:
            while asyncio.get_running_loop().time() < ends_at:
                writer.write(drop)
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_BYTE_EVERY_S):
                        line = await reader.readline()
                        seen[line.decode(errors="replace").strip() or "closed by the server"] += 1
                        return
        except ConnectionError:
            seen["closed by the server"] += 1
        finally:
            writer.close()

    await asyncio.gather(*(one() for _ in range(_SLOW_CONNECTIONS)))
    return seen


async def malformed_frames(port: int, seconds: float) -> Counter[str]:
    """A new socket for each piece of nonsense."""
    frames = [*(frame(text) for text in _NONSENSE), *_RAW]
    return await _sockets(port, seconds, frames)


async def silent_sockets(port: int, seconds: float) -> Counter[str]:
    """Sockets that never say who they are, kept open for as long as the server allows."""
    return await _sockets(port, seconds, [b""])


async def _sockets(port: int, seconds: float, frames: list[bytes]) -> Counter[str]:
    loop = asyncio.get_running_loop()
    began_at, opened = loop.time(), list[_Rude]()
    while (elapsed_s := loop.time() - began_at) < seconds:
        if len(opened) < elapsed_s * _SOCKETS_PER_S:
            rude = _Rude(frames[len(opened) % len(frames)])
            with contextlib.suppress(OSError):
                await loop.create_connection(lambda made=rude: made, "127.0.0.1", port)  # type: ignore[misc]  # a default of a lambda
            opened.append(rude)
        else:
            await asyncio.sleep(0.5 / _SOCKETS_PER_S)
    seen = Counter(one.closed.result() if one.closed.done() else "still open" for one in opened)
    for one in opened:
        one.close()
    return seen


class _Rude(Socket):
    """Says one thing, whatever it is."""

    def __init__(self, says: bytes) -> None:
        super().__init__(lambda socket, payload: None)
        self._says = says

    def opened(self) -> None:
        self.write(self._says)


CONNECTIONS: dict[str, Attack] = {
    "slow bodies": slow_bodies,
    "slow heads": slow_heads,
    "malformed frames": malformed_frames,
    "silent sockets": silent_sockets,
}
"""By name."""
