"""How a gateway leaves: who asks is told first, nothing new begins, what runs may end, and long streams are ended in words their clients understand.

A subscription has no end of its own, so it is ended for it: a WebSocket is closed with 1001, upon which clients connect again, elsewhere; an event
stream gets its `complete`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final, Protocol

from gateway.refusals import Code, Refusal

GOING_AWAY: Final = 1001
_SOCKET_OPERATIONS_S: Final = 1.0


class OpenSocket(Protocol):
    """A WebSocket with operations on it."""

    def running(self) -> list[asyncio.Task[None]]:
        """The operations under way, subscriptions included."""
        ...

    async def close(self, code: int, reason: str) -> None: ...


class Feed(Protocol):
    """What subscriptions wait for; they end when it is closed."""

    async def close(self) -> None: ...


class Leaving:
    """One process's way out. `begun` is True from the first sign on."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._sockets: set[OpenSocket] = set()
        self.begun = False

    @property
    def socket_count(self) -> int:
        """How many WebSockets are open in this process."""
        return len(self._sockets)

    @contextlib.contextmanager
    def socket(self, socket: OpenSocket) -> Iterator[None]:
        """While the block lasts, the socket is open and will be told."""
        self._sockets.add(socket)
        try:
            yield
        finally:
            self._sockets.discard(socket)

    def begin(self) -> None:
        self.begun = True

    def refuse(self) -> None:
        """Nothing long begins any more. Raises Refusal once it has begun."""
        if self.begun:
            raise Refusal(
                503,
                Code.UNAVAILABLE,
                "Шлюз перезапускается. Подключитесь снова.",
                "The gateway is leaving. Connect again.",
                {"retry-after": "1"},
            )

    async def end_streams(self) -> None:
        """Close every socket after its short operations, then let the event streams complete."""
        self.begun = True
        await asyncio.gather(*(self._close(socket) for socket in list(self._sockets)))
        await self._feed.close()

    async def _close(self, socket: OpenSocket) -> None:
        running = socket.running()
        if running:
            # Nobody can tell a query from a subscription here; a query is done within the second.
            await asyncio.wait(running, timeout=_SOCKET_OPERATIONS_S)
        with contextlib.suppress(RuntimeError, OSError):  # it went by itself
            await socket.close(GOING_AWAY, "The gateway is leaving. Connect again.")
