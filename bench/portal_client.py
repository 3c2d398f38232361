"""Partner: citizens at a portal. Sends `submitMessage` over kept-alive connections and measures how long each answer takes.

HTTP is written by hand, because client and server share the machine and a whole client library would take the server's processor time.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from bench.ground import ADDRESS, CATEGORIES, LATITUDE, LONGITUDE
from bench.partner import serve

_DOCUMENT = """
mutation Send($input: SubmitMessageInput!) {
  submitMessage(input: $input) {
    message { reference status deadlineOn organisation { code name } }
    errors { __typename ... on InvalidInput { path message } }
  }
}
"""
_KINDS = tuple(CATEGORIES.values())


async def work(wish: dict[str, Any]) -> dict[str, Any]:
    """Send `count` messages over `connections` to the gateway on `port` with `token`; the latencies in ms."""
    requests = _requests(int(wish["count"]), str(wish["token"]))
    latencies_ms: list[float] = []
    began_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(int(wish["connections"])):
            group.create_task(_citizen(int(wish["port"]), requests, latencies_ms))
    return {"elapsed_s": time.perf_counter() - began_at, "latencies_ms": latencies_ms}


def _requests(count: int, token: str) -> Iterator[bytes]:
    for number in range(count):
        category, words = _KINDS[number % len(_KINDS)]
        message = {
            "idempotencyKey": str(uuid4()),
            "text": words,
            "category": category,
            "place": {"point": {"latitude": LATITUDE, "longitude": LONGITUDE}, "address": ADDRESS},
        }
        body = json.dumps({"query": _DOCUMENT, "variables": {"input": message}}, ensure_ascii=False).encode()
        yield (
            b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
        )


async def _citizen(port: int, requests: Iterator[bytes], latencies_ms: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        began_at = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.split(b":")[1]))
        latencies_ms.append((time.perf_counter() - began_at) * 1000)
        if not head.startswith(b"HTTP/1.1 200") or b'"errors":[]' not in body:
            raise RuntimeError(f"a message was not accepted: {head.decode()}{body.decode()}")
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    serve(work)
