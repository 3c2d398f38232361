"""The access log: a line for each request with its method, route, status, size, time and id, and never a query, a header, a body or a person (P9).

Where the log is a stream of its own process (`okno serve`), lines are gathered for a moment and written together, because formatting and writing
each by itself costs as much as reading a message. Nothing is lost when the process ends: `flush` writes what is there. Anywhere else every line is a
record of the logger `gateway.access`, for whatever handlers there are.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import Final, TextIO

_GATHER_S: Final = 0.1
_MOST_LINES: Final = 1_000
_ROUTES: Final = re.compile(r"/(graphql|health|ready|metrics|agencies/[a-z0-9-]{1,64}/events)/?")

log = logging.getLogger("gateway.access")


class AccessLog:
    """Of one process."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream`: where lines go together; None for the logger."""
        self._stream = stream if log.isEnabledFor(logging.INFO) else None
        self._lines: list[str] = []
        self._second = 0
        self._stamp = ""

    def note(self, method: str, path: str, status: int, sent_bytes: int, seconds: float, request_id: str) -> None:
        """One request has ended. Call it from the event loop."""
        # A path may hold anything that somebody typed.
        route = path if path == "/graphql" or _ROUTES.fullmatch(path) else "(other)"
        if self._stream is None:
            log.info("%s %s %s %d bytes %.1f ms %s", method, route, status, sent_bytes, seconds * 1000, request_id)
            return
        self._lines.append(
            f"{self._now()}Z INFO gateway.access: {method} {route} {status} {sent_bytes} bytes {seconds * 1000:.1f} ms {request_id}\n"
        )
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(_GATHER_S, self.flush)
        elif len(self._lines) >= _MOST_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._stream is not None and self._lines:
            lines, self._lines = self._lines, []
            self._stream.write("".join(lines))
            self._stream.flush()

    def _now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return self._stamp
