"""Partner: the least that posts the same bytes. A loop over aiohttp that sends prepared requests and looks at the status, no more.

The requests are the ones a delivery makes: the agency's file and connector write them, through the capturing connector, before the clock starts.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp

from adapters.context import MessageContext
from agencies.registry import Registry
from bench.ground import ADDRESS, CATEGORIES, CONFIG, LATITUDE, LONGITUDE
from bench.partner import serve
from connectors.base import Request
from connectors.capture import CapturingConnector
from domain.reference import make_reference
from domain.subject import subject_of

# New to the agency each time, and far from the numbers that accepted messages get.
_SERIALS = count(90_000_001)


async def work(wish: dict[str, Any]) -> dict[str, Any]:
    """Prepare `total` submits to `agency` and post them, `at_once` at a time; seconds and processor seconds of the posting alone."""
    registry = Registry.load(CONFIG)
    code, total, at_once = str(wish["agency"]), int(wish["total"]), int(wish["at_once"])
    capturing = CapturingConnector(registry.connector(code, None))
    requests = [_request(registry, code, capturing) for _ in range(total)]
    async with aiohttp.ClientSession() as session:
        extra = await _login(session, wish)
        left = iter(requests)
        began_at, used_s = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(_post(session, left, extra))
        return {"elapsed_s": time.perf_counter() - began_at, "processor_s": time.process_time() - used_s}


def _request(registry: Registry, code: str, capturing: CapturingConnector) -> Request:
    category, words = CATEGORIES[code]
    now = datetime.now(UTC)
    message = MessageContext(
        reference=make_reference(now.year, next(_SERIALS)),
        id=str(uuid4()),
        subject=subject_of(words),
        text=words,
        category=category,
        category_name=category,
        received_at=now,
        latitude=LATITUDE,
        longitude=LONGITUDE,
        address=ADDRESS,
        territory="29701000",
    )
    return capturing.render(registry.adapter(code).submit_call(message))


async def _login(session: aiohttp.ClientSession, wish: dict[str, Any]) -> dict[str, str]:
    """What a login adds to every request; nothing for an agency without one."""
    if "token_address" not in wish:
        return {}
    pair = base64.b64encode(f"{wish['client_id']}:{wish['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    async with session.post(wish["token_address"], data=form, headers={"Authorization": f"Basic {pair}"}) as reply:
        reply.raise_for_status()
        return {"Authorization": f"Bearer {(await reply.json())['access_token']}"}


async def _post(session: aiohttp.ClientSession, requests: Iterator[Request], extra: dict[str, str]) -> None:
    for request in requests:
        headers = {**request.headers, **extra}
        async with session.post(request.url, data=request.body, headers=headers) as reply:
            body = await reply.read()
            if reply.status not in (200, 201):
                raise RuntimeError(f"the agency answered {reply.status}: {body[:300]!r}")


if __name__ == "__main__":
    serve(work)
