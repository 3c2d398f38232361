"""Partner: ordinary readers, who come at a steady rate whether or not the server is quick.

The time of an answer counts from the moment its request was due: a server that stops for a second has kept everybody waiting who came in that second.
"""

from __future__ import annotations

import asyncio
import time
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.partner import serve
from bench.read.requests import read_requests
from bench.wire import Connection


async def work(wish: dict[str, Any]) -> dict[str, Any]:
    """Ask the server on `port` with the requests in the file `requests`, `per_s` a second for `seconds`; latencies in ms, and what was refused."""
    requests, per_s = cycle(_prepared(str(wish["requests"]))), float(wish["per_s"])
    latencies_ms: list[float] = []
    refused: list[str] = []
    idle: list[Connection] = []

    async def read(request: bytes, due_at: float) -> None:
        connection = idle.pop() if idle else await Connection.connect(int(wish["port"]))
        answer = await connection.ask(request)
        latencies_ms.append((time.perf_counter() - due_at) * 1000)
        idle.append(connection)
        if answer.status != 200:
            refused.append(f"{answer.status} {answer.body[:200].decode(errors='replace')}")

    began_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(per_s * float(wish["seconds"]))):
            due_at = began_at + number / per_s
            await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
            group.create_task(read(next(requests), due_at))
    for connection in idle:
        connection.close()
    return {"latencies_ms": latencies_ms, "refused": refused[:3], "refused_count": len(refused)}


@cache
def _prepared(path: str) -> list[bytes]:
    return read_requests(Path(path))


if __name__ == "__main__":
    serve(work)
