"""Deliveries per second and the worker's processor time for each, over SOAP and over REST, beside a bare loop that posts the same bytes.

The worker is the real one (`okno work`), the agencies are the sample ones, each a process. The worker's turn is held while a round's messages are
accepted, then given free; the round ends when the last of them is delivered. Reading the agencies' feeds is put off, so that only delivering is
measured. Rounds alternate: worker and bare loop, one agency and the other. `python -m bench.deliver [--json]`.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from agencies.registry import Registry
from bench.figures import Figures, Watch, as_json, machine, median_ratio, medians, spread, table
from bench.ground import ADDRESS, CATEGORIES, CONFIG, LATITUDE, LONGITUDE, Ground, open_ground
from bench.partner import Process, running
from domain.actions.submit_message import Place
from store.unit import Database
from tests.delivery.installation import Installation
from tests.fakes.serving import AgencyProcess

_WIRES = {"city-roads": "SOAP", "housing-inspection": "REST"}
_MODULES = {"city-roads": "tests.fakes.city_roads", "housing-inspection": "tests.fakes.housing_inspection"}
_ADDRESSES = {"city-roads": "CITY_ROADS_ADDRESS", "housing-inspection": "HOUSING_ADDRESS"}
_CREDENTIALS = {
    "CITY_ROADS_USER": "okno",
    "CITY_ROADS_PASSWORD": "roads-secret",
    "HOUSING_CLIENT_ID": "okno",
    "HOUSING_CLIENT_SECRET": "housing-secret",
    "HOUSING_WEBHOOK_SECRET": "webhook-secret",
}
_LOOK_S = 0.02
_LONGEST_ROUND_S = 120.0
AIM_MS = 3.0
"""Processor time of the worker for one SOAP delivery."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: `count` deliveries a round to each agency, after one unmeasured round."""

    count: int = 400
    rounds: int = 7


@dataclass(slots=True)
class _Bench:
    ground: Ground
    size: Size
    database: asyncpg.Connection
    installation: Installation
    agencies: dict[str, AgencyProcess]
    worker: Process
    bare: Process
    measured: dict[str, list[Figures]] = field(default_factory=dict)

    async def round(self) -> dict[str, Figures]:
        figures: dict[str, Figures] = {}
        for code, wire in _WIRES.items():
            figures[f"{wire} worker"] = await self._deliver(code)
            figures[f"{wire} bare"] = await self._post(code)
        return figures

    async def _deliver(self, code: str) -> Figures:
        count = self.size.count
        await self._hold(code)
        category, words = CATEGORIES[code]
        for _ in range(count):
            await self.installation.send(words, category, Place(LATITUDE, LONGITUDE, address=ADDRESS))
        watch = Watch.start(
            single={"process": self.worker.pid, "agency": self.agencies[code].pid},
            families={"database": self.ground.database_pid},
        )
        await self.database.execute(
            "UPDATE turn SET lease_until = NULL, due_at = now() WHERE organisation_code = $1", code
        )
        await self.database.execute("NOTIFY okno_work")
        await self._until(
            "SELECT NOT EXISTS (SELECT FROM delivery WHERE finished_at IS NULL AND organisation_code = $1)", code
        )
        figures = watch.stop(count)
        # The clock of the looks above is coarse; the ledger knows better when the first call began and the last one was written down.
        elapsed_s = await self.database.fetchval(
            "SELECT extract(epoch FROM max(d.finished_at) - min(a.started_at))::float8 FROM (SELECT * FROM delivery "
            "WHERE organisation_code = $1 ORDER BY id DESC LIMIT $2) d JOIN attempt a ON a.delivery_id = d.id",
            code,
            count,
        )
        await self._none_was_repeated(code)
        return figures | {"per_s": count / elapsed_s}

    async def _hold(self, code: str) -> None:
        """Keep the worker away from the agency, as another worker would that has the turn."""
        await self._until("SELECT lease_until IS NULL FROM turn WHERE organisation_code = $1", code)
        await self.database.execute(
            "UPDATE turn SET lease_until = now() + interval '1 hour', poll_due_at = now() + interval '1 day' WHERE organisation_code = $1",
            code,
        )

    async def _until(self, question: str, code: str) -> None:
        async with asyncio.timeout(_LONGEST_ROUND_S):
            while not await self.database.fetchval(question, code):
                if self.worker.has_ended:
                    raise self.worker.failure()
                await asyncio.sleep(_LOOK_S)

    async def _none_was_repeated(self, code: str) -> None:
        bad = await self.database.fetchval(
            "SELECT count(*) FROM delivery WHERE organisation_code = $1 AND (state <> 'DELIVERED' OR attempts <> 1)",
            code,
        )
        if bad:
            raise RuntimeError(f"{bad} deliveries to {code} did not go through at the first attempt")

    async def _post(self, code: str) -> Figures:
        count = self.size.count
        agency = self.installation.registry.agency(code)
        wish: dict[str, Any] = {"agency": code, "total": count, "at_once": agency.at_once}
        if code == "housing-inspection":
            wish |= {
                "token_address": f"{self.agencies[code].origin}/oauth/token",
                "client_id": _CREDENTIALS["HOUSING_CLIENT_ID"],
                "client_secret": _CREDENTIALS["HOUSING_CLIENT_SECRET"],
            }
        watch = Watch.start(single={"agency": self.agencies[code].pid}, families={})
        answer = await self.bare.ask(wish)
        used_ms = float(answer["processor_s"]) * 1000 / count
        return watch.stop(count) | {"process_cpu_ms": used_ms, "per_s": count / float(answer["elapsed_s"])}


async def run(size: Size, *, json_wanted: bool = False) -> None:
    """Measure and print."""
    async with AsyncExitStack() as stack:
        bench = await _open(stack, size)
        await bench.round()
        for _ in range(size.rounds):
            for name, figures in (await bench.round()).items():
                bench.measured.setdefault(name, []).append(figures)
    _print(bench.measured, size, json_wanted=json_wanted)


async def _open(stack: AsyncExitStack, size: Size) -> _Bench:
    ground = await stack.enter_async_context(open_ground())
    agencies: dict[str, AgencyProcess] = {}
    for code, module in _MODULES.items():
        agencies[code] = await AgencyProcess(module).start(ground.folder / code)
        stack.push_async_callback(agencies[code].stop)
    variables = {**_CREDENTIALS, **{_ADDRESSES[code]: agency.address for code, agency in agencies.items()}}
    # Not opened: its relay would wake the worker for each message.
    database = Database(ground.server.url)
    stack.push_async_callback(database.close)
    installation = await Installation.open(database, CONFIG, ground.folder, variables)
    looking = await ground.connect()
    stack.push_async_callback(looking.close)
    environment = ground.environment(variables)
    worker = await stack.enter_async_context(running(["-m", "cli.main", "work"], environment, ground.log("worker")))
    bare = await stack.enter_async_context(
        running(["-m", "bench.bare_post"], environment, ground.log("bare_post"), partner=True)
    )
    return _Bench(ground, size, looking, installation, agencies, worker, bare)


def _print(measured: dict[str, list[Figures]], size: Size, *, json_wanted: bool) -> None:
    rows = {name: medians(rounds) for name, rounds in measured.items()}
    pairs = {wire: (measured[f"{wire} worker"], measured[f"{wire} bare"]) for wire in _WIRES.values()}
    ratios = {wire: median_ratio(*pair) for wire, pair in pairs.items()}
    spreads = {wire: spread(*pair) for wire, pair in pairs.items()}
    if json_wanted:
        document = {"comparison": "deliver", "machine": machine(), "rounds": size.rounds, "count": size.count}
        print(as_json({**document, "aim_ms": AIM_MS, "ratios": ratios, "spreads": spreads, "medians": rows}))
        return
    at_once = {agency.at_once for agency in map(Registry.load(CONFIG, variables={}).agency, _WIRES)}
    print(f"Deliveries: {size.rounds} rounds of {size.count}, {at_once} at once, medians; {machine()}.\n")
    print(table(rows))
    for wire, ratio in ratios.items():
        low, high = spreads[wire]
        print(f"\n{wire} worker / bare: {ratio:.2f} of the rate (rounds: {low:.2f} to {high:.2f})", end="")
    print(f"\nAim: at most {AIM_MS} ms of the worker's processor time for a SOAP delivery.")


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.deliver", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--count", type=int, default=Size().count, help="deliveries in a round")
    parser.add_argument("--rounds", type=int, default=Size().rounds)
    given = parser.parse_args(arguments)
    asyncio.run(run(Size(given.count, given.rounds), json_wanted=given.json))


if __name__ == "__main__":
    main()
