"""Which event loop and HTTP/1.1 parser the gateway runs on: uvloop and httptools where there are wheels of them, with two limits
that httptools lacks and the short road for reads (`gateway.direct_http`).

The head of a request (and whatever else comes between bodies: trailers, chunk sizes) may be 64 KiB long and take ten seconds to arrive; a caller
who sends more, or sends it a byte at a time, loses the connection. Where httptools is not installed, h11 with its own limit of size does the work.
"""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any, Final

MOST_HEAD_BYTES: Final = 64 * 1024
HEAD_S: Final = 10.0


def http_protocol() -> Any:  # noqa: ANN401 - uvicorn takes a class or a name
    """What uvicorn is to speak HTTP with."""
    if importlib.util.find_spec("httptools") is None:
        return "h11"
    return import_module("gateway.direct_http").DirectHttp


def event_loop() -> str:
    """The name of the loop that uvicorn is to run on."""
    return "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"
