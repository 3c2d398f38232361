"""Five operations of a portal over a million messages, by the hub and by its peers: requests per second, latency, processor time, and ratios.

Every contestant is a process of its own on one database with one client; rounds go from one to the next (A B C A B C …), and a ratio is taken within
a round, so that both sides of it saw the same state of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.figures import Figures, Watch, machine, percentile
from bench.partner import Process, running
from bench.read import compiling, pgbench, report
from bench.read.answers import differences, normal
from bench.read.contestants import CONTESTANTS, PEERS, Contestant, Running, missing_peers, started
from bench.read.kept import Kept, open_kept, sizes_in_words
from bench.read.operations import Operation, operations
from bench.read.rendered import render_lists
from bench.read.requests import write_requests
from bench.read.statements import Planner
from bench.wire import Connection

HUB = "okno"
_SLOW_MS, _FEW = 500.0, 2
"""Who needs so long for an answer is asked this little at once: eight would wait for each other and a round would never end."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: `rounds` of `seconds` for each contestant and operation, after `warm_up_s`."""

    messages: int = 1_000_000
    rounds: int = 7
    seconds: float = 3.0
    warm_up_s: float = 2.0
    connections: int = 8
    compared: int = 5
    """Answers of each operation that must be equal before anything is measured."""

    @classmethod
    def quick(cls, messages: int) -> Size:
        return cls(messages=messages, rounds=3, seconds=0.5, warm_up_s=0.5)


@dataclass(slots=True)
class _Run:
    kept: Kept
    size: Size
    client: Process
    planner: Planner
    measured: dict[str, dict[str, list[Figures]]] = field(default_factory=dict)
    """By operation and contestant."""

    async def measure(self, operation: Operation, contestants: list[Running]) -> None:
        """All rounds of one operation."""
        at_once: dict[str, int] = {}
        for one in contestants:
            requests = [one.contestant.write(self.kept, operation, ask) for ask in operation.asks]
            write_requests(self._requests(operation, one), requests)
            warm = await self._load(operation, one, self.size.warm_up_s, _FEW)
            is_slow = percentile(warm["latencies_ms"], 0.5) > _SLOW_MS
            at_once[one.name] = _FEW if is_slow else self.size.connections
        by_name = self.measured.setdefault(operation.code, {})
        scripts = await pgbench.prepare(self.kept, operation, self.planner)
        for _ in range(self.size.rounds):
            for one in contestants:
                by_name.setdefault(one.name, []).append(await self._round(operation, one, at_once[one.name]))
            if scripts is not None:
                figures = await pgbench.run(self.kept, scripts, self.size.seconds, self.size.connections)
                by_name.setdefault("pgbench", []).append(figures)

    def _requests(self, operation: Operation, one: Running) -> Path:
        folder = self.kept.folder / "requests"
        folder.mkdir(exist_ok=True)
        return folder / f"{operation.code}-{one.name.replace(' ', '-')}"

    async def _round(self, operation: Operation, one: Running, at_once: int) -> Figures:
        watch = Watch.start(single={}, families={"app": one.process.pid, "database": self.kept.database_pid})
        answer = await self._load(operation, one, self.size.seconds, at_once)
        latencies: list[float] = answer["latencies_ms"]
        figures = watch.stop(len(latencies))
        return figures | {
            "at_once": float(at_once),
            "per_s": len(latencies) / float(answer["elapsed_s"]),
            "p50_ms": percentile(latencies, 0.50),
            "p99_ms": percentile(latencies, 0.99),
        }

    async def _load(self, operation: Operation, one: Running, seconds: float, at_once: int) -> dict[str, Any]:
        requests = str(self._requests(operation, one))
        size = {"seconds": seconds, "connections": at_once}
        return await self.client.ask({"port": one.port, "requests": requests, **size})


async def compare(kept: Kept, operation: Operation, contestants: list[Running], count: int) -> list[str]:
    """How the contestants' answers to the first requests differ from the first contestant's, in words."""
    lines: list[str] = []
    # Every so many requests, so that different people and bodies are among them.
    asks = operation.asks[:: max(1, len(operation.asks) // count)][:count]
    for ask in asks:
        answers = {}
        for one in contestants:
            connection = await Connection.connect(one.port)
            answer = await connection.ask(one.contestant.write(kept, operation, ask))
            connection.close()
            try:
                answers[one.name] = normal(answer.body)
            except ValueError as problem:
                lines.append(f"{operation.code} {one.name}: {problem}")
        if answers:
            first, *others = answers
            for other in others:
                found = differences(answers[first], answers[other])
                lines += [f"{operation.code} {first} and {other} differ: {line}" for line in found[:5]]
    return lines


async def run(kept: Kept, size: Size, wanted: list[str], codes: list[str]) -> report.Measured:
    """Measure. Ends with SystemExit when the answers are not equal."""
    chosen = [one for one in operations(kept) if one.code in codes]
    planner = Planner(await render_lists(kept, chosen, _say))
    compiled = {one.code: await compiling.compile_time(one, planner) for one in chosen}
    with psycopg.connect(kept.server.dsn) as connection:
        connection.execute((PEERS / "counts.sql").read_bytes())
    async with AsyncExitStack() as stack:
        contestants = [
            await stack.enter_async_context(started(kept, one, chosen)) for one in _available() if one.name in wanted
        ]
        unequal = [line for one in chosen for line in await compare(kept, one, contestants, size.compared)]
        if unequal:
            sys.exit("The answers are not equal, so their speeds cannot be compared:\n" + "\n".join(unequal))
        _say(f"{size.compared} answers to each operation are equal.")
        client = await stack.enter_async_context(
            running(["-m", "bench.read.client"], kept.environment(), kept.log("client"), partner=True)
        )
        under_way = _Run(kept, size, client, planner)
        for one in chosen:
            await under_way.measure(one, contestants)
            _say(f"{one.code} is measured.")
    ground = f"{size.messages} messages ({sizes_in_words(kept.loaded['megabytes'])}); {machine()}"
    return report.Measured(under_way.measured, compiled, size.rounds, size.seconds, size.connections, ground)


def _available() -> list[Contestant]:
    missing = missing_peers()
    if missing is not None:
        _say(f"Without the Node peers; for them: {missing}")
    return [one for one in CONTESTANTS if missing is None or not one.node]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench read", description=__doc__)
    parser.add_argument("--messages", type=int, default=Size().messages, help="how many are loaded, at the first time")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=None, help="of each round")
    parser.add_argument("--quick", action="store_true", help="a short run: within two minutes on a loaded database")
    parser.add_argument("--load", action="store_true", help="load the database and end")
    parser.add_argument(
        "--memory", action="store_true", help="the memory of a cached plan, over 500 documents, and end"
    )
    parser.add_argument("--operations", default="R1,R2,R3,R4,R5", help="which of them, with commas")
    parser.add_argument(
        "--only", default=",".join(one.name for one in CONTESTANTS), help="which contestants, with commas"
    )
    parser.add_argument("--hub", default=HUB, help="whose ratios to the others are printed")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args(arguments)
    usual = Size.quick(given.messages) if given.quick else Size(given.messages)
    if given.memory:
        print(asyncio.run(compiling.memory_of_plans()))
        return
    size = Size(
        messages=given.messages,
        rounds=given.rounds or usual.rounds,
        seconds=given.seconds or usual.seconds,
        warm_up_s=usual.warm_up_s,
    )
    with open_kept(given.messages, _say) as kept:
        if given.load:
            _say(f"Loaded: {sizes_in_words(kept.loaded['megabytes'])}; took {kept.loaded['seconds']} s.")
            return
        measured = asyncio.run(run(kept, size, given.only.split(","), given.operations.split(",")))
    print(report.as_document(measured, given.hub) if given.json else report.as_text(measured, given.hub))


if __name__ == "__main__":
    main()
