"""How uvicorn must run the gateway: the limits of the wire that the application cannot set itself, and no log line
with a citizen's words in it.
"""

from __future__ import annotations

from typing import Any

from gateway.settings import Settings

APPLICATION = "gateway.app:create_app"


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for `uvicorn.run(APPLICATION, **…)` and `uvicorn.Config`."""
    return {
        "factory": True,
        "host": settings.host,
        "port": settings.port,
        "ws": "websockets-sansio",
        "ws_max_size": settings.limits.frame_bytes,
        "ws_max_queue": settings.limits.frames_waiting,
        # A compressed frame may unfold far beyond its size; subscriptions are small.
        "ws_per_message_deflate": False,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": 5,
        "h11_max_incomplete_event_size": 64 * 1024,
        "lifespan": "on",
    }
