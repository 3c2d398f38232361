"""HTTP under every wire: one aiohttp session per process, one deadline per call, and honest words for what went wrong.

`Wire.exchange` carries one Request and brings one RawReply. It promises: nothing takes longer than `timeout_s`, whatever the other
side does (a trickle of single bytes ends at the deadline too); no more than `max_reply_bytes` are kept, counted after unpacking; no
redirect is followed, no proxy or cookie is used; `NotSent` only when the request cannot have arrived. What may have arrived is
repeated only for calls that are safe to repeat. This is the only place that tries again while a caller waits.
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
import ssl as tls
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import tenacity
from yarl import URL

from connectors.base import BadConnection, ConnectorError, Lost, NotSent, Request, Unreadable
from connectors.inflate import ACCEPTED, Inflater
from connectors.resolving import GuardedResolver, check_literal, only_public

STANDARD_HEADERS: Final[Mapping[str, str]] = {"User-Agent": "Okno", "Accept-Encoding": ACCEPTED}
"""Headers of every request, whatever the protocol."""

_TRIES = 3
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 1.0
_CONNECTIONS = 512
_LARGE_BODY_BYTES = 1024 * 1024
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(
    {
        *("accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type"),
        *("cookie", "expect", "host", "keep-alive", "proxy-authorization", "soapaction", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may cost. `timeout_s` covers all of it, login and repeats too; repeats begin only inside `attempt_window_s`."""

    timeout_s: float = 20.0
    max_reply_bytes: int = 8 * 1024 * 1024
    attempt_window_s: float = 5.0

    def __post_init__(self) -> None:
        """Raises BadConnection for a limit that would let nothing through."""
        for name in ("timeout_s", "max_reply_bytes"):
            if getattr(self, name) <= 0:
                raise BadConnection(f"{name}: must be more than 0")
        if self.attempt_window_s < 0:
            raise BadConnection("attempt_window_s: must be 0 (never repeat) or more")


@dataclass(frozen=True, slots=True)
class RawReply:
    """One whole HTTP reply, unpacked, and the request that brought it.

    Header names are lower case; of a repeated header the values are joined by a comma.
    """

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


class Unreachable(NotSent):
    """No connection came about: worth another try inside the window, or another address, even for a call that must not be repeated."""


class _Cut(Lost):
    """The connection ended before the reply did: worth another try for a safe call only."""


@dataclass(slots=True)
class _Flight:
    """How far one try came. `begun` from the moment a connection is at hand: from then on bytes may have left."""

    begun: bool = False


def open_session() -> aiohttp.ClientSession:
    """The one session of a process, for every agency. Call inside the running loop; the caller closes it."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_mark_begun)
    trace.on_connection_reuseconn.append(_mark_begun)
    return aiohttp.ClientSession(
        # Every new connection asks anew where its name leads: an answer judged for one agency must not serve another.
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, resolver=GuardedResolver(), use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        middlewares=(_no_hidden_repeat,),
        trace_configs=[trace],
    )


async def _mark_begun(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceConnectionCreateEndParams | aiohttp.TraceConnectionReuseconnParams,
) -> None:
    flight: _Flight = context.trace_request_ctx
    flight.begun = True


async def _no_hidden_repeat(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp quietly repeats GET, PUT and DELETE when a kept connection turns out to be dead; who repeats is our decision."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Cut("the connection was closed before the reply came") from error


class Wire:
    """Carries requests over the shared session. Holds nothing of its own; as many as you like may share a session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """`session` comes from `open_session`."""
        self._session = session

    async def exchange(
        self,
        request: Request,
        limits: Limits,
        *,
        safe: bool = False,
        ssl: tls.SSLContext | None = None,
        deadline: float | None = None,
        renewed: Callable[[], Request] | None = None,
        private: bool = True,
        connect_timeout_s: float | None = None,
    ) -> RawReply:
        """Carry one request. Raises NotSent, Lost or Unreadable, each with the request in it.

        `deadline` (loop time) is given when part of `timeout_s` was already spent, on a login for instance. `renewed` makes
        the request anew for another try, where the same bytes twice would be refused (a nonce). Without `private` a host name that
        leads into a private network is refused. `connect_timeout_s` leaves time for another address.
        """
        loop = asyncio.get_running_loop()
        if deadline is None:
            deadline = loop.time() + limits.timeout_s
        window_s = min(limits.attempt_window_s, deadline - loop.time())
        repeated: tuple[type[ConnectorError], ...] = (Unreachable, _Cut) if safe else (Unreachable,)
        tries = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(_TRIES) | tenacity.stop_before_delay(window_s),
            wait=tenacity.wait_random_exponential(_FIRST_WAIT_S, _LONGEST_WAIT_S),
            retry=tenacity.retry_if_exception_type(repeated),
            reraise=True,
        )
        async for attempt in tries:
            with attempt:
                if renewed is not None and attempt.retry_state.attempt_number > 1:
                    request = renewed()
                with only_public(not private):
                    return await self._try_once(request, limits.max_reply_bytes, ssl, deadline, connect_timeout_s)
        raise AssertionError("the last try either returns or raises")

    async def _try_once(
        self,
        request: Request,
        max_reply_bytes: int,
        ssl: tls.SSLContext | None,
        deadline: float,
        connect_timeout_s: float | None,
    ) -> RawReply:
        flight = _Flight()
        try:
            async with asyncio.timeout_at(deadline):
                return await self._exchange(request, max_reply_bytes, ssl, flight, connect_timeout_s)
        except ConnectorError as error:
            error.request = request
            raise
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            # ValueError and RuntimeError are how aiohttp refuses a request it cannot write and a session already closed.
            ours = _in_our_words(error, begun=flight.begun)
            ours.request = request
            raise ours from error

    async def _exchange(
        self,
        request: Request,
        max_reply_bytes: int,
        ssl: tls.SSLContext | None,
        flight: _Flight,
        connect_timeout_s: float | None,
    ) -> RawReply:
        # aiohttp wants large bodies as a file, so that it can feed them to the socket in pieces.
        large = len(request.body) > _LARGE_BODY_BYTES
        response = await self._session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=request.headers,
            data=io.BytesIO(request.body) if large else request.body or None,
            allow_redirects=False,
            ssl=True if ssl is None else ssl,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s),
            trace_request_ctx=flight,
        )
        try:
            body = await _read(response, max_reply_bytes)
        except BaseException:
            response.close()
            raise
        if 300 <= response.status < 400:
            raise Unreadable(
                f"the reply is a redirect ({response.status}), which is never followed: put the final address into the file",
                status=response.status,
                raw=body,
            )
        # As they were written: what the other side quoted or escaped it gets back so.
        cookies = {name: morsel.coded_value for name, morsel in response.cookies.items()}
        return RawReply(request, response.status, _plain_headers(response), body, cookies)


async def _read(response: aiohttp.ClientResponse, max_reply_bytes: int) -> bytes:
    """The whole unpacked body. Raises Lost when it is over the limit or ends early, Unreadable when it does not unpack."""
    too_big = f"the reply is larger than {max_reply_bytes} bytes (max_reply_bytes)"
    try:
        inflater = Inflater(response.headers.get("Content-Encoding", ""))
        body, wire_bytes = bytearray(), 0
        async for piece in response.content.iter_any():
            wire_bytes += len(piece)
            body += inflater.feed(piece, max_reply_bytes + 1 - len(body))
            if len(body) > max_reply_bytes or wire_bytes > max_reply_bytes:
                raise Lost(too_big, status=response.status)
        inflater.finish()
    except aiohttp.ClientPayloadError as error:
        raise _Cut("the connection was closed in the middle of the reply", status=response.status) from error
    except Unreadable as error:
        error.status = response.status
        raise
    return bytes(body)


def _plain_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    plain: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        plain[key] = f"{plain[key]}, {value}" if key in plain else value
    return plain


def _in_our_words(error: Exception, *, begun: bool) -> ConnectorError:
    """The error of our tree for one of aiohttp's. The words never hold what was sent or received."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Unreachable("the host name of `address` is not known")
        case aiohttp.ClientConnectorCertificateError():
            return NotSent("the certificate of the other side is not trusted: check `address` and the agency's CA")
        case aiohttp.ClientConnectorSSLError():
            return NotSent("the TLS handshake failed: check `address` and the TLS settings")
        case aiohttp.ClientConnectorError():
            return Unreachable(f"no connection ({error.os_error.strerror or 'refused'}): check `address`")
        case TimeoutError():
            if begun:
                return Lost("no whole reply came in time (timeout)")
            return Unreachable("no connection came about in time (timeout): check `address`")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return NotSent("the address is not an http(s) address: check `address`")
        case aiohttp.ClientResponseError():
            return Unreadable("the reply is not HTTP, or its headers are too long")
    if begun:
        return _Cut("the connection broke before the whole reply came")
    return NotSent(f"the request could not be sent ({type(error).__name__})")


def checked_address(address: str) -> str:
    """The address as given, when it is one that a connector may be pinned to. Raises BadConnection."""
    try:
        parts = urlsplit(address)
        usable = bool(parts.scheme in {"http", "https"} and parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[\x21-\x7e]+", address):
        raise BadConnection("address: must be an ASCII http:// or https:// address with a host")
    if parts.username is not None or parts.password is not None:
        raise BadConnection("address: must not hold a user name or password; put them under `security`")
    if parts.hostname is not None:
        check_literal(parts.hostname)
    if parts.fragment or "#" in address:
        raise BadConnection("address: must not hold a fragment (#…); remove it")
    return address


def check_header(name: str, value: str) -> None:
    """Raises NotSent for a header that would break the request apart or that no server reads the same way."""
    if not _HEADER_NAME.fullmatch(name):
        raise NotSent(f"header {name!r}: the name has characters that a header name cannot have")
    if not _HEADER_VALUE.fullmatch(value):
        raise NotSent(f"header {name}: the value must be printable ASCII in one line; encode it in the agency's file")


def call_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """A call's own headers, checked. Raises NotSent; those that the wire itself must decide may not be set."""
    for name, value in headers.items():
        check_header(name, value)
        if name.lower() in _OURS:
            raise NotSent(f"header {name}: is set by the connector itself; remove it from the call")
    return dict(headers)


def basic_authorization(username: str, password: str) -> str:
    """The value of an `Authorization: Basic` header, in UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
