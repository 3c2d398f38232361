"""The whole house on this machine: database, gateway, worker and both agencies, each a process that can be killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.fakes.serving import AgencyProcess

ROOT = Path(__file__).parent.parent.parent
_OKNO = "import sys; from cli.main import run; sys.exit(run())"


@dataclass(slots=True)
class OknoProcess:
    """One `okno` command as a process."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _OKNO,
                *self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 30)


@dataclass(slots=True)
class House:
    """Everything running. `url` is the GraphQL endpoint, `token` a citizen's."""

    folder: Path
    gateway: OknoProcess
    worker: OknoProcess
    roads: AgencyProcess
    housing: AgencyProcess
    url: str
    token: str
    session: aiohttp.ClientSession
    unanswered: int = field(default=0)

    async def ask(self, document: str, **variables: object) -> dict[str, Any]:
        """One operation; `data` of a whole answer. Raises when the door is closed or the answer has errors."""
        body = {"query": document, "variables": variables}
        headers = {"authorization": f"Bearer {self.token}"}
        async with self.session.post(self.url, json=body, headers=headers) as reply:
            answer = json.loads(await reply.text())
        if answer.get("errors"):
            raise Unanswered(str(answer["errors"]))
        data: dict[str, Any] = answer["data"]
        return data

    async def insist(self, document: str, within_s: float = 60.0, **variables: object) -> dict[str, Any]:
        """Ask again until the hub answers, as a portal does with its idempotency key in hand."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    return await self.ask(document, **variables)
                except (Unanswered, aiohttp.ClientError, json.JSONDecodeError, TimeoutError):
                    self.unanswered += 1
                    await asyncio.sleep(0.2)

    def kill_database(self) -> None:
        """SIGKILL the server and all its children, the head first so that it cannot tidy up."""
        head = psutil.Process(int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0]))
        for process in [head, *head.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


class Unanswered(Exception):
    """The hub did not answer, or answered with an error."""


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def house(folder: Path, config: Path) -> AsyncIterator[House]:
    """Start the house, hand it over ready, and end every process of it."""
    roads, housing = AgencyProcess("tests.fakes.city_roads"), AgencyProcess("tests.fakes.housing_inspection")
    await roads.start(folder / "city-roads")
    await housing.start(folder / "housing-inspection")
    port = _free_port()
    environment = {
        "OKNO_HOME": str(folder),
        "OKNO_CONFIG": str(config),
        "OKNO_PORT": str(port),
        "OKNO_MODE": "development",
        "OKNO_DATABASE_URL": "",
        "CITY_ROADS_ADDRESS": roads.address,
        "CITY_ROADS_USER": "okno",
        "CITY_ROADS_PASSWORD": "roads-secret",
        "HOUSING_ADDRESS": housing.address,
        "HOUSING_CLIENT_ID": "okno",
        "HOUSING_CLIENT_SECRET": "housing-secret",
        "HOUSING_WEBHOOK_SECRET": "webhook-secret",
    }
    gateway = OknoProcess(["serve"], environment, folder / "gateway.log")
    worker = OknoProcess(["work"], environment, folder / "worker.log")
    token = await _token(environment)
    await gateway.start()
    await worker.start()
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            one = House(folder, gateway, worker, roads, housing, f"http://127.0.0.1:{port}/graphql", token, session)
            await one.insist("{ categories { code } }", within_s=180)
            await housing.operator.call(
                "PUT",
                "webhook",
                {"url": f"http://127.0.0.1:{port}/agencies/housing-inspection/events", "secret": "webhook-secret"},
            )
            yield one
    finally:
        for process in (worker, gateway):
            if process.process is not None and process.process.returncode is None:
                await process.end(signal.SIGKILL)
        await roads.stop()
        await housing.stop()


async def _token(environment: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _OKNO,
        "token",
        "--subject",
        "citizen",
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode().strip()
