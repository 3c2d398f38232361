"""How the gateway runs as a process: uvicorn with the limits of the wire that the application cannot set itself, no log line with a citizen's words
in it, and a way out that loses nothing.

On SIGTERM: `/ready` says 503; after `OKNO_DRAIN_S` no connection is accepted any more; running operations end, sockets are closed with 1001 and event
streams complete, all within `OKNO_SHUTDOWN_S`; then the process ends with 0.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette

from gateway.access_log import AccessLog
from gateway.app import create_app
from gateway.metrics_page import Siblings
from gateway.services import Services
from gateway.settings import Settings
from gateway.socket_wire import SocketWire
from gateway.wire import MOST_HEAD_BYTES, event_loop, http_protocol

STARTED: Final = b"+"
ALIVE: Final = b"."


@dataclass(frozen=True, slots=True)
class Sibling:
    """One of several processes: its number, their common private folder, and the line to the parent.

    The parent hears `STARTED` once and `ALIVE` every second; when the line breaks, the parent is gone and so are we.
    """

    number: int
    folder: Path
    line: socket.socket


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for `uvicorn.Config(application, **…)`."""
    return {
        "host": settings.host,
        "port": settings.port,
        "loop": event_loop(),
        "http": http_protocol(),
        "ws": SocketWire,
        "ws_max_size": settings.limits.frame_bytes,
        "ws_max_queue": settings.limits.frames_waiting,
        # A compressed frame may unfold far beyond its size; subscriptions are small.
        "ws_per_message_deflate": False,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": max(1, round(settings.shutdown_s)),
        "h11_max_incomplete_event_size": MOST_HEAD_BYTES,
        "lifespan": "on",
        "log_config": None,
    }


def serve(settings: Settings, listener: socket.socket, sibling: Sibling | None = None) -> bool:
    """Serve at the socket until SIGTERM or Ctrl-C. False when it did not even start; the log says why.

    Raises BadHome before anything is opened. Whether the trusted documents fit the schema is better checked before (`gateway.trusted`).
    """
    siblings = Siblings(0, None) if sibling is None else Siblings(sibling.number, sibling.folder)
    app = create_app(settings=settings, siblings=siblings, access=AccessLog(sys.stderr))
    server = GatewayServer(app, settings, None if sibling is None else sibling.line)
    server.run(sockets=[listener])
    return server.started


class GatewayServer(uvicorn.Server):
    """uvicorn's server with our way out."""

    def __init__(self, app: Starlette, settings: Settings, line: socket.socket | None = None) -> None:
        super().__init__(uvicorn.Config(app, **uvicorn_options(settings)))
        self._app = app
        self._drain_s = settings.drain_s
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is there now (schema, dictionary, modules) stays for good, and walking it stops everybody for an eighth of a second each time.
        gc.collect()
        gc.freeze()
        self._say(STARTED)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self._say(ALIVE)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        services: Services = self._app.state.services
        services.leaving.begin()
        await asyncio.sleep(self._drain_s)
        for server in self.servers:
            server.close()
        await services.leaving.end_streams()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM:
            # uvicorn would raise the signal anew at the end and so end with a failure: leaving when asked is none.
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    def _say(self, word: bytes) -> None:
        if self._line is None:
            return
        try:
            self._line.send(word)
        except BlockingIOError:
            pass  # the parent is busy and has not read what it was told; it will
        except OSError:
            self.should_exit = True
