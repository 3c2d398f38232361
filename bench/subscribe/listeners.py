"""Partner: people who follow messages. Opens sockets with one subscription each, and notes when frames arrive.

Moments are of the monotonic clock, which is one for all processes of a machine: the moment of a commit elsewhere can be taken from them.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.frames import Socket
from bench.partner import serve

DOCUMENT = Path(__file__).with_name("follow.graphql")
_AT_ONCE = 100
_OPEN_WITHIN_S = 60.0
_REFERENCE = re.compile(rb'"reference"\s*:\s*"([\d-]+)"')


@dataclass(slots=True)
class _Listeners:
    """All sockets of this process."""

    sockets: list[Socket] = field(default_factory=list)
    arrived: list[tuple[str, float]] = field(default_factory=list)
    """Number of the message and moment of each frame since the last question."""

    async def work(self, wish: dict[str, Any]) -> dict[str, Any]:
        """`open`: open sockets for `follows`. `heard`: how many frames came. `frames`: what came since the last time, and forget it."""
        if wish["do"] == "open":
            return await self._open(wish)
        if wish["do"] == "heard":
            return {"heard": len(self.arrived)}
        frames, self.arrived = self.arrived, []
        lost = [socket.closed.result() for socket in self.sockets if socket.closed.done()]
        return {"frames": frames, "lost": lost[:5], "lost_count": len(lost)}

    async def _open(self, wish: dict[str, Any]) -> dict[str, Any]:
        gate = asyncio.Semaphore(_AT_ONCE)
        began_at = time.perf_counter()

        async def follow(one: dict[str, str]) -> None:
            async with gate:
                await self._follow(int(wish["port"]), str(wish["address"]), one)

        async with asyncio.TaskGroup() as group:
            for one in wish["follows"]:
                group.create_task(follow(one))
        self.arrived.clear()
        return {"open": len(self.sockets), "seconds": time.perf_counter() - began_at}

    async def _follow(self, port: int, address: str, one: dict[str, str]) -> None:
        """One socket, from its opening to its first frame: the message as it stands."""
        loop, text = asyncio.get_running_loop(), DOCUMENT.read_text(encoding="utf-8")
        first: asyncio.Future[None] = loop.create_future()

        def heard(socket: Socket, payload: bytes) -> None:
            found = _REFERENCE.search(payload)
            if found is not None:
                self.arrived.append((found[1].decode(), time.monotonic()))
                if not first.done():
                    first.set_result(None)
            elif b"connection_ack" in payload:
                subscribe = {"query": text, "variables": {"reference": one["reference"]}}
                socket.say(json.dumps({"id": "1", "type": "subscribe", "payload": subscribe}).encode())
            elif not first.done():
                first.set_exception(RuntimeError(f"not a subscription: {payload.decode(errors='replace')[:500]}"))

        made = _Opening(heard, one["token"])
        await loop.create_connection(lambda: made, "127.0.0.1", port, local_addr=(address, 0))
        async with asyncio.timeout(_OPEN_WITHIN_S):
            opened_or_closed: set[asyncio.Future[Any]] = {first, made.closed}
            await asyncio.wait(opened_or_closed, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            raise RuntimeError(f"a socket did not open: {made.closed.result()}")
        first.result()
        self.sockets.append(made)


class _Opening(Socket):
    """Says who it is as soon as it may."""

    def __init__(self, heard: Any, token: str) -> None:  # noqa: ANN401 - as in Socket
        super().__init__(heard)
        self._token = token

    def opened(self) -> None:
        payload = {"authorization": f"Bearer {self._token}"}
        self.say(json.dumps({"type": "connection_init", "payload": payload}).encode())


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    serve(_Listeners().work)
