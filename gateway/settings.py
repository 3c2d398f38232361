"""How this gateway is to run, read from the environment once, at the start. A bad value stops the start and says which
variable and what to write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

DEVELOPMENT_ISSUER = "okno-development"
"""The issuer of tokens that `okno token` makes; trusted in development only."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MB = 1024 * 1024

Value = TypeVar("Value")
Network: TypeAlias = IPv4Network | IPv6Network


class Mode(StrEnum):
    """What this installation is for. Development trusts tokens of its own making and shows GraphiQL; production does neither."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Accepted(StrEnum):
    """Which documents are run: any that is within the limits, or those of the trusted table alone."""

    ANY = "any"
    TRUSTED = "trusted"


class BadSettings(ValueError):
    """The environment does not make sense. The text names every variable that is wrong, with the remedy, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may ask of the door. Every one of them is met before the work begins."""

    json_bytes: int = _MB
    webhook_bytes: int = _MB
    form_bytes: int = 64 * _MB
    """A whole multipart body. Larger than the largest file, so that a file a bit too large gets a helpful answer and not a closed door."""
    files: int = 12
    json_depth: int = 64
    json_values: int = 50_000
    token_bytes: int = 8 * 1024
    frame_bytes: int = _MB
    frames_waiting: int = 16
    subscriptions_per_connection: int = 100
    connection_init_s: float = 5.0
    uploads_at_once: int = 4
    live_state_s: float = 3.0
    """How long an agency has to say how a case stands; waiting for a place in its line counts."""
    live_state_fresh_s: float = 30.0
    live_state_failures: int = 5
    """So many in a row, and the agency is not asked for `live_state_pause_s`."""
    live_state_pause_s: float = 60.0
    json_list: int = 1_000
    """Items in one list of a request's variables."""
    text_chars: int = 100_000
    """Characters in one text of a request, its document included."""
    operation_cost: int = 20_000
    """What one operation may cost (`schema.extensions.cost`)."""
    operation_s: float = 30.0
    """How long an operation may take. Reads have a shorter limit of their own in the database."""
    operations_at_once: int = 64
    operations_waiting: int = 256
    turn_s: float = 5.0
    """How long an operation waits for its turn when that many are at work."""
    callers_remembered: int = 20_000
    keep_alive_s: float = 15.0
    """Between two comments on a silent event stream, so that no proxy takes it for dead."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How much one caller may spend in this process: `burst` at once, then `per_s`. Costs are those of `schema.extensions.cost`."""

    burst: int
    per_s: int

    @property
    def is_limited(self) -> bool:
        return self.per_s > 0


NO_RATE = Rate(0, 0)
PRODUCTION_RATE = Rate(30_000, 1_500)


@dataclass(frozen=True, slots=True)
class Settings:
    """One gateway's settings."""

    mode: Mode = Mode.DEVELOPMENT
    token_issuer: str | None = None
    token_audience: str = "okno"  # noqa: S105 - a name, not a secret
    token_keys: str | None = None
    """Where the issuer's public keys (a JWKS document) are: the path of a file or an http(s) address."""
    host: str = "127.0.0.1"
    port: int = 8000
    limits: Limits = field(default_factory=Limits)
    documents: Accepted | None = None
    """None: trusted ones in production, any in development."""
    trusted_documents: Path | None = None
    """The table, or a folder with tables. None: the portal's own operations."""
    apq: bool = False
    """Automatic persisted queries: a document may be asked for by its hash once somebody sent its text."""
    introspection: bool | None = None
    """None: only in development."""
    origins: frozenset[str] = frozenset()
    """Web pages of which other origins may call, such as `https://portal.example`."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose word about the caller's address (X-Forwarded-For) is believed."""
    rate: Rate | None = None
    """None: `PRODUCTION_RATE` in production, none in development."""
    metrics_token: str | None = field(default=None, repr=False)
    """Who shows it may read `/metrics` from anywhere; without one only this machine may."""
    gateway_secret: str | None = field(default=None, repr=False)
    """What a federation gateway shows in the header `x-okno-gateway`. None: there is no federation."""
    rendered_lists: bool = True
    """Whether lists of trusted documents find the JSON of their messages ready. It takes about a kilobyte a message and document."""
    drain_s: float = 0.0
    """After SIGTERM: how long to serve on while `/ready` says 503, so that a balancer can look away first."""
    shutdown_s: float = 20.0
    """After that: how long running operations may take to end."""

    @property
    def in_development(self) -> bool:
        return self.mode is Mode.DEVELOPMENT

    @property
    def trusted_only(self) -> bool:
        return (self.documents or (Accepted.ANY if self.in_development else Accepted.TRUSTED)) is Accepted.TRUSTED

    @property
    def introspection_open(self) -> bool:
        return self.in_development if self.introspection is None else self.introspection

    @property
    def rate_in_force(self) -> Rate:
        return self.rate or (NO_RATE if self.in_development else PRODUCTION_RATE)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read `OKNO_…`. Raises BadSettings with everything that is wrong, not only the first."""
        faults: list[str] = []
        mode = _read(environment, "OKNO_MODE", _mode, Mode.DEVELOPMENT, faults)
        issuer = environment.get("OKNO_TOKEN_ISSUER") or None
        keys = _read(environment, "OKNO_TOKEN_KEYS", _keys, None, faults)
        named = {"OKNO_TOKEN_ISSUER": issuer, "OKNO_TOKEN_KEYS": environment.get("OKNO_TOKEN_KEYS") or None}
        missing = [name for name, value in named.items() if value is None]
        if missing and (mode is Mode.PRODUCTION or len(missing) == 1):
            why = "in production tokens need an issuer" if mode is Mode.PRODUCTION else "the two belong together"
            faults += [f"{name}: is not set; {why}: name the issuer and its public keys" for name in missing]
        if issuer == DEVELOPMENT_ISSUER:
            faults.append(
                f"OKNO_TOKEN_ISSUER: {DEVELOPMENT_ISSUER} is the name of the development key; name another issuer"
            )
        settings = cls(
            mode=mode,
            token_issuer=issuer,
            token_audience=environment.get("OKNO_TOKEN_AUDIENCE") or "okno",
            token_keys=keys,
            host=environment.get("OKNO_HOST") or "127.0.0.1",
            port=_read(environment, "OKNO_PORT", _port, 8000, faults),
            limits=_limits(environment, faults),
            documents=_read(environment, "OKNO_DOCUMENTS", _accepted, None, faults),
            trusted_documents=_read(environment, "OKNO_TRUSTED_DOCUMENTS", _existing, None, faults),
            apq=_read(environment, "OKNO_APQ", _switch, False, faults),
            introspection=_read(environment, "OKNO_INTROSPECTION", _switch, None, faults),
            origins=_read(environment, "OKNO_ORIGINS", _origins, frozenset(), faults),
            trusted_proxies=_read(environment, "OKNO_TRUSTED_PROXIES", _networks, (), faults),
            rate=_read(environment, "OKNO_RATE", _rate, None, faults),
            metrics_token=_read(environment, "OKNO_METRICS_TOKEN", _metrics_token, None, faults),
            gateway_secret=_read(environment, "OKNO_GATEWAY_SECRET", _gateway_secret, None, faults),
            rendered_lists=_read(environment, "OKNO_RENDERED_LISTS", _switch, True, faults),
            drain_s=_read(environment, "OKNO_DRAIN_S", _seconds, 0.0, faults),
            shutdown_s=_read(environment, "OKNO_SHUTDOWN_S", _seconds, 20.0, faults),
        )
        if settings.apq and settings.trusted_only:
            faults.append("OKNO_APQ: registers documents that nobody trusted; set it to off, or OKNO_DOCUMENTS to any")
        rate = settings.rate_in_force
        if rate.is_limited and rate.burst < settings.limits.operation_cost:
            faults.append(
                f"OKNO_RATE: a burst below {settings.limits.operation_cost} could never pay for the largest operation"
            )
        if faults:
            raise BadSettings("\n".join(faults))
        return settings


def _read(
    environment: Mapping[str, str], name: str, read: Callable[[str], Value], default: Value, faults: list[str]
) -> Value:
    value = environment.get(name, "").strip()
    if not value:
        return default
    try:
        return read(value)
    except ValueError as fault:
        faults.append(f"{name}: {fault}")
        return default


def _mode(value: str) -> Mode:
    try:
        return Mode(value)
    except ValueError:
        raise ValueError(f"must be {' or '.join(Mode)}") from None


def _port(value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 65535:
        return int(value)
    raise ValueError("must be a number from 1 to 65535")


def _accepted(value: str) -> Accepted:
    try:
        return Accepted(value)
    except ValueError:
        raise ValueError(f"must be {' or '.join(Accepted)}") from None


def _existing(value: str) -> Path:
    path = Path(value)
    if not path.exists():
        raise ValueError("there is no such file or folder; name a JSON table of documents, or a folder with tables")
    return path


def _switch(value: str) -> bool:
    if value not in {"on", "off"}:
        raise ValueError("must be on or off")
    return value == "on"


def _origins(value: str) -> frozenset[str]:
    """Exact origins, separated by commas, as a browser writes them into `Origin`."""
    found = [one.strip() for one in value.split(",") if one.strip()]
    for one in found:
        parts = urlsplit(one)
        if parts.scheme not in {"http", "https"} or not parts.hostname or one != one.lower() or "*" in one:
            raise ValueError("must be origins such as https://portal.example, separated by commas; no wildcards")
        if parts.path or parts.query or parts.fragment or parts.username:
            raise ValueError("an origin has a scheme, a host and perhaps a port, and nothing after them, not even a /")
    return frozenset(found)


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one.strip()) for one in value.split(",") if one.strip())
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.5 or 10.0.0.0/24, separated by commas") from None


def _rate(value: str) -> Rate:
    """`off`, or a burst and what comes back per second: `30000/1500`."""
    if value == "off":
        return NO_RATE
    burst, _, per_s = value.partition("/")
    return Rate(_whole(burst, 10**9), _whole(per_s, 10**9))


def _whole(value: str, most: int) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value[:12]) <= most:
        return int(value)
    raise ValueError(f"must be off, or two whole numbers from 1 to {most} such as 30000/1500: at once, and per second")


def _limits(environment: Mapping[str, str], faults: list[str]) -> Limits:
    """The limits an operator may move."""
    usual = Limits()
    return Limits(
        operations_at_once=_read(environment, "OKNO_OPERATIONS_AT_ONCE", _count, usual.operations_at_once, faults)
    )


def _seconds(value: str) -> float:
    if value.isascii() and value.isdigit() and int(value[:6]) <= 600:
        return float(value)
    raise ValueError("must be a whole number of seconds from 0 to 600")


def _metrics_token(value: str) -> str:
    if len(value) < 16 or not value.isascii():
        raise ValueError("must have 16 ASCII characters or more, such as `openssl rand -hex 24` prints")
    return value


def _gateway_secret(value: str) -> str:
    if len(value) < 32 or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must have 32 ASCII characters or more and no spaces, such as `openssl rand -hex 32` prints")
    return value


def _count(value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 10_000:
        return int(value)
    raise ValueError("must be a number from 1 to 10000")


def _keys(value: str) -> str | None:
    """The path of a readable file, or an address that nobody on the way can put other keys behind."""
    if "://" not in value:
        if not Path(value).is_file():
            raise ValueError("there is no such file; give the path of a JWKS document or an https:// address")
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("must be an http(s):// address without user name and fragment, or the path of a file")
    if parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS:
        raise ValueError("keys fetched over plain http can be replaced on the way; use https://")
    return value
