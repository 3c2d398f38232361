"""Ordinary readers with one hostile client beside them: how much later do the slowest of their answers come?

`python -m bench hostile`. For each attack the rounds alternate, without and with it, on one gateway process in production mode. Documents that nobody
trusted are allowed (`--documents trusted` for the production default), because otherwise most attacks would end at the first look-up.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figures, as_json, machine, percentile, processor_s
from bench.hostile.connections import CONNECTIONS
from bench.hostile.documents import REQUESTS
from bench.partner import Process, running
from bench.read.contestants import CONTESTANTS, free_port, trusted_folder, until_ready
from bench.read.kept import Kept, open_kept
from bench.read.keys import TEST_CITIZENS
from bench.read.operations import operations
from bench.read.report import Ratio
from bench.read.requests import write_requests
from bench.wire import Connection

ATTACKS = (*REQUESTS, *CONNECTIONS)
AIM = 1.2
"""p99 with an attack to p99 without it."""
_HOSTILE_CITIZEN = TEST_CITIZENS + 1
_PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Size:
    """`per_s` ordinary requests; `rounds` of `seconds` without and with each attack."""

    messages: int = 20_000
    rounds: int = 5
    seconds: float = 5.0
    per_s: float = 100.0


_CHARGED = re.compile(rb"^okno_rate_charged_total\S* (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Round:
    """Latencies of the ordinary load, seconds of the gateway's processor, what it took out of allowances, and what the attacker was answered."""

    latencies_ms: list[float]
    used_s: float
    charged: float
    seen: dict[str, int]


@dataclass(slots=True)
class _Ground:
    kept: Kept
    size: Size
    gateway: Process
    port: int
    citizens: Process
    attacker: Process
    requests: Path

    async def round(self, attack: str | None) -> _Round:
        charged, before_s = await self._charged(), processor_s(self.gateway.pid)
        async with asyncio.TaskGroup() as group:
            load = group.create_task(self._load())
            hostile = group.create_task(self._attack(attack)) if attack else None
        seen = {} if hostile is None else hostile.result()
        await asyncio.sleep(_PAUSE_S)
        used_s = processor_s(self.gateway.pid) - before_s
        return _Round(load.result(), used_s, await self._charged() - charged, seen)

    async def _charged(self) -> float:
        """What the gateway has taken out of all allowances."""
        connection = await Connection.connect(self.port)
        answer = await connection.ask(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        connection.close()
        found = _CHARGED.search(answer.body)
        if found is None:
            raise RuntimeError("the gateway does not tell what it has charged")
        return float(found[1])

    async def _load(self) -> list[float]:
        size = {"per_s": self.size.per_s, "seconds": self.size.seconds}
        answer: dict[str, Any] = await self.citizens.ask({"port": self.port, "requests": str(self.requests), **size})
        if answer["refused_count"]:
            raise RuntimeError(f"{answer['refused_count']} ordinary requests were refused: {answer['refused']}")
        latencies: list[float] = answer["latencies_ms"]
        return latencies

    async def _attack(self, name: str) -> dict[str, int]:
        token = self.kept.token(_HOSTILE_CITIZEN)
        wish = {"attack": name, "port": self.port, "seconds": self.size.seconds, "token": token}
        answer = await self.attacker.ask(wish)
        seen: dict[str, int] = answer["seen"]
        return seen


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack: p99 without and with it over the rounds, their ratio, what it cost, and what the attacker was answered in the last round."""

    p50: Ratio
    p99: Ratio
    without_ms: float
    with_ms: float
    cost_ms: float
    """The gateway's processor time for each hostile request or connection: what it used more than without the attack."""
    charged: float
    """What it took out of the attacker's allowance for each."""
    seen: dict[str, int]


async def run(kept: Kept, size: Size, attacks: list[str], documents: str) -> dict[str, Outcome]:
    """Measure each attack."""
    async with AsyncExitStack() as stack:
        ground = await _open(stack, kept, size, documents)
        await ground.round(None)
        found = {}
        for attack in attacks:
            found[attack] = await _measure(ground, attack)
            print(f"{attack}: {found[attack].p99}", file=sys.stderr, flush=True)
        return found


async def _measure(ground: _Ground, attack: str) -> Outcome:
    quiet, disturbed, costs, charges, seen = (
        list[Figures](),
        list[Figures](),
        list[float](),
        list[float](),
        dict[str, int](),
    )
    for _ in range(ground.size.rounds):
        usual = await ground.round(None)
        quiet.append(_percentiles(usual.latencies_ms))
        under_attack = await ground.round(attack)
        disturbed.append(_percentiles(under_attack.latencies_ms))
        seen = under_attack.seen
        answered = max(1, sum(seen.values()))
        costs.append((under_attack.used_s - usual.used_s) * 1000 / answered)
        charges.append((under_attack.charged - usual.charged) / answered)
    pairs = list(zip(disturbed, quiet, strict=True))
    p50, p99 = (Ratio.over([one[name] / other[name] for one, other in pairs]) for name in ("p50", "p99"))
    without, under = (Ratio.over([one["p99"] for one in rounds]).median for rounds in (quiet, disturbed))
    return Outcome(p50, p99, without, under, Ratio.over(costs).median, Ratio.over(charges).median, seen)


def _percentiles(latencies: list[float]) -> Figures:
    return {"p50": percentile(latencies, 0.5), "p99": percentile(latencies, 0.99)}


async def _open(stack: AsyncExitStack, kept: Kept, size: Size, documents: str) -> _Ground:
    port, whole = free_port(), operations(kept)
    more = {
        "OKNO_PORT": str(port),
        "OKNO_DOCUMENTS": documents,
        "OKNO_TRUSTED_DOCUMENTS": str(trusted_folder(kept, whole)),
    }
    environment = kept.environment(more)
    log = kept.log("gateway")
    log.unlink(missing_ok=True)
    gateway = await stack.enter_async_context(running(["-m", "cli.main", "serve"], environment, log))
    await until_ready(gateway, port)
    citizens, attacker = [
        await stack.enter_async_context(
            running(["-m", f"bench.hostile.{module}"], environment, kept.log(module), partner=True)
        )
        for module in ("citizens", "attacker")
    ]
    one_message, hub = whole[0], CONTESTANTS[0]
    requests = kept.folder / "hostile-requests"
    write_requests(requests, [hub.write(kept, one_message, ask) for ask in one_message.asks])
    return _Ground(kept, size, gateway, port, citizens, attacker, requests)


def as_text(found: dict[str, Outcome], size: Size) -> str:
    """A table in Markdown."""
    lines = [
        f"{size.rounds} rounds of {size.seconds:g} s without and with each attack, {size.per_s:g} ordinary requests a second; {machine()}.",
        "",
        "| attack | p99 without, ms | with, ms | p99 ratio (middle half) | p50 ratio | gateway CPU each, ms | charged each | what the attacker got |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        seen = ", ".join(f"{times} × {what[:60]}" for what, times in sorted(one.seen.items()))
        mark = "" if one.p99.median <= AIM else f" (over {AIM})"
        lines.append(
            f"| {name} | {one.without_ms:.1f} | {one.with_ms:.1f} | {one.p99}{mark} | {one.p50} | {one.cost_ms:.2f} | {one.charged:.0f} | {seen} |"
        )
    return "\n".join(lines)


def _as_document(found: dict[str, Outcome]) -> str:
    attacks = {
        name: {
            "p99_ratio": one.p99.median,
            "p50_ratio": one.p50.median,
            "without_ms": one.without_ms,
            "with_ms": one.with_ms,
            "gateway_cpu_ms": one.cost_ms,
            "charged": one.charged,
            "seen": one.seen,
        }
        for name, one in found.items()
    }
    return as_json({"comparison": "hostile", "aim": AIM, "machine": machine(), "attacks": attacks})


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench hostile", description=__doc__)
    parser.add_argument(
        "--messages", type=int, default=Size().messages, help="of the database, loaded at the first time"
    )
    parser.add_argument("--rounds", type=int, default=Size().rounds)
    parser.add_argument("--seconds", type=float, default=Size().seconds, help="of each round")
    parser.add_argument("--per-s", type=float, default=Size().per_s, help="ordinary requests a second")
    parser.add_argument("--documents", choices=["any", "trusted"], default="any", help="what the gateway runs")
    parser.add_argument("--only", default=",".join(ATTACKS), help="which attacks, with commas")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args(arguments)
    size = Size(given.messages, given.rounds, given.seconds, given.per_s)
    if given.quick:
        size = Size(given.messages, 1, 2.0, given.per_s)
    with open_kept(size.messages, lambda line: print(line, file=sys.stderr, flush=True)) as kept:
        found = asyncio.run(run(kept, size, given.only.split(","), given.documents))
    print(_as_document(found) if given.json else as_text(found, size))


if __name__ == "__main__":
    main()
