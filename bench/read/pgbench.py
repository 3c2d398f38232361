"""The floor below the floor: pgbench runs the statements of the plans, values written in, and nobody makes a response of the answers."""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from bench.figures import Figures, Watch, percentile
from bench.ground import bare_address
from bench.read.kept import Kept
from bench.read.operations import Operation
from bench.read.statements import Planner, statements_of
from store.embedded_programs import Programs

_SCRIPTS = 20
"""Different requests among which each client chooses."""
_LATENCY = 2
"""The column of a line of pgbench's log that holds microseconds."""

_RATE = re.compile(r"tps = ([\d.]+)")
"""What it says itself, without the time of its own start."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """Files for `pgbench -f`."""

    paths: tuple[Path, ...]


async def prepare(kept: Kept, operation: Operation, planner: Planner) -> Scripts | None:
    """The scripts of an operation; None where there is no pgbench."""
    if not _program().exists():
        return None
    statements = await statements_of(operation, planner)
    chosen = statements[:: max(1, len(statements) // _SCRIPTS)][:_SCRIPTS]
    paths, folder = [], kept.folder / "pgbench"
    folder.mkdir(exist_ok=True)
    with psycopg.connect(kept.server.dsn) as connection:
        for number, statement in enumerate(chosen):
            path = folder / f"{operation.code}-{number}.sql"
            text = statement.inlined(lambda value: sql.Literal(value).as_string(connection))
            path.write_text(f"{text};\n", encoding="utf-8")
            paths.append(path)
    return Scripts(tuple(paths))


async def run(kept: Kept, scripts: Scripts, seconds: float, connections: int) -> Figures:
    """One round. pgbench's own processor time is the client's, and is not counted. Raises RuntimeError with what it said."""
    address = bare_address(kept.server)
    with tempfile.TemporaryDirectory(prefix="okno-bench-") as folder:
        files = [argument for path in scripts.paths for argument in ("-f", str(path))]
        watch = Watch.start(single={}, families={"database": kept.database_pid})
        process = await asyncio.create_subprocess_exec(
            _program(),
            *("--no-vacuum", "--protocol=prepared", "--client", str(connections), "--jobs=1"),
            *("--time", str(max(1, round(seconds))), "--log", f"--log-prefix={folder}/log"),
            *("--host", address["host"], "--port", address["port"], "--username", address["user"]),
            *files,
            address["database"],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PGOPTIONS": "-c timezone=UTC -c jit=off"},
        )
        said, _ = await process.communicate()
        latencies = _latencies_ms(Path(folder))
        if process.returncode != 0 or not latencies:
            raise RuntimeError(f"pgbench ended with {process.returncode}: {said.decode(errors='replace')[-2000:]}")
        figures = watch.stop(len(latencies))
        rate = {"at_once": float(connections), "per_s": float(_RATE.findall(said.decode())[0])}
        return figures | rate | {"p50_ms": percentile(latencies, 0.50), "p99_ms": percentile(latencies, 0.99)}


def _latencies_ms(folder: Path) -> list[float]:
    lines = (line.split() for path in folder.iterdir() for line in path.read_text().splitlines())
    return [int(line[_LATENCY]) / 1000 for line in lines]


def _program() -> Path:
    return Programs.find(None).bin_folder / "pgbench"
