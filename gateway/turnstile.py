"""How many operations a process works on at once. More wait for their turn, a bounded number of them and a bounded time; the rest are told at once
when to come again, which costs less than letting everybody wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.refusals import Code, Refusal


class Turnstile:
    """Lets `at_once` through; `waiting` more may stand in line for `turn_s`."""

    def __init__(self, at_once: int, waiting: int, turn_s: float) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._turn_s = turn_s
        self.waiting = 0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a turn for the time of the block. Raises Refusal (503)."""
        if self._turns.locked():
            await self._wait()
        else:
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    async def _wait(self) -> None:
        if self.waiting >= self._most_waiting:
            raise _full()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._turn_s):
                await self._turns.acquire()
        except TimeoutError:
            raise _full() from None
        finally:
            self.waiting -= 1


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
