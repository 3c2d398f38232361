"""Thousands of open subscriptions on one gateway process: what each takes in memory, and how long from a commit to the frame.

`python -m bench subscribe`. The gateway is `okno serve` in production mode; the listeners are processes of their own; changes are written by a third.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import psutil
import psycopg

from bench.figures import Figures, Watch, as_json, machine, percentile
from bench.partner import Process, running
from bench.read.contestants import free_port, until_ready
from bench.read.kept import Kept, open_kept
from bench.read.keys import TEST_CITIZENS, person_key
from bench.subscribe.changes import change_at_once, change_one_by_one, delays_ms, in_words
from bench.subscribe.listeners import DOCUMENT
from store.unit import Database

_LISTENERS = 2
_SETTLE_S = 3.0
_SILENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Size:
    """`subscriptions` in all; `single` changes one by one, `every_s`; then `burst` changes in one transaction."""

    messages: int = 20_000
    subscriptions: int = 10_000
    single: int = 200
    every_s: float = 0.05
    burst: int = 1_000


@dataclass(slots=True)
class _Under:
    """What a measurement has open."""

    kept: Kept
    gateway: Process
    listeners: list[Process]
    database: Database
    port: int

    async def frames(self, expected: int) -> list[tuple[str, float]]:
        """Frames as they came, once there are as many as expected or none has come for `_SILENCE_S`."""
        heard, since = 0, time.monotonic()
        while heard < expected and time.monotonic() - since < _SILENCE_S:
            await asyncio.sleep(0.2)
            now = sum([int((await one.ask({"do": "heard"}))["heard"]) for one in self.listeners])
            if now > heard:
                heard, since = now, time.monotonic()
        answers = [await one.ask({"do": "frames"}) for one in self.listeners]
        lost = sum(int(answer["lost_count"]) for answer in answers)
        if lost:
            raise RuntimeError(f"{lost} sockets were closed: {[answer['lost'] for answer in answers]}")
        return [(str(reference), float(at)) for answer in answers for reference, at in answer["frames"]]


async def run(kept: Kept, size: Size) -> tuple[Figures, list[str]]:
    """Figures by name, and the same in words."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < size.subscriptions + 500:
        sys.exit(
            f"{size.subscriptions} sockets need as many files: raise `ulimit -Hn` (now {hard}) or give --subscriptions."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    messages = _messages(kept)
    async with AsyncExitStack() as stack:
        under = await _open(stack, kept)
        return await _measure(under, size, messages)


async def _open(stack: AsyncExitStack, kept: Kept) -> _Under:
    port = free_port()
    documents = kept.folder / "subscriptions"
    documents.mkdir(exist_ok=True)
    (documents / DOCUMENT.name).write_bytes(DOCUMENT.read_bytes())
    more = {"OKNO_PORT": str(port), "OKNO_TRUSTED_DOCUMENTS": str(documents)}
    environment = kept.environment(more)
    log = kept.log("gateway")
    log.unlink(missing_ok=True)
    gateway = await stack.enter_async_context(running(["-m", "cli.main", "serve"], environment, log))
    await until_ready(gateway, port)
    listeners = [
        await stack.enter_async_context(
            running(["-m", "bench.subscribe.listeners"], environment, kept.log("listeners"), partner=True)
        )
        for _ in range(_LISTENERS)
    ]
    database = Database(kept.server.url, application="okno bench")
    stack.push_async_callback(database.close)
    await database.open()
    return _Under(kept, gateway, listeners, database, port)


async def _measure(under: _Under, size: Size, messages: dict[str, tuple[int, UUID]]) -> tuple[Figures, list[str]]:
    references = list(messages)
    followers = [references[number % len(references)] for number in range(size.subscriptions)]
    opening = await _open_all(under, followers, messages)
    single = {reference: messages[reference][1] for reference in references[: size.single]}
    burst = {reference: messages[reference][1] for reference in references[: size.burst]}

    commits = await change_one_by_one(under.database, single, size.every_s)
    expected = sum(reference in single for reference in followers)
    one_by_one = delays_ms(commits, await under.frames(expected))
    words = [in_words(f"{len(single)} changes one by one, commit to frame", one_by_one, expected)]

    expected = sum(reference in burst for reference in followers)
    watch = Watch.start(single={"gateway": under.gateway.pid}, families={"database": under.kept.database_pid})
    commits = await change_at_once(under.database, burst)
    at_once = delays_ms(commits, await under.frames(expected))
    after = watch.stop(expected)
    frame = {f"frame_{name}": after[name] for name in ("gateway_cpu_ms", "database_cpu_ms")}
    words.append(in_words(f"{len(burst)} changes in one commit, commit to frame", at_once, expected))

    figures = {**opening, **_percentiles("single", one_by_one), **_percentiles("burst", at_once), **frame}
    return figures, [_opening_in_words(opening), *words, _frame_in_words(frame), f"{machine()}."]


async def _open_all(under: _Under, followers: list[str], messages: dict[str, tuple[int, UUID]]) -> Figures:
    """Open every subscription, and say what that cost and what stays in memory."""
    await asyncio.sleep(_SETTLE_S)
    empty = _resident_bytes(under.gateway)
    watch = Watch.start(single={"gateway": under.gateway.pid}, families={})
    shares = [followers[number::_LISTENERS] for number in range(_LISTENERS)]
    wishes = [_wish(under, share, messages, number) for number, share in enumerate(shares)]
    await asyncio.gather(*(one.ask(wish) for one, wish in zip(under.listeners, wishes, strict=True)))
    spent = watch.stop(len(followers))
    await asyncio.sleep(_SETTLE_S)
    each_kb = (_resident_bytes(under.gateway) - empty) / len(followers) / 1024
    return {
        "subscriptions": float(len(followers)),
        "opened_per_s": spent["per_s"],
        "opening_gateway_cpu_ms": spent["gateway_cpu_ms"],
        "each_kb": each_kb,
    }


def _opening_in_words(opening: Figures) -> str:
    return (
        f"{opening['subscriptions']:.0f} subscriptions open on one process, opened at {opening['opened_per_s']:.0f} per s with "
        f"{opening['opening_gateway_cpu_ms']:.2f} ms of the gateway's processor each; {opening['each_kb']:.1f} KB of its memory each."
    )


def _frame_in_words(frame: Figures) -> str:
    gateway, database = frame["frame_gateway_cpu_ms"], frame["frame_database_cpu_ms"]
    return f"A frame of the burst: {gateway:.2f} ms of the gateway's processor, {database:.2f} ms of the database's."


def _percentiles(name: str, delays: list[float]) -> Figures:
    if not delays:
        return {}
    return {
        f"{name}_p50_ms": percentile(delays, 0.5),
        f"{name}_p99_ms": percentile(delays, 0.99),
        f"{name}_last_ms": delays[-1],
    }


def _wish(under: _Under, followers: list[str], messages: dict[str, tuple[int, UUID]], number: int) -> dict[str, object]:
    follows = [{"reference": one, "token": under.kept.token(messages[one][0])} for one in followers]
    # A source address for each process: one address has too few ports for very many sockets.
    return {"do": "open", "port": under.port, "address": f"127.0.0.{number + 2}", "follows": follows}


def _messages(kept: Kept) -> dict[str, tuple[int, UUID]]:
    """The test citizens' messages by number: whose they are, and their keys."""
    numbers = {person_key(number): number for number in range(1, TEST_CITIZENS + 1)}
    with psycopg.connect(kept.server.dsn) as connection:
        found = connection.execute(
            "SELECT reference, person_id::text, id FROM message WHERE person_id = ANY(%s::uuid[]) ORDER BY id",
            [list(numbers)],
        ).fetchall()
    return {reference: (numbers[person], key) for reference, person, key in found}


def _resident_bytes(process: Process) -> int:
    return int(psutil.Process(process.pid).memory_info().rss)


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench subscribe", description=__doc__)
    parser.add_argument(
        "--messages", type=int, default=Size().messages, help="of the database, loaded at the first time"
    )
    parser.add_argument("--subscriptions", type=int, default=None)
    parser.add_argument("--quick", action="store_true", help="500 subscriptions, a burst of 100")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args(arguments)
    size = Size(given.messages, 500, 50, 0.05, 100) if given.quick else Size(given.messages)
    size = Size(size.messages, given.subscriptions or size.subscriptions, size.single, size.every_s, size.burst)
    with open_kept(size.messages, lambda line: print(line, file=sys.stderr, flush=True)) as kept:
        figures, words = asyncio.run(run(kept, size))
    print(as_json({"comparison": "subscribe", **figures}) if given.json else "\n".join(words))


if __name__ == "__main__":
    main()
