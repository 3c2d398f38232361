"""Keeps the OAuth token of one connection: one login at a time however many calls wait, renewed before it runs out.

Everything that goes wrong here is NotSent: the agency was never asked to act.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl as tls
from urllib.parse import quote, urlencode

from connectors.base import ConnectorError, NotSent, Request
from connectors.http import STANDARD_HEADERS, Limits, RawReply, Wire, basic_authorization
from connectors.rest.auth import OAuth2ClientCredentials

_UNSTATED_LIFE_S = 300.0
_LONGEST_LIFE_S = 86_400.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


class Login:
    """The token of one connection."""

    def __init__(
        self, auth: OAuth2ClientCredentials, wire: Wire, limits: Limits, ssl: tls.SSLContext | None = None
    ) -> None:
        """Nothing is asked for until the first token is wanted."""
        self._auth = auth
        self._wire = wire
        self._limits = limits
        self._ssl = ssl
        self._token = ""
        self._good_until = 0.0
        self._running: asyncio.Task[str] | None = None

    async def token(self, deadline: float) -> str:
        """A token that still lives. Waits for a login until `deadline` (loop time) at the longest. Raises NotSent."""
        loop = asyncio.get_running_loop()
        if self._token and loop.time() < self._good_until:
            return self._token
        if self._running is None:
            self._running = loop.create_task(self._log_in())
            self._running.add_done_callback(self._finished)
        try:
            async with asyncio.timeout_at(deadline):
                # Shielded: a caller who gives up does not take the login away from those who still wait.
                return await asyncio.shield(self._running)
        except TimeoutError as error:
            raise NotSent("the login did not finish in time (timeout)") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Not this caller was cancelled but the login itself, by `close`.
            raise NotSent("the connector was closed during the login") from None

    def refused(self, token: str) -> None:
        """The agency did not take this token: forget it, unless it was replaced meanwhile."""
        if token == self._token:
            self._token = ""

    async def close(self) -> None:
        """End a login under way."""
        if self._running is not None:
            self._running.cancel()

    def _finished(self, task: asyncio.Task[str]) -> None:
        self._running = None
        if not task.cancelled():
            # Asked for here, so that a failure nobody waits for any more is not reported as forgotten.
            task.exception()

    async def _log_in(self) -> str:
        loop = asyncio.get_running_loop()
        request = login_request(self._auth)
        asked_at = loop.time()
        try:
            reply = await self._wire.exchange(request, self._limits, safe=True, ssl=self._ssl)
        except ConnectorError as error:
            # The request holds the client secret, so it is not handed on.
            raise NotSent(f"the login failed: {error.text}", status=error.status) from error
        token, life_s = _read(reply)
        self._token = token
        self._good_until = asked_at + max(life_s - self._auth.expiry_margin_s, life_s / 2)
        return token


def login_request(auth: OAuth2ClientCredentials) -> Request:
    """The exact login request."""
    form = {"grant_type": "client_credentials"}
    if auth.scope:
        form["scope"] = auth.scope
    headers = {**STANDARD_HEADERS, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if auth.client_authentication == "basic":
        # RFC 6749, 2.3.1: both halves are form-encoded before they are joined.
        headers["Authorization"] = basic_authorization(
            quote(auth.client_id, safe=""), quote(auth.client_secret, safe="")
        )
    else:
        form |= {"client_id": auth.client_id, "client_secret": auth.client_secret}
    return Request("POST", auth.token_address, headers, urlencode(form).encode("ascii"))


def _read(reply: RawReply) -> tuple[str, float]:
    """Token and life in seconds. Raises NotSent."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    if reply.status != 200:
        code = answer.get("error")
        named = f", {code}" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
        remedy = "check client id and secret under `security`" if reply.status < 500 else "come again later"
        raise NotSent(f"the login was refused ({reply.status}{named}): {remedy}", status=reply.status)
    token, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise NotSent("the login brought no usable access_token", status=reply.status)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise NotSent("the login brought a token that is not a bearer token", status=reply.status)
    return token, _life_s(answer.get("expires_in"))


def _life_s(stated: object) -> float:
    try:
        life_s = float(stated) if isinstance(stated, int | float | str) else _UNSTATED_LIFE_S
    except (ValueError, OverflowError):
        life_s = _UNSTATED_LIFE_S
    # NaN compares as false with everything and falls to the unstated life.
    return min(life_s, _LONGEST_LIFE_S) if life_s > 0 else _UNSTATED_LIFE_S
