"""Keeps what one login brought: one login at a time however many calls wait, renewed before it runs out.

Everything that goes wrong here is NotSent: the agency was never asked to act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from connectors.base import NotSent


@dataclass(frozen=True, slots=True)
class Session:
    """What a login brought, and until when (loop time) it is good."""

    token: str = field(repr=False)
    good_until: float
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


class Kept:
    """The session of one connection."""

    def __init__(self, log_in: Callable[[], Awaitable[Session]]) -> None:
        """`log_in` brings a new session or raises NotSent. Nothing is asked for until the first session is wanted."""
        self._log_in = log_in
        self._session: Session | None = None
        self._running: asyncio.Task[Session] | None = None

    async def session(self, deadline: float) -> Session:
        """A session that still lives. Waits for a login until `deadline` (loop time) at the longest. Raises NotSent."""
        loop = asyncio.get_running_loop()
        if self._session is not None and loop.time() < self._session.good_until:
            return self._session
        if self._running is None:
            self._running = loop.create_task(self._renew())
            self._running.add_done_callback(self._finished)
        try:
            async with asyncio.timeout_at(deadline):
                # Shielded: a caller who gives up does not take the login away from those who still wait.
                return await asyncio.shield(self._running)
        except TimeoutError as error:
            raise NotSent("the login did not finish in time (timeout)") from error
        except NotSent as error:
            # A fresh error for each caller: the one login may have failed many of them at once.
            raise NotSent(error.text, status=error.status) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Not this caller was cancelled but the login itself, by `close`.
            raise NotSent("the connector was closed during the login") from None

    def refused(self, session: Session) -> None:
        """The agency did not take this session: forget it, unless it was replaced meanwhile."""
        if session is self._session:
            self._session = None

    async def close(self) -> None:
        """End a login under way."""
        if self._running is not None:
            self._running.cancel()

    async def _renew(self) -> Session:
        self._session = await self._log_in()
        return self._session

    def _finished(self, task: asyncio.Task[Session]) -> None:
        self._running = None
        if not task.cancelled():
            # Asked for here, so that a failure nobody waits for any more is not reported as forgotten.
            task.exception()


def good_until(asked_at: float, life_s: float, margin_s: float) -> float:
    """Until when a session is used: `margin_s` before it runs out, but at least half of its life."""
    return asked_at + max(life_s - margin_s, life_s / 2)
