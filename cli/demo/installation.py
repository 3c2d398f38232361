"""The demo's installation: both sample agencies, the gateway with the embedded database, and the worker, started in order and stopped in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from cli.demo.operators import HOUSING, ROADS, Operator
from cli.demo.processes import READY_WITHIN_S, Child
from cli.failure import Failure
from store.embedded import EmbeddedServer
from store.home import PROJECT

USUAL_PORT = 8000
CREDENTIALS = {
    "CITY_ROADS_USER": "okno",
    "CITY_ROADS_PASSWORD": "roads-secret",
    "HOUSING_CLIENT_ID": "okno",
    "HOUSING_CLIENT_SECRET": "housing-secret",
    "HOUSING_WEBHOOK_SECRET": "webhook-secret",
    "OPERATOR_USER": "operator",
    "OPERATOR_PASSWORD": "operator",
}
"""Of the sample agencies, which hold nothing but the demo's own messages and listen on this machine only."""

_MODULES = {ROADS: "tests.fakes.city_roads", HOUSING: "tests.fakes.housing_inspection"}
_ADDRESSES = {ROADS: "CITY_ROADS_ADDRESS", HOUSING: "HOUSING_ADDRESS"}
# The demo must never reach a real database, issuer or mode of whoever runs it.
_NOT_INHERITED = (
    "OKNO_DATABASE_URL",
    "OKNO_MODE",
    "OKNO_TOKEN_ISSUER",
    "OKNO_TOKEN_KEYS",
    "OKNO_TOKEN_AUDIENCE",
    "OKNO_HOST",
    "OKNO_PORT",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A running hub with its two agencies. `operators` are the agencies' own desks, by the code of the body."""

    home: Path
    gateway: str
    """`http://127.0.0.1:N`"""
    operators: Mapping[str, Operator]
    children: Sequence[Child]

    @property
    def endpoint(self) -> str:
        return f"{self.gateway}/graphql"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    async def first_to_end(self) -> Failure:
        """Wait until a process ends that should go on; what to tell about it."""
        tasks = {asyncio.create_task(one.ended()): one for one in self.children}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            task = done.pop()
            return tasks[task].failure(f"ended by itself (exit code {task.result()})")
        finally:
            for task in tasks:
                task.cancel()


@contextlib.contextmanager
def only_demo_in(home: Path) -> Iterator[None]:
    """Two demos in one folder would stop each other's processes. Raises Failure."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(home / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Failure(f"{home} cannot be used: {error.strerror}. Name a folder of yours with --home.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Failure(
            f"Another demo runs in {home}. Stop it with Ctrl-C, or name another folder with --home."
        ) from None
    finally:
        os.close(lock)


@contextlib.asynccontextmanager
async def installed(home: Path, *, usual_port: bool) -> AsyncIterator[Installation]:
    """Start everything below `home` and stop it at the end, whatever happens in between. Raises Failure."""
    if not (PROJECT / "tests" / "fakes").is_dir():
        raise Failure(
            "The sample agencies are part of the project's sources (tests/fakes). Run the demo in a checkout of the project."
        )
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    environment |= {**CREDENTIALS, "OKNO_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    children: list[Child] = []
    try:
        operators = await _start_agencies(home, environment, children)
        port = free_port(USUAL_PORT if usual_port else 0)
        gateway = Child(
            "gateway",
            ["-m", "cli.main", "serve", "--host", "127.0.0.1", "--port", str(port)],
            environment,
            home / "logs",
        )
        worker = Child("worker", ["-m", "cli.main", "work"], environment, home / "logs")
        children += [gateway, worker]
        await gateway.start()
        await worker.start()
        origin = f"http://127.0.0.1:{port}"
        await _until_ready(gateway, f"{origin}/ready")
        await operators[HOUSING].tell_changes_to(
            f"{origin}/agencies/{HOUSING}/events", CREDENTIALS["HOUSING_WEBHOOK_SECRET"]
        )
        yield Installation(home, origin, operators, children)
    finally:
        await asyncio.shield(stop_all(children))


async def stop_all(children: Sequence[Child]) -> None:
    """Those that use the others first: worker and gateway, then the agencies."""
    users, agencies = children[2:], children[:2]
    await asyncio.gather(*(one.stop() for one in users))
    await asyncio.gather(*(one.stop() for one in agencies))


async def database_is_gone(home: Path) -> bool:
    """Wait until the embedded server has stopped, as it does by itself after its last user."""
    folder = home / "postgres"
    return not folder.exists() or await asyncio.to_thread(EmbeddedServer(folder).wait_until_stopped)


async def _start_agencies(home: Path, environment: dict[str, str], children: list[Child]) -> dict[str, Operator]:
    """Start both, tell `environment` their addresses, and return their desks."""
    started = {
        code: Child(code, ["-m", module, "--folder", str(home / "agencies" / code)], environment, home / "logs")
        for code, module in _MODULES.items()
    }
    children += started.values()
    for child in started.values():
        await child.start()
    operators = {}
    for code, child in started.items():
        ready = await child.ready_line()
        environment[_ADDRESSES[code]] = str(ready["address"])
        origin = f"http://127.0.0.1:{ready['port']}"
        operators[code] = Operator(code, origin, CREDENTIALS["OPERATOR_USER"], CREDENTIALS["OPERATOR_PASSWORD"])
    return operators


async def _until_ready(gateway: Child, url: str) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as session:
            while not gateway.has_ended:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(url) as reply:
                        if reply.status == 200:
                            return
                await asyncio.sleep(0.1)
    raise gateway.failure("did not start" if gateway.has_ended else f"was not ready within {READY_WITHIN_S:g} s")


def free_port(wanted: int) -> int:
    """The wanted port of this machine if nobody has it, else any free one."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("127.0.0.1", port))
            return int(trial.getsockname()[1])
    raise Failure("This machine has no free port on 127.0.0.1.")
