"""Faults a sample agency shows on demand: garbage, half replies, silence, lost replies and the rest.

`Faults` is the switchboard an operator turns; `FaultMiddleware` wraps the agency's whole application and shows the
fault that is switched on. The operator's own side (`/operator`) is never disturbed.

| kind | is the request processed? | what the caller sees |
|---|---|---|
| garbage | no | 200 and random bytes |
| half | yes | the true reply cut in the middle, then the connection closes |
| html | no | 200 and an HTML page |
| error_500 | no | 500 and an HTML page |
| ok_with_error | no | 200 and the agency's own way of saying "error" |
| silence | no | nothing for `seconds` (30), then the connection closes |
| huge | no | 200 and 200 MB |
| lost_reply | yes | the connection closes without a byte |
| created_with_error | yes | 500 and an HTML page |
| gzip_bomb | no | 200 and a small gzip body that inflates to 200 MB |
| busy | no | the agency's own "come later" |
| slow | yes | the true reply, one byte per `seconds` (0.2) |
| refuse_login | by the agency | the agency asks `Faults.refuses_login` where it checks credentials |
"""

import asyncio
import os
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = frozenset(
    {
        "garbage",
        "half",
        "html",
        "error_500",
        "ok_with_error",
        "silence",
        "huge",
        "lost_reply",
        "created_with_error",
        "gzip_bomb",
        "busy",
        "slow",
        "refuse_login",
    }
)
HANG_UP = "okno.hang_up"
"""Key in `scope["extensions"]` under which the server puts a function that closes the connection at once."""

_HUGE_BYTES = 200 * 1024 * 1024
_BLOCK_BYTES = 1024 * 1024
_DEFAULT_SECONDS = {"silence": 30.0, "slow": 0.2}
_WRONG_PAGE = (
    b"<!DOCTYPE html><html><head><title>Service</title></head>"
    b"<body><h1>Technical works</h1><p>Please come back later.</p></body></html>"
)


@dataclass(frozen=True)
class Reply:
    """A whole HTTP reply."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def soap_action_name(scope: Scope) -> str:
    """The last part of the SOAPAction header, e.g. `CreateCase`; empty without one."""
    for name, value in scope["headers"]:
        if name == b"soapaction":
            action: str = value.decode("latin-1").strip().strip('"')
            return action.rsplit("/", 1)[-1]
    return ""


@dataclass(frozen=True)
class Shape:
    """How one agency words its errors. Both callables are given the operation's name (see `operation_of`)."""

    ok_with_error: Callable[[str], Reply]
    busy: Callable[[str], Reply]
    operation_of: Callable[[Scope], str] = soap_action_name


@dataclass
class Fault:
    """One fault switched on: shown `times` more times, only to calls that fit `operation` (None: to every call)."""

    kind: str
    times: int
    operation: str | None = None
    seconds: float | None = None

    def fits(self, operation: str, path: str) -> bool:
        """True for the operation of exactly this name, or for a request line (`POST /soap`) that contains it."""
        return self.operation is None or self.operation == operation or self.operation in path

    @property
    def pause_s(self) -> float:
        """How long this kind waits: the whole silence, or the pause between two bytes."""
        return self.seconds if self.seconds is not None else _DEFAULT_SECONDS.get(self.kind, 0.0)


class Faults:
    """The switchboard: faults are shown in the order they were set, each as often as it was told. Thread-safe."""

    def __init__(self) -> None:
        """Start with every fault off."""
        self._lock = threading.Lock()
        self._set: list[Fault] = []

    def set(self, kind: str, times: int = 1, operation: str | None = None, seconds: float | None = None) -> None:
        """Switch a fault on. Raises ValueError, with words for the operator, for an unknown kind or a bad number."""
        if kind not in KINDS:
            raise ValueError(f"kind: {kind!r} is not a fault; choose one of {', '.join(sorted(KINDS))}")
        if times < 1:
            raise ValueError(f"times: {times} is too few; give 1 or more")
        if seconds is not None and not 0 <= seconds <= 600:
            raise ValueError(f"seconds: {seconds} is out of range; give 0 to 600")
        with self._lock:
            self._set.append(Fault(kind, times, operation, seconds))

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._set.clear()

    def waiting(self) -> list[Fault]:
        """The faults still to be shown."""
        with self._lock:
            return [Fault(f.kind, f.times, f.operation, f.seconds) for f in self._set]

    def take(self, operation: str, path: str) -> Fault | None:
        """The fault to show to this call, counted as shown. `path` is the request line, e.g. `POST /soap`."""
        return self._take(operation, path, login=False)

    def refuses_login(self, operation: str, path: str) -> bool:
        """True when this call's credentials are to be refused, whatever they are; counted as shown."""
        return self._take(operation, path, login=True) is not None

    def _take(self, operation: str, path: str, *, login: bool) -> Fault | None:
        with self._lock:
            for fault in self._set:
                if (fault.kind == "refuse_login") == login and fault.fits(operation, path):
                    fault.times -= 1
                    if not fault.times:
                        self._set.remove(fault)
                    return fault
        return None


class FaultMiddleware:
    """Wraps an agency's application and shows the faults that are switched on."""

    def __init__(self, app: ASGIApp, faults: Faults, shape: Shape) -> None:
        """Wrap `app`; it must be served by `tests.fakes.serving`, which lets a reply close its connection."""
        self._app = app
        self._faults = faults
        self._shape = shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI call."""
        if scope["type"] != "http" or scope["path"].startswith("/operator"):
            await self._app(scope, receive, send)
            return
        operation = self._shape.operation_of(scope)
        fault = self._faults.take(operation, f"{scope['method']} {scope['path']}")
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind in {"half", "lost_reply", "created_with_error", "slow"}:
            await self._process_and_spoil(fault, scope, receive, send)
        else:
            await _read_all(receive)
            await self._answer_instead(fault, operation, scope, receive, send)

    async def _process_and_spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _true_reply(self._app, scope, receive)
        if fault.kind == "lost_reply":
            await _hang_up(scope, receive)
        elif fault.kind == "created_with_error":
            await _send(send, Reply(500, "text/html; charset=utf-8", _WRONG_PAGE))
        elif fault.kind == "half":
            await send(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await _hang_up(scope, receive)
        else:
            await send(start)
            for at in range(len(body)):
                await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
                if await _caller_left(receive, fault.pause_s):
                    return
            await send({"type": "http.response.body", "body": b""})

    async def _answer_instead(self, fault: Fault, operation: str, scope: Scope, receive: Receive, send: Send) -> None:
        usual_type = self._shape.ok_with_error(operation).content_type
        match fault.kind:
            case "garbage":
                await _send(send, Reply(200, usual_type, os.urandom(2048)))
            case "html":
                await _send(send, Reply(200, "text/html; charset=utf-8", _WRONG_PAGE))
            case "error_500":
                await _send(send, Reply(500, "text/html; charset=utf-8", _WRONG_PAGE))
            case "ok_with_error":
                await _send(send, self._shape.ok_with_error(operation))
            case "busy":
                await _send(send, self._shape.busy(operation))
            case "silence":
                if not await _caller_left(receive, fault.pause_s):
                    await _hang_up(scope, receive)
            case "huge":
                await _send_huge(send, usual_type)
            case "gzip_bomb":
                bomb = await asyncio.to_thread(_gzip_bomb)
                await _send(send, Reply(200, usual_type, bomb, {"content-encoding": "gzip"}))
            case _:
                raise AssertionError(f"no way to show the fault {fault.kind}")


def fault_routes(faults: Faults) -> list[Route]:
    """The operator's switches: GET lists what is on, POST switches one on, DELETE switches all off."""

    async def listing(request: Request) -> Response:
        return JSONResponse({"faults": [vars(fault) for fault in faults.waiting()]})

    async def switch_on(request: Request) -> Response:
        try:
            wish = await request.json()
            faults.set(
                str(wish["kind"]), int(wish.get("times", 1)), _text(wish.get("operation")), _number(wish.get("seconds"))
            )
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return JSONResponse({"error": {"code": "bad_fault", "message": str(problem)}}, status_code=422)
        return await listing(request)

    async def switch_off(request: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    return [
        Route("/operator/faults", listing, methods=["GET"]),
        Route("/operator/faults", switch_on, methods=["POST"]),
        Route("/operator/faults", switch_off, methods=["DELETE"]),
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


async def _send(send: Send, reply: Reply) -> None:
    headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), **reply.headers}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body})


async def _send_huge(send: Send, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode("latin-1"))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    block = b" " * _BLOCK_BYTES
    for _ in range(_HUGE_BYTES // _BLOCK_BYTES):
        await send({"type": "http.response.body", "body": block, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})


async def _true_reply(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    start: Message = {}
    parts: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    return start, b"".join(parts)


async def _read_all(receive: Receive) -> None:
    """Take the whole request in: a reply sent before that is often lost on its way to the caller."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


async def _caller_left(receive: Receive, within_s: float) -> bool:
    """Wait; True as soon as the caller closes the connection, False when the time is over."""
    try:
        async with asyncio.timeout(within_s):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _hang_up(scope: Scope, receive: Receive) -> None:
    scope["extensions"][HANG_UP]()
    while (await receive())["type"] != "http.disconnect":
        pass


@lru_cache(maxsize=1)
def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * _BLOCK_BYTES
    parts = [packer.compress(block) for _ in range(_HUGE_BYTES // _BLOCK_BYTES)]
    return b"".join([*parts, packer.flush()])
