"""What happens to every request before and after its route: a request id, safe headers, one line in the log, and an
answer whatever breaks.

An unexpected error leaves as INTERNAL with a reference; the log has the reference and the places in the code, and not the
error's text, which may quote what a citizen wrote. The line of each request is `gateway.access_log`'s.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterable

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access_log import AccessLog
from gateway.origins import add_origin_headers
from gateway.refusals import Code, Refusal, internal, preferred_language
from gateway.request_ids import request_id
from store.reading import ReadsAway, ReadTooLong

log = logging.getLogger(__name__)

RawHeaders = Iterable[tuple[bytes, bytes]]

_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
_CONTENT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Doorstep:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, access: AccessLog, origins: frozenset[str] = frozenset()) -> None:
        """`origins`: pages of which other origins may read the answers of `/graphql`."""
        self._app = app
        self._access = access
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        passage = _Passage(scope, send, self._origins)
        try:
            await self._app(scope, receive, passage.send)
        except ClientDisconnect:
            passage.status = 499
        except Exception as error:  # noqa: BLE001 - the last place that can still answer the caller
            await passage.apologise(error, receive)
        finally:
            passage.write_log(self._access)


def with_safe_headers(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, and those that every answer of ours has."""
    raw = [*headers, *_RAW_HEADERS]
    if not any(name == _CONTENT_POLICY[0] for name, _ in raw):
        raw.append(_CONTENT_POLICY)
    return raw


class _Passage:
    """One request on its way through."""

    def __init__(self, scope: Scope, send: Send, origins: frozenset[str]) -> None:
        self._scope = scope
        self._origins = origins
        self._send = send
        self._headers = Headers(scope=scope)
        self.request_id = request_id(self._headers.get("x-request-id", ""))
        self.status = 0
        self._sent_bytes = 0
        self._began_s = time.perf_counter()

    async def send(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self.status = message["status"]
                message["headers"] = with_safe_headers(message["headers"])
                message["headers"].append((b"x-request-id", self.request_id.encode()))
                if self._origins and self._scope["path"].rstrip("/") == "/graphql":
                    add_origin_headers(MutableHeaders(scope=message), self._headers, self._origins)
            case "http.response.body":
                self._sent_bytes += len(message.get("body", b""))
            case "websocket.accept":
                self.status = 101
            case "websocket.send":
                self._sent_bytes += len(message.get("text") or message.get("bytes") or "")
            case "websocket.close":
                self.status = message.get("code", 1000)
        await self._send(message)

    async def apologise(self, error: Exception, receive: Receive) -> None:
        """Answer for what broke, if the answer has not begun."""
        refusal = _refusal_for(error, self.request_id)
        if refusal.code is Code.INTERNAL:
            places = [f"{place.filename}:{place.lineno}" for place in traceback.extract_tb(error.__traceback__)]
            log.error("%s: unexpected %s at %s", self.request_id, type(error).__name__, " < ".join(reversed(places)))
        if self._scope["type"] == "websocket":
            await self.send({"type": "websocket.close", "code": 1011, "reason": "Internal error"})
        elif self.status == 0:
            language = preferred_language(self._headers.get("accept-language", ""))
            await refusal.response(language)(self._scope, receive, self.send)
        # Else the answer is on its way; the server closes the connection because it is not whole.

    def write_log(self, access: AccessLog) -> None:
        method, seconds = self._scope.get("method", "WEBSOCKET"), time.perf_counter() - self._began_s
        access.note(method, self._scope["path"], self.status, self._sent_bytes, seconds, self.request_id)


def _refusal_for(error: Exception, reference: str) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout | ReadsAway | ReadTooLong):
        log.error("%s: the database does not answer (%s)", reference, type(error).__name__)
        return Refusal(
            503,
            Code.UNAVAILABLE,
            "База данных сейчас не отвечает. Повторите через минуту.",
            "The database does not answer now. Try again in a minute.",
            {"retry-after": "10"},
        )
    return internal(reference)
