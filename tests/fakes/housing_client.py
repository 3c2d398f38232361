"""What tests of the housing inspection hold in their hands: a client of its API and the receiving end of its webhook."""

import asyncio
import hashlib
import io
import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Self

import aiohttp
from aiohttp import web

MODULE = "tests.fakes.housing_inspection"
_numbers = count(1)


def a_request(**changes: Any) -> dict[str, Any]:
    """A right request with an external id of its own; a change to `...` leaves the field out."""
    request = {
        "external_id": f"T-{next(_numbers):05d}",
        "kind": "heating",
        "title": "Холодные батареи",
        "description": "Третий день в квартире 12 градусов. “Ёлки” — ну и ну 🥶",
        "location": {"lat": 54.5138, "lon": 36.2612},
        "address": "Калуга, улица Кирова, 1",
        "territory_oktmo": "29701000",
        "received_at": "2026-11-22T17:16:05.120Z",
        **changes,
    }
    return {name: value for name, value in request.items() if value is not ...}


class Client:
    """A careful client of the machine interface: `(status, JSON)` of every call."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.token = ""

    async def sign_in(self) -> Self:
        """Take a token."""
        form = {"grant_type": "client_credentials", "client_id": "okno", "client_secret": "housing-secret"}
        status, issued = await self.call("POST", "/oauth/token", data=form)
        assert status == 200, issued
        self.token = issued["access_token"]
        return self

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """One call on a connection of its own."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        timeout = aiohttp.ClientTimeout(total=20)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, self.origin + path, headers=headers, **options) as reply,
        ):
            text = await reply.text()
            return reply.status, json.loads(text) if text else None

    async def create(self, **changes: Any) -> tuple[int, Any]:
        """Register a request."""
        return await self.call("POST", "/api/v1/requests", json=a_request(**changes))

    async def made(self, **changes: Any) -> str:
        """Register a request that must be accepted; its id."""
        status, case = await self.create(**changes)
        assert status == 201, case
        return str(case["id"])

    async def attach(self, case_id: str, content: bytes, sha256: str | None = None, **more: str) -> tuple[int, Any]:
        """Attach a file."""
        form = aiohttp.FormData({"sha256": sha256 or hashlib.sha256(content).hexdigest(), **more}, quote_fields=False)
        form.add_field("file", io.BytesIO(content), filename="подъезд.jpg", content_type="image/jpeg")
        return await self.call("POST", f"/api/v1/requests/{case_id}/files", data=form)

    async def changes_of(self, case_id: str) -> list[dict[str, Any]]:
        """Everything the feed says about one case."""
        items: list[dict[str, Any]] = []
        wish: dict[str, str] = {"limit": "200"}
        while True:
            _, page = await self.call("GET", "/api/v1/changes", params=wish)
            items += page["items"]
            wish["cursor"] = page["next_cursor"]
            if not page["has_more"]:
                return [item for item in items if item["request_id"] == case_id]


class Receiver:
    """A webhook's receiving end: keeps what came, answers what it is told (200 when nothing is left to tell)."""

    def __init__(self) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> Self:
        """Listen; after a stop, on the same port."""
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.port}/hook"

    def states_of(self, case_id: str) -> list[str]:
        """States that came for one case, in order of arrival."""
        items = [json.loads(body) for _, body in self.came]
        return [item["state"] for item in items if item["request_id"] == case_id]

    async def _take(self, request: web.Request) -> web.Response:
        self.came.append((dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 202)


async def eventually(holds: Callable[[], bool], within_s: float = 15.0) -> None:
    """Wait until something holds; fail when it does not within the time."""
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, f"not within {within_s} s"
        await asyncio.sleep(0.02)
