"""The REST wire: JSON, forms and files to one pinned address.

`render` and `send` make the request by the same code. A 401 means that the agency did not act: with a login the token is renewed once
and the request sent again; a second 401 is NotSent.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field, replace

from connectors.base import BadConnection, Call, NotSent, Reply, Request, Tree, Unreadable
from connectors.http import STANDARD_HEADERS, Limits, RawReply, Wire, call_headers, checked_address
from connectors.rest.auth import Auth, OAuth2ClientCredentials, check_auth, fixed_credentials
from connectors.rest.login import Login
from connectors.rest.reply import read_json
from connectors.rest.request import method_and_path, query_string, written_body

_LARGE_REPLY_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class RestConnection:
    """How one agency's REST service is reached; every path is joined to `address`. Times are in seconds."""

    address: str
    auth: Auth = None
    timeout_s: float = 20.0
    max_reply_bytes: int = 8 * 1024 * 1024
    attempt_window_s: float = 5.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)


class RestConnector:
    """A connector for one RestConnection. Without a wire it renders only."""

    def __init__(self, connection: RestConnection, wire: Wire | None = None) -> None:
        """Raises BadConnection with the field and the remedy."""
        checked_address(connection.address)
        if "?" in connection.address:
            raise BadConnection("address: must not hold a query (?…); put it into the calls")
        check_auth(connection.auth)
        self._connection = connection
        self._wire = wire
        self._limits = Limits(connection.timeout_s, connection.max_reply_bytes, connection.attempt_window_s)
        self._login: Login | None = None
        if wire is not None and isinstance(connection.auth, OAuth2ClientCredentials):
            self._login = Login(connection.auth, wire, self._limits, connection.tls)

    async def send(self, call: Call) -> Reply:
        """Carry the call. Raises NotSent, Lost or Unreadable."""
        request = self.render(call)
        if self._wire is None:
            raise NotSent("this connector only renders: it was made without a wire", request=request)
        deadline = asyncio.get_running_loop().time() + self._limits.timeout_s
        raw = await self._authorised(self._wire, request, call, deadline)
        if raw.status == 401:
            text = "the agency refused the credentials (401): check `security`"
            raise NotSent(text, request=request, status=raw.status, raw=raw.body)
        try:
            tree = await self._read(raw)
        except Unreadable as error:
            error.request, error.status, error.raw = request, raw.status, raw.body
            raise
        return Reply(raw.status, raw.headers, raw.body, tree, request)

    def render(self, call: Call) -> Request:
        """The request `send` would put on the wire; a token that a login brings is left out. Raises NotSent."""
        method, path = method_and_path(call)
        body, content_type = written_body(call)
        if body and method in {"GET", "HEAD"}:
            raise NotSent(f"body: a {method} request has none; use `query`")
        headers, query = fixed_credentials(self._connection.auth)
        for name in query:
            if name in call.query:
                raise NotSent(f"query.{name}: is the API key's own name; remove it from the call")
        url = self._connection.address.rstrip("/") + path + query_string({**call.query, **query})
        own = {"Accept": "application/json"} | ({"Content-Type": content_type} if content_type else {})
        return Request(method, url, {**STANDARD_HEADERS, **own, **call_headers(call.headers), **headers}, body)

    async def close(self) -> None:
        """End a login under way; the shared session stays."""
        if self._login is not None:
            await self._login.close()

    async def _authorised(self, wire: Wire, request: Request, call: Call, deadline: float) -> RawReply:
        """The reply to the request, with a token where one is needed. The second token is asked for once only."""
        if self._login is None:
            return await wire.exchange(
                request, self._limits, safe=call.safe, ssl=self._connection.tls, deadline=deadline
            )
        token = await self._token(self._login, request, deadline)
        raw = await self._with_token(wire, request, token, call, deadline)
        if raw.status == 401:
            self._login.refused(token)
            token = await self._token(self._login, request, deadline)
            raw = await self._with_token(wire, request, token, call, deadline)
            if raw.status == 401:
                self._login.refused(token)
        return raw

    async def _token(self, login: Login, request: Request, deadline: float) -> str:
        try:
            return await login.token(deadline)
        except NotSent as error:
            # A fresh error for each caller: the one login may have failed many of them at once.
            raise NotSent(error.text, request=request, status=error.status) from error

    async def _with_token(self, wire: Wire, request: Request, token: str, call: Call, deadline: float) -> RawReply:
        signed = replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})
        return await wire.exchange(signed, self._limits, safe=call.safe, ssl=self._connection.tls, deadline=deadline)

    async def _read(self, raw: RawReply) -> Tree:
        content_type = raw.headers.get("content-type", "")
        if len(raw.body) > _LARGE_REPLY_BYTES:
            # A large document takes long enough to hold up every other call of the loop.
            return await asyncio.to_thread(read_json, raw.body, content_type)
        return read_json(raw.body, content_type)
