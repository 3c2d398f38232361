"""Partner: readers at a portal. Sends prepared requests over kept-alive connections for some seconds and measures how long each answer takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.partner import serve
from bench.read.requests import read_requests
from bench.wire import Connection


async def work(wish: dict[str, Any]) -> dict[str, Any]:
    """Ask the server on `port` with the requests in the file `requests`, `connections` at a time, for `seconds`.

    Gives the latencies in ms and the seconds that passed until the last answer. Raises RuntimeError at the first answer that is none.
    """
    requests = cycle(_prepared(str(wish["requests"])))
    latencies_ms: list[float] = []
    began_at = time.perf_counter()
    ends_at = began_at + float(wish["seconds"])
    async with asyncio.TaskGroup() as group:
        for _ in range(int(wish["connections"])):
            group.create_task(_reader(int(wish["port"]), requests, ends_at, latencies_ms))
    return {"elapsed_s": time.perf_counter() - began_at, "latencies_ms": latencies_ms}


@cache
def _prepared(path: str) -> list[bytes]:
    return read_requests(Path(path))


async def _reader(port: int, requests: Iterator[bytes], ends_at: float, latencies_ms: list[float]) -> None:
    connection = await Connection.connect(port)
    for request in requests:
        began_at = time.perf_counter()
        if began_at > ends_at:
            break
        answer = await connection.ask(request)
        latencies_ms.append((time.perf_counter() - began_at) * 1000)
        if answer.status != 200 or b'"errors":[' in answer.body[:2_000]:
            raise RuntimeError(f"not an answer: {answer.status} {answer.body[:2000].decode(errors='replace')}")
    connection.close()


if __name__ == "__main__":
    serve(work)
