"""Event streams: how long they last, and what keeps them alive.

Every subscription begins with the present state, so a client that lost its stream opens it anew and has missed nothing;
events therefore carry no ids, and a `Last-Event-ID` changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from strawberry.http.streaming import SSETransport

Item = TypeVar("Item")


def event_transport(keep_alive_s: float) -> type[SSETransport]:
    """Server-sent events with a comment this often, which proxies take for a sign of life."""

    class Transport(SSETransport):
        def __init__(self) -> None:
            super().__init__(keep_alive_s)

        # Any line ending is right in an event stream, but some clients (urql) look for this one only.
        def encode_event(self, event: str, data: str | None = None) -> str:
            return super().encode_event(event, data).replace("\r\n", "\n")

        def encode_comment(self, comment: str) -> str:
            return super().encode_comment(comment).replace("\r\n", "\n")

    return Transport


async def until(
    events: AsyncIterator[str], expires_at: datetime | None, clock: Callable[[], datetime], farewell: str
) -> AsyncGenerator[str, None]:
    """The events until the sign-in expires, then the farewell."""
    try:
        while True:
            # Each wait has its own timeout: one around the whole loop would cancel whoever reads us.
            left_s = None if expires_at is None else (expires_at - clock()).total_seconds()
            try:
                event = await asyncio.wait_for(anext(events), None if left_s is None else max(left_s, 0.0))
            except StopAsyncIteration:
                return
            except TimeoutError:
                yield farewell
                return
            yield event
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def done_at_once(doing: Coroutine[Any, Any, None]) -> bool:
    """Whether something could be done without waiting for anybody. If not, it is given up where it would have waited first."""
    try:
        doing.send(None)
    except StopIteration:
        return True
    doing.close()
    return False


async def with_first(first: Item | None, rest: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
    """A stream whose first item was taken already; None when it was empty."""
    try:
        if first is not None:
            yield first
            async for result in rest:
                yield result
    finally:
        await rest.aclose()
