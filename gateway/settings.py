"""How this gateway is to run, read from the environment once, at the start. A bad value stops the start and says which
variable and what to write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

DEVELOPMENT_ISSUER = "okno-development"
"""The issuer of tokens that `okno token` makes; trusted in development only."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MB = 1024 * 1024

Value = TypeVar("Value")


class Mode(StrEnum):
    """What this installation is for. Development trusts tokens of its own making and shows GraphiQL; production does neither."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


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

    @property
    def in_development(self) -> bool:
        return self.mode is Mode.DEVELOPMENT

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
