"""The `okno` program as tests run it: in this process for what ends at once, as a child for what serves."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from cli.main import app
from store.home import PROJECT

PROGRAM = [sys.executable, "-m", "cli.main"]
_READY_WITHIN_S = 150.0


def okno(*arguments: str | Path, **environment: str | None) -> Result:
    """Run a command here. `environment` is added to ours; None takes a variable away."""
    return CliRunner().invoke(app, [str(one) for one in arguments], env=environment, catch_exceptions=False)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A serving child."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def started_gateway(home: Path, database_url: str, *options: str, **variables: str) -> Iterator[Gateway]:
    """`okno serve --port 0` with these options and variables, ready; stopped with SIGTERM at the end."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "gateway.log"
    environment = {**os.environ, "OKNO_HOME": str(home), "OKNO_DATABASE_URL": database_url, **variables}
    command = [*PROGRAM, "serve", "--port", "0", *options]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=stderr)
    try:
        yield Gateway(_address(log, process), log, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    ends_at = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < ends_at and process.poll() is None:
        said = log.read_text()
        found = re.search(r"serving (http://\S+/graphql)", said)
        if found and "startup complete" in said:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"the gateway did not start:\n{log.read_text()}")
