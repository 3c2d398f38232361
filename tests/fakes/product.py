"""A product's fake as a real server inside the test's own loop: aiohttp on 127.0.0.1, state in memory, faults on demand.

A fake subclasses `Product`, adds its routes and keeps its state in plain attributes that tests read and change. `spoil` switches
one fault on, shown to the next calls whose request line or operation contains `on`:

| kind | is the call processed? | what the caller sees |
|---|---|---|
| lost_reply | yes | the connection closes without a byte |
| half | yes | the true reply cut in the middle |
| created_with_error | yes | 500 and an HTML page |
| error_500 | no | 500 and an HTML page |
| html | no | 200 and an HTML page |
| garbage | no | 200 and bytes that are nothing |
| busy | no | 503 |
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

KINDS = frozenset({"lost_reply", "half", "created_with_error", "error_500", "html", "garbage", "busy"})
_PROCESSED = frozenset({"lost_reply", "half", "created_with_error"})
_PAGE = "<!DOCTYPE html><html><body><h1>Technical works</h1></body></html>"


@dataclass
class _Fault:
    kind: str
    on: str
    times: int


class Clock:
    """The product's own clock: it begins at a fixed moment and goes on only when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)

    def passes(self, seconds: float) -> datetime:
        """Let time pass; returns the new moment."""
        self.now += timedelta(seconds=seconds)
        return self.now


class Product:
    """One product. `start` listens on a free port, `stop` closes it; `start` again takes the same port."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.calls: list[str] = []
        """Request lines in the order they came, such as `POST /issues.json`; with an operation behind it for SOAP."""
        self._faults: list[_Fault] = []
        self._runner: web.AppRunner | None = None
        self._port = 0

    def application(self) -> web.Application:
        """The routes of the product."""
        raise NotImplementedError

    def operation_of(self, request: web.Request) -> str:
        """What `spoil` and `calls` name beside the request line."""
        return ""

    async def start(self) -> Self:
        """Listen."""
        app = self.application()
        app.middlewares.append(self._spoiling())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        # Without reuse_address a product that was down could not come back on its port.
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """Close; the state stays."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:N`."""
        return f"http://127.0.0.1:{self._port}"

    def spoil(self, kind: str, on: str = "", times: int = 1) -> None:
        """Switch a fault on for the next `times` calls whose request line or operation contains `on`."""
        if kind not in KINDS:
            raise ValueError(f"{kind} is no fault; choose one of {', '.join(sorted(KINDS))}")
        self._faults.append(_Fault(kind, on, times))

    def heal(self) -> None:
        """Switch every fault off."""
        self._faults.clear()

    def _spoiling(self) -> Middleware:
        @web.middleware
        async def spoiling(request: web.Request, handler: Handler) -> web.StreamResponse:
            line = f"{request.method} {request.path} {self.operation_of(request)}".strip()
            self.calls.append(line)
            fault = self._take(line)
            if fault is None:
                return await handler(request)
            if fault in _PROCESSED:
                return await self._spoilt(request, await handler(request), fault)
            await request.read()
            match fault:
                case "html":
                    return web.Response(text=_PAGE, content_type="text/html")
                case "garbage":
                    return web.Response(body=bytes(range(256)), content_type="application/octet-stream")
                case "busy":
                    return web.Response(status=503, headers={"Retry-After": "1"})
            return web.Response(status=500, text=_PAGE, content_type="text/html")

        return spoiling

    def _take(self, line: str) -> str | None:
        for fault in self._faults:
            if fault.on in line:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault.kind
        return None

    async def _spoilt(self, request: web.Request, reply: web.StreamResponse, fault: str) -> web.StreamResponse:
        if fault == "created_with_error":
            return web.Response(status=500, text=_PAGE, content_type="text/html")
        assert request.transport is not None
        if fault == "half":
            assert isinstance(reply, web.Response)
            body = reply.body if isinstance(reply.body, bytes) else b""
            cut = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type})
            cut.content_length = len(body) + 1
            await cut.prepare(request)
            await cut.write(body[: len(body) // 2])
            await asyncio.sleep(0)
        request.transport.close()
        return reply


def stamp(moment: datetime) -> str:
    """A moment to the second in UTC, as `2026-03-02T09:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
