"""Accepted messages per second through GraphQL on one gateway process, beside the same rows written by bare asyncpg.

Gateway, client and bare writer are processes of their own on one database. Rounds alternate; the ratio is the median of neighbouring rounds' ratios.
`python -m bench.submit [--json]`.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from bench.figures import Figures, Watch, as_json, machine, median_ratio, medians, percentile, spread, table
from bench.ground import Ground, bare_address, open_ground
from bench.partner import Process, running
from cli.development_key import development_key, issue_token

_READY_WITHIN_S = 60.0
_BARE = {"bare inserts": "inserts", "bare one statement": "one_statement"}
AIM = 0.35
"""Of the bare inserts' rate."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. `count` messages a round over `connections`, after one unmeasured round of each side."""

    count: int = 1500
    connections: int = 32
    rounds: int = 7


@dataclass(slots=True)
class _Sides:
    ground: Ground
    size: Size
    gateway: Process
    client: Process
    bare: Process
    port: int
    token: str
    measured: dict[str, list[Figures]] = field(default_factory=dict)

    async def round(self) -> dict[str, Figures]:
        return {"gateway": await self._gateway()} | {name: await self._bare(how) for name, how in _BARE.items()}

    async def _gateway(self) -> Figures:
        count = self.size.count
        wish = {"port": self.port, "token": self.token, "count": count, "connections": self.size.connections}
        watch = Watch.start(
            single={"process": self.gateway.pid, "client": self.client.pid},
            families={"database": self.ground.database_pid},
        )
        answer = await self.client.ask(wish)
        return watch.stop(count) | _speed(answer, count)

    async def _bare(self, how: str) -> Figures:
        count = self.size.count
        address = bare_address(self.ground.server)
        wish = {"address": address, "how": how, "total": count, "connections": self.size.connections}
        watch = Watch.start(single={}, families={"database": self.ground.database_pid})
        answer = await self.bare.ask(wish)
        used_ms = float(answer["processor_s"]) * 1000 / count
        return watch.stop(count) | {"process_cpu_ms": used_ms} | _speed(answer, count)


def _speed(answer: dict[str, Any], count: int) -> Figures:
    latencies: list[float] = answer["latencies_ms"]
    if len(latencies) != count:
        raise RuntimeError(f"{len(latencies)} of {count} messages were written")
    return {
        "per_s": count / float(answer["elapsed_s"]),
        "p50_ms": percentile(latencies, 0.50),
        "p99_ms": percentile(latencies, 0.99),
    }


async def run(size: Size, *, json_wanted: bool = False) -> None:
    """Measure and print."""
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(open_ground())
        sides = await _open(stack, ground, size)
        await sides.round()
        for _ in range(size.rounds):
            for name, figures in (await sides.round()).items():
                sides.measured.setdefault(name, []).append(figures)
    _print(sides.measured, size, json_wanted=json_wanted)


async def _open(stack: AsyncExitStack, ground: Ground, size: Size) -> _Sides:
    port = _free_port()
    token = issue_token(development_key(ground.folder / "development-key.json"), "bench", 8 * 3600)
    environment = ground.environment({"OKNO_PORT": str(port)})
    gateway = await stack.enter_async_context(running(["-m", "cli.main", "serve"], environment, ground.log("gateway")))
    await _until_ready(gateway, port)
    client, bare = [
        await stack.enter_async_context(
            running(["-m", f"bench.{module}"], environment, ground.log(module), partner=True)
        )
        for module in ("portal_client", "bare_insert")
    ]
    return _Sides(ground, size, gateway, client, bare, port, token)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_ready(gateway: Process, port: int) -> None:
    ends_at = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if gateway.has_ended or time.monotonic() > ends_at:
                raise gateway.failure() from None
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


def _print(measured: dict[str, list[Figures]], size: Size, *, json_wanted: bool) -> None:
    ratios = {name: median_ratio(measured["gateway"], measured[name]) for name in _BARE}
    spreads = {name: spread(measured["gateway"], measured[name]) for name in _BARE}
    rows = {name: medians(rounds) for name, rounds in measured.items()}
    if json_wanted:
        document = {"comparison": "submit", "machine": machine(), "rounds": size.rounds, "count": size.count}
        print(as_json({**document, "aim": AIM, "ratios": ratios, "spreads": spreads, "medians": rows}))
        return
    print(
        f"Accepted messages: {size.rounds} rounds of {size.count}, {size.connections} at once, medians; {machine()}.\n"
    )
    print(table(rows))
    for name, ratio in ratios.items():
        low, high = spreads[name]
        print(f"\ngateway / {name}: {ratio:.2f} (rounds: {low:.2f} to {high:.2f})", end="")
    print(f"\nAim: {AIM} of bare inserts.")


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.submit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--count", type=int, default=Size().count, help="messages in a round")
    parser.add_argument("--connections", type=int, default=Size().connections, help="at once")
    parser.add_argument("--rounds", type=int, default=Size().rounds)
    given = parser.parse_args(arguments)
    asyncio.run(run(Size(given.count, given.connections, given.rounds), json_wanted=given.json))


if __name__ == "__main__":
    main()
