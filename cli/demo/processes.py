"""Child processes of the demo: each in its own process group with its own log, ready when it says so, and gone when the demo is.

`stop` asks with SIGTERM, waits ten seconds and then kills the group.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.failure import Failure
from store.home import PROJECT

READY_WITHIN_S = 120.0
STOP_WITHIN_S = 10.0
_TOLD_LINES = 15


class Child:
    """One child process. `arguments` follow the Python interpreter."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._arguments = list(arguments)
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=PROJECT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                process_group=0,
            )

    async def ready_line(self) -> dict[str, Any]:
        """The one JSON line that a sample agency prints when it listens. Raises Failure when it does not come."""
        stdout = self._running().stdout
        line = b""
        if stdout is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_WITHIN_S):
                    line = await stdout.readline()
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise self.failure("did not start")
        return document

    async def ended(self) -> int:
        """Wait until the process ends by itself; its exit code."""
        return await self._running().wait()

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    def failure(self, what: str) -> Failure:
        """What went wrong with the process, with the end of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-_TOLD_LINES:]
        except OSError:
            lines = []
        said = "\n  ".join([f"The end of {self.log}:", *(lines or ["(empty)"])])
        return Failure(f"{self.name} {what}.\n{said}")

    async def stop(self) -> None:
        """End the process and whatever it started. Does nothing when it is not running."""
        process = self._process
        if process is None:
            return
        for number, wait_s in ((signal.SIGTERM, STOP_WITHIN_S), (signal.SIGKILL, STOP_WITHIN_S)):
            if process.returncode is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await process.wait()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            message = f"{self.name} was not started"
            raise RuntimeError(message)
        return self._process
