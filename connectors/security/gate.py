"""Signs every request of one connection in, and logs in anew once when the agency says that the session has run out.

A 401, and whatever the agency's file calls an expired session, means that the agency did not act: the request may go out again, once.
A second refusal is NotSent. Many calls at once share one login.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from connectors.base import ConnectorError, NotSent, Reply, Unreadable
from connectors.http import Limits, Wire
from connectors.security import login, oauth
from connectors.security.grant import Grant
from connectors.security.kept import Kept, Session
from connectors.security.login import Carry, LoginCall
from connectors.security.oauth import OAuth2, OAuth2ClientCredentials, OAuth2JwtBearer, OAuth2Password
from connectors.security.ways import ApiKey, Basic, Bearer, InBody, placed

Way: TypeAlias = Basic | Bearer | ApiKey | InBody | OAuth2 | LoginCall
"""One way to say who we are. A connection may need several at once."""

REFUSED = "the agency refused the credentials (401): check `security`"


class Unauthorised(NotSent):
    """The agency answered 401 and nothing else of use: it did not act."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one request was signed in with."""

    grant: Grant
    sessions: tuple[tuple[Kept, Session], ...] = field(repr=False)


class Gate:
    """All ways of one connection. Made without a wire it knows only what needs no login."""

    def __init__(
        self,
        ways: Sequence[Way],
        limits: Limits,
        *,
        wire: Wire | None = None,
        carry: Carry | None = None,
        tls: ssl.SSLContext | None = None,
        private: bool = False,
    ) -> None:
        """`carry` carries the call of a described login. Raises BadConnection."""
        self._ways = tuple(ways)
        self._kept: dict[int, Kept] = {}
        for at, way in enumerate(self._ways):
            if isinstance(way, ApiKey):
                way.check()
            elif isinstance(way, OAuth2ClientCredentials | OAuth2Password | OAuth2JwtBearer):
                oauth.check_oauth(way)
                if wire is not None:
                    self._kept[at] = Kept(partial(oauth.log_in, way, wire, limits, tls, private))
            elif isinstance(way, LoginCall) and wire is not None and carry is not None:
                self._kept[at] = Kept(partial(self._described, way, carry, limits.timeout_s))

    @property
    def known(self) -> Grant:
        """What goes along with every request and needs no login. Raises NotSent for what no header can hold."""
        grant = Grant()
        for way in self._ways:
            if isinstance(way, Basic | Bearer | ApiKey | InBody):
                grant |= way.grant()
            elif isinstance(way, LoginCall):
                grant |= way.before()
        return grant

    @property
    def names(self) -> frozenset[str]:
        """Names of the places (`credentials.…`) that can be filled, now or after a login."""
        tokens = any(isinstance(way, LoginCall) and way.token is not None for way in self._ways)
        return frozenset(self.known.credentials) | ({"token"} if tokens else set())

    async def carried(self, attempt: Callable[[Grant], Awaitable[Reply]], deadline: float) -> Reply:
        """The reply that `attempt` brings, signed in. `deadline` is loop time. Raises what `attempt` raises, and NotSent."""
        if not self._kept:
            return await attempt(self.known)
        for last in (False, True):
            entry = await self._enter(deadline)
            refusal: ConnectorError | None = None
            reply: Reply | None = None
            try:
                reply = await attempt(entry.grant)
            except (Unauthorised, Unreadable) as error:
                refusal = error
            if not self._is_expired(reply, refusal):
                if reply is None:
                    raise refusal or AssertionError("an attempt either returns or raises")
                return reply
            for kept, session in entry.sessions:
                kept.refused(session)
            if last:
                raise _refused(reply, refusal)
        raise AssertionError("the last attempt either returns or raises")

    async def close(self) -> None:
        """End logins under way."""
        for kept in self._kept.values():
            await kept.close()

    async def _enter(self, deadline: float) -> _Entry:
        grant, sessions = self.known, []
        for at, kept in self._kept.items():
            way, session = self._ways[at], await kept.session(deadline)
            sessions.append((kept, session))
            if isinstance(way, LoginCall):
                grant |= way.after(session)
            else:
                grant |= placed(session.token, "Authorization", "header", "Bearer ")
        return _Entry(grant, tuple(sessions))

    async def _described(self, way: LoginCall, carry: Carry, timeout_s: float) -> Session:
        return await login.log_in(way, carry, self.known, timeout_s)

    def _is_expired(self, reply: Reply | None, refusal: ConnectorError | None) -> bool:
        if isinstance(refusal, Unauthorised) or (reply is not None and reply.status == 401):
            return True
        if reply is None and refusal is not None and refusal.request is not None:
            # A redirect to the page for signing in, or that page itself, is no readable reply; the file may name it all the same.
            reply = Reply(refusal.status or 0, {}, refusal.raw, None, refusal.request)
        if reply is None:
            return False
        return any(way.expired is not None and way.expired(reply) for way in self._ways if isinstance(way, LoginCall))


def _refused(reply: Reply | None, refusal: ConnectorError | None) -> NotSent:
    if isinstance(refusal, NotSent):
        return refusal
    status = reply.status if reply is not None else refusal.status if refusal is not None else None
    request = reply.request if reply is not None else refusal.request if refusal is not None else None
    text = "the agency refused the credentials twice, also after a new login: check `security`"
    return NotSent(text, request=request, status=status)


def deadline_in(limits: Limits) -> float:
    """The loop time at which a call that begins now must be over."""
    return asyncio.get_running_loop().time() + limits.timeout_s
