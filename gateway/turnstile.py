"""How many operations a process works on at once. More wait for their turn, a bounded number of them and a bounded time; the rest are told at once
when to come again, which costs less than letting everybody wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from gateway.refusals import Code, Refusal


class Turnstile:
    """Lets `at_once` through; `waiting` more may stand in line for `turn_s`."""

    def __init__(self, at_once: int, waiting: int, turn_s: float) -> None:
        self._free = at_once
        self._most_waiting = waiting
        self._turn_s = turn_s
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a turn for the time of the block. Raises Refusal (503)."""
        if not self.take():
            await self._wait()
        try:
            yield
        finally:
            self.give_back()

    def take(self) -> bool:
        """Take a turn if one is free and nobody waits for it; whoever took one gives it back."""
        if not self._free or self._line:
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        """A turn goes to whoever has waited longest."""
        while self._line:
            first = self._line.popleft()
            if not first.done():
                first.set_result(None)
                return
        self._free += 1

    async def _wait(self) -> None:
        if self.waiting >= self._most_waiting:
            raise _full()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._line.append(turn)
        timer = loop.call_later(self._turn_s, _send_away, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give_back()  # it came in the moment of leaving
            raise
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._line.remove(turn)


def _send_away(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(_full())


def _full() -> Refusal:
    return Refusal(
        503,
        Code.UNAVAILABLE,
        "Сейчас слишком много запросов сразу. Повторите через несколько секунд.",
        "Too many requests are at work now. Try again in a few seconds.",
        {"retry-after": "2"},
    )


def too_slow() -> Refusal:
    """For an operation that met its deadline."""
    return Refusal(
        503,
        Code.UNAVAILABLE,
        "Запрос выполнялся слишком долго и остановлен. Попросите меньше полей или повторите позже.",
        "The operation took too long and was stopped. Ask for fewer fields or try again later.",
        {"retry-after": "5"},
    )
