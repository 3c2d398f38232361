"""Processes of a measurement: servers that run beside it, and partners that do a load when they are told to.

A partner is a Python module that reads one JSON line, does what it says, writes one JSON line and waits for the next, until its input ends. Each side
of a comparison is a process of its own, so that no side pays for another's garbage or event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_STOP_WITHIN_S = 15.0
_LONGEST_LINE_BYTES = 16 * 1024 * 1024

Work = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ProcessEnded(RuntimeError):
    """A process of the measurement ended by itself; the message carries the end of its log."""


class Process:
    """One running child process."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, wish: Mapping[str, object]) -> dict[str, Any]:
        """Send one line to a partner and wait for its answer. Raises ProcessEnded."""
        if self._process.stdin is None or self._process.stdout is None:
            message = "this process was started without pipes"
            raise RuntimeError(message)
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise self.failure()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def failure(self) -> ProcessEnded:
        return ProcessEnded(f"a process of the measurement ended:\n{self._log.read_text(errors='replace')[-2000:]}")

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def stop(self) -> None:
        """Ask it to end, wait, then kill it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.has_ended:
                return
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await self._process.wait()


@contextlib.asynccontextmanager
async def running(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    partner: bool = False,
    program: str | Path = sys.executable,
    folder: Path = _ROOT,
) -> AsyncIterator[Process]:
    """A process for the length of the block. `arguments` follow the program, Python unless said; a `partner` gets pipes for `ask`."""
    pipe = asyncio.subprocess.PIPE if partner else asyncio.subprocess.DEVNULL
    with log.open("ab") as written:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            cwd=folder,
            env=dict(environment),
            stdin=pipe,
            stdout=pipe,
            stderr=written,
            limit=_LONGEST_LINE_BYTES,
        )
    child = Process(process, log)
    try:
        yield child
    finally:
        await child.stop()


def serve(work: Work) -> None:
    """The partner's side: answer each line of stdin with one line on stdout, until stdin ends."""

    async def answer_lines() -> None:
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            answer = await work(json.loads(line))
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    asyncio.run(answer_lines())
