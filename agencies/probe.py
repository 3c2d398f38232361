"""Is the agency's system there, and does it answer as the file says? Safe calls only: nothing is made, changed or taken away.

Promises: each question is asked once, in an order in which a failure explains what follows; each failure has a remedy;
no secret and nothing that the agency wrote is in the answers; a feed that hands out once is not read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from adapters.adapter import Adapter, AskRefused, CannotBuild, FeedRefused, Unclear
from adapters.context import MessageContext
from agencies.model import AgencyFile
from agencies.registry import Registry
from agencies.secrets import UnsetVariable
from connectors.base import BadConnection, Call, Connector, ConnectorError, Lost, NotSent, Reply

_SOON_DAYS = 30
_SKEW_S = 30.0
_CONNECT_S = 10.0
_NEVER_GIVEN = "00-0000-0000-0"


class Verdict(StrEnum):
    """How one question was answered."""

    GOOD = "good"
    LOOK = "look"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One question, its answer, and what to do about it."""

    question: str
    verdict: Verdict
    said: str
    remedy: str = ""


async def probe(
    registry: Registry, code: str, session: aiohttp.ClientSession, message: MessageContext
) -> AsyncIterator[Finding]:
    """Ask everything that can be asked safely; ends where going on makes no sense. `message` is a sample, its reference is not used."""
    try:
        connector = registry.connector(code, session)
        address = registry.address(code)
    except (UnsetVariable, BadConnection) as error:
        yield Finding("settings", Verdict.BAD, str(error), "set the variables of the file, then probe again")
        return
    yield Finding("settings", Verdict.GOOD, "every variable is set")
    reached = True
    is_web = registry.agency(code).file.connection.protocol in ("soap", "rest")
    async for finding in _network(address, registry.tls_context(code)) if is_web else _no_network():
        reached = reached and finding.verdict is not Verdict.BAD
        yield finding
    for key, expires in registry.certificates_expire(code).items():
        yield _of_certificate(f"our certificate ({key})", expires)
    if reached:
        file = registry.agency(code).file
        async for finding in _reads(file, registry.adapter(code), connector, message):
            yield finding
    await connector.close()


async def _no_network() -> AsyncIterator[Finding]:
    """A folder is no network, and a mail server is asked by reading the mailbox."""
    nothing: tuple[Finding, ...] = ()
    for finding in nothing:
        yield finding


async def _network(address: str, context: ssl.SSLContext | None) -> AsyncIterator[Finding]:
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        yield Finding("name", Verdict.BAD, f"{host} is not known", "check `connection.address`, or ask for a DNS entry")
        return
    numbers = ", ".join(sorted({str(one[4][0]) for one in found})[:4])
    yield Finding("name", Verdict.GOOD, f"{host} is {numbers}")
    secure = parts.scheme == "https"
    chosen = (context or ssl.create_default_context()) if secure else None
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=chosen)
    except ssl.SSLError as error:
        text = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
        yield Finding(
            "TLS", Verdict.BAD, str(text), "check `connection.tls`: their authority, our certificate, the profile"
        )
        return
    except (OSError, TimeoutError):
        yield Finding(
            "connection",
            Verdict.BAD,
            f"nobody listens at {host}:{port}",
            "check the address, and the firewalls between",
        )
        return
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    yield Finding("connection", Verdict.GOOD, f"{host}:{port} takes connections")
    if secure and "notAfter" in certificate:
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        yield _of_certificate("their certificate", expires)
    elif not secure:
        yield Finding("TLS", Verdict.LOOK, "the address is not encrypted", "use https:// wherever the agency offers it")


def _of_certificate(name: str, expires: datetime) -> Finding:
    days = (expires - datetime.now(UTC)).days
    if days < 0:
        return Finding(name, Verdict.BAD, f"ran out {-days} days ago", "have it renewed")
    verdict = Verdict.LOOK if days < _SOON_DAYS else Verdict.GOOD
    return Finding(name, verdict, f"good for {days} days", "have it renewed soon" if verdict is Verdict.LOOK else "")


async def _reads(
    file: AgencyFile, adapter: Adapter, connector: Connector, message: MessageContext
) -> AsyncIterator[Finding]:
    """One safe read of each kind that the file has; the first one also tells of the login and of the clock."""
    told = False
    for name, call in _calls(file, adapter, message):
        if isinstance(call, str):
            yield Finding(name, Verdict.SKIPPED, call)
            continue
        try:
            reply = await connector.send(call)
        except ConnectorError as error:
            finding = _of_error(name, error)
            yield finding
            if finding is _NOT_LET_IN:
                return
            continue
        if not told:
            told = True
            yield Finding("login", Verdict.GOOD, "they let us in") if reply.status not in (401, 403) else _NOT_LET_IN
            yield _of_clock(reply.headers)
        yield _of_reply(name, adapter, reply, message)
    if not told:
        yield Finding(
            "login",
            Verdict.LOOK,
            "nothing could be read, so nothing proves the login",
            "describe `look_up` or `ask`, or send a sample: okno agency record --writes",
        )


_NOT_LET_IN = Finding(
    "login", Verdict.BAD, "they do not let us in", "check `connection.security` and the variables it names"
)


def _calls(file: AgencyFile, adapter: Adapter, message: MessageContext) -> list[tuple[str, Call | str]]:
    nobody = replace(message, reference=_NEVER_GIVEN)
    found: list[tuple[str, Call | str]] = []
    try:
        look_up = adapter.look_up_call(nobody)
        if look_up is not None:
            found.append(("look_up", look_up))
        ask = adapter.ask_call({"case_id": _NEVER_GIVEN})
        if ask is not None and look_up is None:
            found.append(("ask", ask))
        poll = file.status.poll if file.status is not None else None
        if poll is not None and (poll.hands_out_once or poll.acknowledge is not None):
            found.append(("poll", "what is read there never comes again: it is not read by a probe"))
        elif poll is not None and poll.shows != "cases-asked-for":
            found.append(("poll", adapter.poll_call(None, datetime.now(UTC))))
    except CannotBuild as error:
        found.append(("reading", f"cannot be written: {error.text}"))
    return found


def _of_error(name: str, error: ConnectorError) -> Finding:
    if isinstance(error, NotSent) and error.status in (401, 403):
        return _NOT_LET_IN
    if isinstance(error, Lost):
        remedy = "ask the agency; a longer `connection.timeout` may help"
    elif isinstance(error, NotSent):
        remedy = "mend what the text names"
    else:
        remedy = "look at the reply together with the agency: okno agency record"
    return Finding(name, Verdict.BAD, error.text, remedy)


def _of_clock(headers: Mapping[str, str]) -> Finding:
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return Finding("clock", Verdict.SKIPPED, "their replies have no date")
    ahead_s = (theirs.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    if abs(ahead_s) <= _SKEW_S:
        return Finding("clock", Verdict.GOOD, "their clock agrees with ours")
    way = "ahead of" if ahead_s > 0 else "behind"
    text = f"their clock is {abs(ahead_s):.0f} s {way} ours"
    return Finding(
        "clock",
        Verdict.LOOK,
        text,
        "say it in the file: `clock_skew` of the feed, `| by_their_clock` where times are sent",
    )


def _of_reply(name: str, adapter: Adapter, reply: Reply, message: MessageContext) -> Finding:
    if name == "look_up":
        read = adapter.read_look_up(reply, replace(message, reference=_NEVER_GIVEN))
        if isinstance(read, Unclear):
            return Finding(
                name, Verdict.BAD, read.reason, "check `look_up.answer` against the reply: okno agency record"
            )
        return Finding(name, Verdict.GOOD, "a number that nobody has was not found, as it should be")
    if name == "ask":
        try:
            adapter.read_ask(reply)
        except AskRefused:
            return Finding(name, Verdict.GOOD, "a case that nobody has was not found, as it should be")
        return Finding(name, Verdict.LOOK, "a case that nobody has was answered", "check `ask.answer.case_id`")
    try:
        page = adapter.read_poll(reply, None, datetime.now(UTC))
    except FeedRefused as refused:
        return Finding(
            name, Verdict.BAD, refused.text, "check `status.poll.each` against the reply: okno agency record"
        )
    bad = len(page.unreadable)
    if bad:
        return Finding(
            name, Verdict.BAD, f"{bad} of {len(page.items)} items cannot be read", "check the rows of `status.poll`"
        )
    if not page.items:
        text = "the feed is empty, which proves nothing (a cursor in a wrong form looks alike)"
        return Finding(name, Verdict.LOOK, text, "change a case in the sandbox and probe again")
    return Finding(name, Verdict.GOOD, f"{len(page.items)} items were read")
