"""Several serving processes behind one socket: started together, started again when one dies or hangs, and ended together.

The parent holds the socket, so a connection waits while a process is replaced and none is refused. Each child has a line to the parent: it says
when it serves, then that it lives, every second; a child that falls silent is killed. A child whose parent is gone leaves by itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from cli.failure import Failure

_LOOK_EVERY_S: Final = 0.2
_SILENT_S: Final = 30.0
_GRACE_S: Final = 5.0
_LONG_LIFE_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 30.0
_STARTED: Final = b"+"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Child:
    """One serving process."""

    process: subprocess.Popen[bytes]
    line: socket.socket
    began_s: float
    heard_s: float
    serves: bool = False


class Processes:
    """The children of one `okno serve`."""

    def __init__(
        self, count: int, listener: socket.socket, environment: Mapping[str, str], *, leave_within_s: float
    ) -> None:
        """`environment` is the children's; asked to leave, they may take `leave_within_s`."""
        self._count = count
        self._listener = listener
        self._environment = dict(environment)
        self._leave_within_s = leave_within_s
        self._children: dict[int, _Child] = {}
        self._due_s: dict[int, float] = dict.fromkeys(range(count), 0.0)
        self._pauses_s: dict[int, float] = dict.fromkeys(range(count), 0.5)
        self._selector = selectors.DefaultSelector()
        self._asked_by: int | None = None
        self._one_has_served = False
        self._all_have_served = False

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C (KeyboardInterrupt). Raises Failure when the processes do not start at all."""
        folder = Path(tempfile.mkdtemp(prefix="okno-serve-"))
        try:
            with self._signals():
                while self._asked_by is None:
                    self._start_missing(folder)
                    self._listen()
                    self._bury()
        finally:
            # A socket that is open here would go on taking connections that nobody serves.
            self._listener.close()
            self._end_all()
            self._selector.close()
            shutil.rmtree(folder, ignore_errors=True)
        if self._asked_by == signal.SIGINT:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(number: int, _: FrameType | None) -> None:
            self._asked_by = number

        before = {one: signal.signal(one, ask) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _start_missing(self, folder: Path) -> None:
        now_s = time.monotonic()
        for number, due_s in list(self._due_s.items()):
            if due_s <= now_s:
                del self._due_s[number]
                self._children[number] = self._start(number, folder)

    def _start(self, number: int, folder: Path) -> _Child:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        numbers = [self._listener.fileno(), theirs.fileno()]
        # -P: whatever lies in the current folder is not taken for our package.
        command = [sys.executable, "-P", "-m", "cli.serve_process", *map(str, numbers), str(number), str(folder)]
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
                command,
                pass_fds=numbers,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us: they are asked to leave in their own way
            )
        finally:
            theirs.close()
        now_s = time.monotonic()
        child = _Child(process, ours, now_s, now_s)
        self._selector.register(ours, selectors.EVENT_READ, child)
        return child

    def _listen(self) -> None:
        for key, _ in self._selector.select(_LOOK_EVERY_S):
            child: _Child = key.data
            try:
                said = child.line.recv(4096)
            except OSError:
                said = b""
            if not said:
                self._selector.unregister(child.line)
            child.heard_s = time.monotonic()
            child.serves = child.serves or _STARTED in said
        if any(child.serves for child in self._children.values()):
            self._one_has_served = True
        serving = sum(child.serves for child in self._children.values())
        if serving == self._count and not self._all_have_served:
            self._all_have_served = True
            log.info("all %d processes serve", serving)

    def _bury(self) -> None:
        """Find the dead and the silent; the next ones are due after a pause that grows while they die young."""
        now_s = time.monotonic()
        for number, child in list(self._children.items()):
            if child.serves and now_s - child.heard_s > _SILENT_S:
                log.error("process %d has been silent for %d s and is killed", number, _SILENT_S)
                child.process.kill()
                child.process.wait()
            code = child.process.poll()
            if code is None:
                continue
            self._forget(number)
            if not self._one_has_served:
                raise Failure("The gateway did not start; the lines above say why.")
            lived_long = child.serves and now_s - child.began_s > _LONG_LIFE_S
            pause_s = self._pauses_s[number] = 0.5 if lived_long else min(self._pauses_s[number] * 2, _LONGEST_PAUSE_S)
            log.warning("process %d ended (%d); another one starts in %.1f s", number, code, pause_s)
            self._due_s[number] = now_s + pause_s

    def _forget(self, number: int) -> None:
        child = self._children.pop(number)
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.line)
        child.line.close()

    def _end_all(self) -> None:
        ends_s = time.monotonic() + self._leave_within_s + _GRACE_S
        for child in self._children.values():
            child.process.send_signal(signal.SIGTERM)
        for number, child in list(self._children.items()):
            try:
                child.process.wait(max(0.1, ends_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("process %d does not leave and is killed", number)
                child.process.kill()
                child.process.wait()
            self._forget(number)


def environment_of_children(database_url: str, host: str) -> dict[str, str]:
    """Ours, with the database that we have started and care for."""
    return {**os.environ, "OKNO_DATABASE_URL": database_url, "OKNO_HOST": host}
