"""Reads documents that nobody here knows yet, behind everybody whose documents are known.

Parsing and judging a text is the dearest thing a stranger can ask of the door. So it is done one text at a time, in
slices of a fraction of a millisecond between which everybody else goes first, in a bounded share of the process's time,
and paid by what it really took. Whoever asks for more is told when to try again.

A text is read in a greenlet of its own: the reading (`schema.extensions.judging`) calls `pause` every few tokens and
nodes, and once a slice is used up that call comes back only when it is this text's turn again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from greenlet import greenlet  # type: ignore[import-untyped]

from gateway.allowance import Allowance, too_many
from gateway.refusals import Code, Refusal
from schema.extensions.judging import Pause
from schema.extensions.known_documents import KnownDocuments, Learned

_SLICE_S: Final = 0.0003
_SHARE: Final = 0.15
"""Of the process's time; what is not used is saved up to `_SAVED_S`."""
_SAVED_S: Final = 0.03
_MOST_WAITING: Final = 32
_MOST_OF_ONE_CALLER: Final = 4
_WAITS_S: Final = 5.0


class DocumentReader:
    """One for each schema that a door serves."""

    def __init__(
        self,
        known: KnownDocuments,
        allowance: Allowance,
        *,
        processor_s: Callable[[], float] = time.thread_time,
    ) -> None:
        """`processor_s` tells the processor time of the calling thread."""
        self._known = known
        self._allowance = allowance
        self._processor_s = processor_s
        self._turn = asyncio.Lock()
        self._share = _Share(time.monotonic)
        self._under_way: dict[bytes, asyncio.Future[Learned]] = {}
        self._waiting: Counter[str] = Counter()

    async def read(self, caller: str, text: str, digest: bytes) -> Learned:
        """What there is to know about a text. Raises Refusal (429 or 503): the caller, or everybody, wants too much read at once."""
        under_way = self._under_way.get(digest)
        if under_way is not None:
            return await asyncio.shield(under_way)
        self._refuse(caller)
        foretold = self._allowance.charge_reading(caller, text)
        future: asyncio.Future[Learned] = asyncio.get_running_loop().create_future()
        self._under_way[digest] = future
        self._waiting[caller] += 1
        try:
            learned, spent_s = await self._in_turn(text, digest)
        except BaseException as error:
            # Whoever waited for the same text is told the same; one who was cancelled leaves them to try again.
            future.set_exception(error if isinstance(error, Refusal) else _later())
            future.exception()  # nobody may have waited
            raise
        else:
            future.set_result(learned)
        finally:
            del self._under_way[digest]
            self._waiting[caller] -= 1
            if not self._waiting[caller]:
                del self._waiting[caller]
        self._allowance.settle_reading(caller, foretold, spent_s)
        return learned

    def _refuse(self, caller: str) -> None:
        if self._waiting[caller] >= _MOST_OF_ONE_CALLER:
            raise too_many(1.0)
        if self._waiting.total() >= _MOST_WAITING:
            raise _later()

    async def _in_turn(self, text: str, digest: bytes) -> tuple[Learned, float]:
        """What was learned, and the processor time it took."""
        spent_s = 0.0
        try:
            async with asyncio.timeout(_WAITS_S), self._turn:
                reading = _Reading(lambda pause: self._known.learn(text, digest, pause), self._processor_s)
                while reading.learned is None:
                    await asyncio.sleep(self._share.wait_s())
                    slice_s = reading.go_on()
                    self._share.use(slice_s)
                    spent_s += slice_s
        except TimeoutError:
            raise _later() from None
        return reading.learned, spent_s


class _Reading:
    """One text being read, a slice at a time."""

    def __init__(self, learn: Callable[[Pause], Learned], processor_s: Callable[[], float]) -> None:
        self.learned: Learned | None = None
        self._processor_s = processor_s
        self._began_s = 0.0
        self._greenlet: Any = greenlet(self._run)
        self._learn = learn

    def go_on(self) -> float:
        """One slice; the processor time it took."""
        self._began_s = self._processor_s()
        self._greenlet.switch()
        return self._processor_s() - self._began_s

    def _run(self) -> None:
        self.learned = self._learn(self._pause)

    def _pause(self) -> None:
        if self._processor_s() - self._began_s >= _SLICE_S:
            self._greenlet.parent.switch()


@dataclass(slots=True)
class _Share:
    """How much of the process's time reading may take. Seconds that were used too many are waited for."""

    clock: Callable[[], float]
    saved_s: float = _SAVED_S
    seen_s: float = -math.inf

    def wait_s(self) -> float:
        """How long to wait before the next slice; 0.0 when there is time for it."""
        now_s = self.clock()
        self.saved_s = min(_SAVED_S, self.saved_s + (now_s - self.seen_s) * _SHARE)
        self.seen_s = now_s
        return 0.0 if self.saved_s >= 0 else -self.saved_s / _SHARE

    def use(self, seconds: float) -> None:
        self.saved_s -= seconds


def _later() -> Refusal:
    return Refusal(
        503,
        Code.UNAVAILABLE,
        "Сейчас приходит слишком много новых документов. Повторите через несколько секунд.",
        "Too many documents that are not known here come at once. Try again in a few seconds.",
        {"retry-after": "2"},
    )
