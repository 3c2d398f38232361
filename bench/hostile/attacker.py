"""Partner: one hostile client. Attacks for some seconds, at a rate that one client can reach, and tells what it was answered."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.hostile.connections import CONNECTIONS
from bench.hostile.documents import REQUESTS, Ground
from bench.partner import serve
from bench.wire import Connection, ConnectionGone

_AT_ONCE = 20
_SEED = 1
_ANSWERED_WITHIN_S = 10.0


async def work(wish: dict[str, Any]) -> dict[str, Any]:
    """Do the `attack` of that name on `port` for `seconds`, with a `token` of one's own."""
    name, port, seconds = str(wish["attack"]), int(wish["port"]), float(wish["seconds"])
    if name in CONNECTIONS:
        return {"seen": dict(await CONNECTIONS[name](port, seconds))}
    attack = REQUESTS[name]
    requests = attack.write(Ground(str(wish["token"]), random.Random(_SEED)))
    return {"seen": dict(await _send(port, requests, attack.per_s, seconds))}


async def _send(port: int, requests: Sequence[bytes], per_s: float, seconds: float) -> Counter[str]:
    """Requests at a steady rate whatever the answers, as long as not too many are unanswered."""
    seen: Counter[str] = Counter()
    gate, loop = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop()
    idle: list[Connection] = []

    async def send(request: bytes) -> None:
        async with gate:
            connection = idle.pop() if idle else await Connection.connect(port)
            try:
                async with asyncio.timeout(_ANSWERED_WITHIN_S):
                    answer = await connection.ask(request)
            except (ConnectionGone, TimeoutError) as problem:
                seen[type(problem).__name__] += 1
                connection.close()
                return
            seen[str(answer.status)] += 1
            idle.append(connection)

    began_at = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(round(per_s * seconds)):
            await asyncio.sleep(max(0.0, began_at + number / per_s - loop.time()))
            async with gate:
                pass
            group.create_task(send(requests[number % len(requests)]))
            if loop.time() - began_at > seconds:
                break
    for connection in idle:
        connection.close()
    return seen


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        serve(work)
