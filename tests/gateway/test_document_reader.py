"""Documents that nobody knows are read behind everybody else, once for all who ask, and paid by what they took."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

import pytest
from graphql import build_schema

from gateway.allowance import READING_AT_LEAST, Allowance
from gateway.document_reader import DocumentReader, _Share
from gateway.refusals import Code, Refusal
from gateway.settings import Rate, Settings
from schema.extensions.judging import Pause, no_pause
from schema.extensions.known_documents import KnownDocuments, Learned, digest_of

SCHEMA = build_schema("type Query { name: String }")
LONG = "{ " + " ".join(f"a{number}: name" for number in range(55)) + " }"
BURST = 20_000


class Counting(KnownDocuments):
    """Counts what it reads."""

    def __init__(self) -> None:
        super().__init__(SCHEMA)
        self.read: list[str] = []

    def learn(self, text: str, digest: bytes | None = None, pause: Pause = no_pause) -> Learned:
        self.read.append(text)
        return super().learn(text, digest, pause)


def _clock(step_s: float) -> Callable[[], float]:
    """A processor that has worked so much longer each time it is asked."""
    steps = count()
    return lambda: next(steps) * step_s


class Door:
    """A reader and what it works with."""

    def __init__(self, step_s: float = 0.000_01) -> None:
        self.known = Counting()
        self.allowance = Allowance(Settings(rate=Rate(BURST, 1)))
        self.reader = DocumentReader(self.known, self.allowance, processor_s=_clock(step_s))

    async def read(self, text: str, caller: str = "a") -> Learned:
        return await self.reader.read(caller, text, digest_of(text))

    def left(self, caller: str = "a") -> int:
        """What the caller may still spend."""
        buckets = self.allowance.buckets
        assert buckets is not None
        return next(left for left in range(BURST, -1, -10) if buckets.take(caller, left) == 0.0)


async def test_everybody_else_goes_first_while_a_document_is_read() -> None:
    door, others = Door(step_s=0.000_2), 0
    reading = asyncio.create_task(door.read(LONG))
    while not reading.done():
        others += 1
        await asyncio.sleep(0)
    assert reading.result().errors == ()
    assert others > 10


async def test_a_text_that_many_ask_for_at_once_is_read_and_paid_once() -> None:
    door = Door(step_s=0.001)
    learned = await asyncio.gather(*(door.read("{ name }", caller) for caller in "abcdef"))
    assert all(one is learned[0] for one in learned)
    assert door.known.read == ["{ name }"]
    assert door.left("a") < BURST
    assert door.left("b") == BURST


async def test_reading_is_paid_by_what_it_took() -> None:
    cheap, dear = Door(step_s=0.0), Door(step_s=0.000_5)
    await cheap.read(LONG)
    await dear.read(LONG)
    assert cheap.left() == BURST
    assert BURST - dear.left() > 2 * (READING_AT_LEAST + len(LONG))


async def test_one_caller_cannot_fill_the_line() -> None:
    door = Door(step_s=0.000_2)
    greedy = [asyncio.create_task(door.read(f"{LONG} # {number}")) for number in range(8)]
    other = asyncio.create_task(door.read(LONG, "b"))
    ended = await asyncio.gather(*greedy, return_exceptions=True)
    refused = [one for one in ended if isinstance(one, Refusal)]
    assert [one.code for one in refused] == [Code.TOO_MANY_REQUESTS] * 4
    assert {one.headers["retry-after"] for one in refused} == {"1"}
    assert (await other).errors == ()


async def test_a_full_line_is_told_when_to_come_again_and_empties() -> None:
    door = Door(step_s=0.000_02)
    asking = [asyncio.create_task(door.read(f"{{ name }} # {number}", str(number))) for number in range(40)]
    ended = await asyncio.gather(*asking, return_exceptions=True)
    refused = [one for one in ended if isinstance(one, Refusal)]
    assert len(refused) == 8
    assert {(one.code, one.headers["retry-after"]) for one in refused} == {(Code.UNAVAILABLE, "2")}
    assert (await door.read("{ name }", "late")).errors == ()


async def test_who_leaves_while_waiting_leaves_nothing_behind() -> None:
    door = Door(step_s=0.000_2)
    first, second = asyncio.create_task(door.read(LONG)), asyncio.create_task(door.read(LONG, "b"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(Refusal) as told:
        await second
    assert told.value.code is Code.UNAVAILABLE
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await door.read(LONG)).errors == ()


def test_reading_has_a_share_of_the_time_and_waits_for_what_it_took_too_much() -> None:
    now = [100.0]
    share = _Share(lambda: now[0])
    assert share.wait_s() == 0.0
    share.use(0.03)
    assert share.wait_s() == 0.0
    share.use(0.015)
    assert share.wait_s() == pytest.approx(0.1)
    now[0] += 0.1
    assert share.wait_s() == pytest.approx(0.0, abs=1e-9)
    now[0] += 1000.0
    assert share.wait_s() == 0.0
    share.use(0.06)
    assert share.wait_s() == pytest.approx(0.2)
