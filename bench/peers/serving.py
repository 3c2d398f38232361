"""How the peers in Python are told where the database and their port are, and how uvicorn runs them: like the hub, without its access log."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import uvicorn
from starlette.applications import Starlette


async def open_pool(init: Callable[[asyncpg.Connection], Any] | None = None) -> asyncpg.Pool:
    """As many connections as BENCH_CONNECTIONS says, to the database of BENCH_DATABASE."""
    size = int(os.environ["BENCH_CONNECTIONS"])
    settings = {"timezone": "UTC", "jit": "off"}
    address = json.loads(os.environ["BENCH_DATABASE"])
    return await asyncpg.create_pool(**address, min_size=size, max_size=size, init=init, server_settings=settings)


def lifespan_with(open_it: Callable[[], Any]) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    """A lifespan that keeps what `open_it` opens in `app.state.opened` and closes it at the end."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.opened = await open_it()
        yield
        await app.state.opened.close()

    return lifespan


def run(app: Starlette) -> None:
    """Serve on 127.0.0.1 until SIGTERM; uvloop and httptools where they are installed, as `okno serve` does."""
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
