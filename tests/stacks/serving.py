"""Starts a service of another make and ends it again: a child process that prints one JSON line with its address when it listens."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from store.home import PROJECT

TOOLS = PROJECT / ".tools" / "bin"
_STARTS_WITHIN_S = 30
_STOPS_WITHIN_S = 10


@contextlib.contextmanager
def serving(command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of the running service. It ends when its standard input ends, or is killed."""
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    try:
        yield _address(process.stdout, log)
    finally:
        _end(process)


@contextlib.contextmanager
def php(program: str, router: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of PHP's own web server with `router` before everything; it runs in `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = folder / "stderr.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [program, "-S", f"127.0.0.1:{port}", str(router)],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        _wait_for(port, process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_STOPS_WITHIN_S)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + _STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < ends_at:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"PHP did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _address(stdout: IO[bytes] | None, log: Path) -> str:
    line = stdout.readline() if stdout is not None else b""
    assert line, f"the service did not start:\n{log.read_text(errors='replace')[-2000:]}"
    address: str = json.loads(line)["address"]
    return address


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.communicate(timeout=_STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
