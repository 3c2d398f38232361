"""A login that the agency's file describes: a call of its own protocol that brings a token, cookies or both.

Where the token stands in the reply, and which later reply means that the session has run out, are asked of functions
made from the file's expressions: this module knows neither.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from connectors.base import Call, ConnectorError, NotSent, Reply
from connectors.http import check_header
from connectors.security.grant import Grant
from connectors.security.kept import Session, good_until
from connectors.security.ways import placed

_LONGEST_TOKEN_CHARS = 16_384
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_MARGIN_S = 10.0

Carry: TypeAlias = Callable[[Call, Grant, float], Awaitable[Reply]]
"""Carries the login call with what is known before it, until a deadline (loop time)."""


@dataclass(frozen=True, slots=True)
class LoginCall:
    """The described login. `credentials` fill the places of its call, and those of every other call.

    `token` finds the token in the reply (None: the session is in the cookies alone); it goes into the header or query parameter `name`,
    and to every place `credentials.token`. `expired` tells a reply that means "log in again, nothing was done"; a 401 always does.
    """

    call: Call
    token: Callable[[Reply], str | None] | None = None
    name: str = ""
    place: Literal["header", "query"] = "header"
    prefix: str = ""
    keeps_cookies: bool = False
    life_s: float = 600.0
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: frozenset[str] = frozenset()
    expired: Callable[[Reply], bool] | None = None

    def before(self) -> Grant:
        """What is known without the login."""
        secrets = tuple(value for name, value in self.credentials.items() if name in self.hidden)
        return Grant(credentials=dict(self.credentials), secrets=secrets)

    def after(self, session: Session) -> Grant:
        """What the login adds. Raises NotSent for a token that no header can hold."""
        for name, value in session.cookies.items():
            check_header("Cookie", f"{name}={value}")
        grant = Grant(cookies=session.cookies, secrets=tuple(session.cookies.values()))
        if self.token is None:
            return grant
        grant |= Grant(credentials={"token": session.token}, secrets=(session.token,))
        return grant | placed(session.token, self.name, self.place, self.prefix) if self.name else grant


async def log_in(way: LoginCall, carry: Carry, known: Grant, timeout_s: float) -> Session:
    """One login. Raises NotSent, without the request: it holds the password."""
    asked_at = asyncio.get_running_loop().time()
    try:
        reply = await carry(way.call, known, asked_at + timeout_s)
    except ConnectorError as error:
        raise NotSent(f"the login failed: {error.text}", status=error.status) from error
    if reply.status >= 400 or reply.fault is not None:
        raise NotSent(
            f"the login was refused ({reply.status}): check what stands under `security`", status=reply.status
        )
    token = way.token(reply) if way.token is not None else ""
    if way.token is not None and not (
        token and len(token) <= _LONGEST_TOKEN_CHARS and (_PRINTABLE.fullmatch(token) or not way.name)
    ):
        raise NotSent("the login brought no usable token where `security.token` says", status=reply.status)
    if way.keeps_cookies and not reply.cookies:
        raise NotSent("the login set no cookie: check what stands under `security`", status=reply.status)
    kept = reply.cookies if way.keeps_cookies else {}
    return Session(token or "", good_until(asked_at, way.life_s, _MARGIN_S), kept)
