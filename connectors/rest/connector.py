"""The REST wire: JSON, XML, forms and files to one pinned address.

`render` and `send` make the request by the same code. A 401 means that the agency did not act: with a login the token is renewed once
and the request sent again; a second 401 is NotSent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.base import BadConnection, Call, NotSent, Reply, Request, Tree, Unreadable
from connectors.credentials import check_filled, filled
from connectors.http import STANDARD_HEADERS, Limits, RawReply, Wire, call_headers
from connectors.reaching import Reach
from connectors.rest.reply import read_json
from connectors.rest.request import BodyFormat, method_and_path, query_string, written_body
from connectors.rest.xml import read_xml
from connectors.security.gate import REFUSED, Gate, Unauthorised, Way, deadline_in
from connectors.security.grant import Grant

_LARGE_REPLY_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class RestConnection:
    """How one agency's REST service is reached; every path is joined to `address`. Times are in seconds.

    `also_at` are addresses to be tried when the first cannot be reached. Without `private` a host name that leads into a private network
    is refused. `reply_charset` counts whatever a reply says of itself. `headers` go with every call that does not say them itself.
    """

    address: str
    security: Way | Sequence[Way] | None = None
    timeout_s: float = 20.0
    max_reply_bytes: int = 8 * 1024 * 1024
    attempt_window_s: float = 5.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    also_at: tuple[str, ...] = ()
    private: bool = False
    request_charset: str = "utf-8"
    reply_charset: str | None = None
    body_format: BodyFormat = "json"
    headers: Mapping[str, str] = field(default_factory=dict)


class RestConnector:
    """A connector for one RestConnection. Without a wire it renders only."""

    def __init__(self, connection: RestConnection, wire: Wire | None = None) -> None:
        """Raises BadConnection with the field and the remedy."""
        self._connection = connection
        self._wire = wire
        self._limits = Limits(connection.timeout_s, connection.max_reply_bytes, connection.attempt_window_s)
        tls, private = connection.tls, connection.private
        addresses = (connection.address, *connection.also_at)
        self._reach = Reach(addresses, self._limits, tls=tls, private=private)
        if any("?" in address for address in addresses):
            raise BadConnection("address: must not hold a query (?…); put it into the calls")
        ways = connection.security or ()
        ways = ways if isinstance(ways, Sequence) else (ways,)
        self._gate = Gate(ways, self._limits, wire=wire, carry=self._carry, tls=tls, private=private)

    async def send(self, call: Call) -> Reply:
        """Carry the call. Raises NotSent, Lost or Unreadable."""
        if self._wire is None:
            raise NotSent("this connector only renders: it was made without a wire", request=self.render(call))
        self._check(call)
        deadline = deadline_in(self._limits)
        try:
            return await self._gate.carried(lambda grant: self._carry(call, grant, deadline), deadline)
        except NotSent as error:
            if error.request is None:
                with suppress(NotSent):
                    error.request = self.render(call)
            raise

    def render(self, call: Call) -> Request:
        """The request `send` would put on the wire; what a login brings is left out or shown by its name. Raises NotSent."""
        self._check(call)
        return self._request(call, self._gate.known, self._reach.address)

    async def close(self) -> None:
        """End a login under way; the shared session stays."""
        await self._gate.close()

    def _check(self, call: Call) -> None:
        check_filled(call, self._gate.names)

    def _request(self, call: Call, grant: Grant, address: str) -> Request:
        if grant.credentials:
            call = filled(call, grant.credentials)
        charset = self._connection.request_charset
        method, path = method_and_path(call)
        body, content_type = written_body(call, charset, self._connection.body_format)
        if body and method in {"GET", "HEAD"}:
            raise NotSent(f"body: a {method} request has none; use `query`")
        for name in grant.query:
            if name in call.query:
                raise NotSent(f"query.{name}: is the API key's own name; remove it from the call")
        url = address.rstrip("/") + path + query_string({**call.query, **grant.query}, charset)
        own = {"Accept": f"application/{self._connection.body_format}"} | (
            {"Content-Type": content_type} if content_type else {}
        )
        said = {name.lower() for name in call.headers}
        usual = {name: value for name, value in self._connection.headers.items() if name.lower() not in said}
        headers = {**STANDARD_HEADERS, **own, **call_headers({**usual, **call.headers}), **grant.all_headers}
        return Request(method, url, headers, body, grant.secrets)

    async def _carry(self, call: Call, grant: Grant, deadline: float) -> Reply:
        """One request, signed in. Raises Unauthorised for a 401."""
        if self._wire is None:
            raise NotSent("this connector only renders: it was made without a wire")
        raw = await self._reach.exchange(
            self._wire, lambda address: self._request(call, grant, address), deadline, safe=call.safe
        )
        if raw.status == 401:
            raise Unauthorised(REFUSED, request=raw.request, status=raw.status, raw=raw.body)
        try:
            tree = await self._read(raw)
        except Unreadable as error:
            error.request, error.status, error.raw = raw.request, raw.status, raw.body
            raise
        return Reply(raw.status, raw.headers, raw.body, tree, raw.request, cookies=raw.cookies)

    async def _read(self, raw: RawReply) -> Tree:
        content_type, charset = raw.headers.get("content-type", ""), self._connection.reply_charset
        read = read_xml if self._connection.body_format == "xml" else read_json
        if len(raw.body) > _LARGE_REPLY_BYTES:
            # A large document takes long enough to hold up every other call of the loop.
            return await asyncio.to_thread(read, raw.body, content_type, charset)
        return read(raw.body, content_type, charset)
