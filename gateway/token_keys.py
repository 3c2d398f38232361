"""Where the public keys of an issuer come from: a file, the issuer's own address, or the development key of this
installation.

Only public halves of asymmetric signing keys are ever kept; an unusable key in a set is left out and the others stay.
`find` may wait for the network, but never longer than its timeout, and raises KeysUnavailable when the issuer's keys
cannot be had at all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from connectors.base import ConnectorError, Request
from connectors.http import STANDARD_HEADERS, Limits, Wire

SigningKey: TypeAlias = ECKey | OKPKey | RSAKey

_KINDS: Mapping[str, type[ECKey] | type[OKPKey] | type[RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
_PUBLIC_PARTS = frozenset({"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops"})
_SMALLEST_RSA_BITS = 2048
_LARGEST_DOCUMENT = 256 * 1024
_MOST_KEYS = 100
_FETCH = Limits(timeout_s=5.0, max_reply_bytes=_LARGEST_DOCUMENT, attempt_window_s=0.0)

FRESH_S = 600.0
"""Fetched keys are used this long before they are asked for again."""
STALE_S = 24 * 3600.0
"""An issuer that does not answer may be this long away before its last known keys are no longer believed."""
PAUSE_S = 30.0
"""At least this long between two fetches: a stream of invented kids must not become a stream of requests."""
PAUSE_WITHOUT_KEYS_S = 3.0
"""The same while there is no key at all and nobody can sign in."""

log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """The issuer's keys cannot be had now: nobody can be signed in or refused for certain."""


class Keys(Protocol):
    """The keys of one issuer."""

    async def find(self, kid: str | None) -> SigningKey | None:
        """The key of this id; without an id the only key there is. None when there is no such key. Raises KeysUnavailable."""
        ...


def read_keys(document: object) -> dict[str | None, SigningKey]:
    """The usable keys of a JWKS document, or of one JWK, by their id. Raises ValueError when it is neither."""
    if isinstance(document, dict) and "keys" not in document and "kty" in document:
        document = {"keys": [document]}
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("this is not a JWKS document: it has no list `keys`")
    found: dict[str | None, SigningKey] = {}
    for entry in entries[:_MOST_KEYS]:
        key = _read_key(entry)
        if key is not None:
            found.setdefault(key.kid, key)
    return found


def _read_key(entry: object) -> SigningKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or entry.get("kty") not in _KINDS:
        return None
    public: dict[str, str | list[str]] = {
        name: value for name, value in entry.items() if name in _PUBLIC_PARTS and isinstance(value, str)
    }
    if public.get("alg") == "EdDSA":
        public["alg"] = "Ed25519"  # the name it has had since RFC 9864
    try:
        key = _KINDS[str(public["kty"])].import_key(public)
        too_weak = isinstance(key, RSAKey) and key.raw_value.key_size < _SMALLEST_RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError):
        log.warning("a key of the issuer cannot be read and is left out")
        return None
    return None if too_weak else key


def _pick(keys: Mapping[str | None, SigningKey], kid: str | None) -> SigningKey | None:
    if kid is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(kid)


class FileKeys:
    """Keys in a file (JWKS, or one JWK whose private half is ignored). The file may appear, change or vanish while we run."""

    def __init__(self, path: Path, *, required: bool = True) -> None:
        """Without `required` a missing file simply holds no key."""
        self._path = path
        self._required = required
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str | None, SigningKey] = {}

    async def find(self, kid: str | None) -> SigningKey | None:
        self._read_again_if_changed()
        return _pick(self._keys, kid)

    def _read_again_if_changed(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._keys = read_keys(json.loads(self._path.read_bytes()))
                self._stamp = stamp
        except FileNotFoundError:
            if self._required:
                raise KeysUnavailable from None
            self._keys, self._stamp = {}, None
        except (OSError, ValueError) as error:
            log.warning("the key file cannot be read (%s)", type(error).__name__)
            raise KeysUnavailable from error


class FetchedKeys:
    """Keys at the issuer's address, fetched over the process's session and kept; one fetch at a time."""

    def __init__(self, wire: Wire, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire = wire
        self._request = Request("GET", address, {**STANDARD_HEADERS, "Accept": "application/json"}, b"")
        self._clock = clock
        self._alone = asyncio.Lock()
        self._keys: dict[str | None, SigningKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._behind: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> SigningKey | None:
        key = _pick(self._keys, kid)
        if key is not None and self._age_s() < STALE_S:
            if self._age_s() > FRESH_S and not self._alone.locked():
                # Nobody waits for a key server while the key at hand will do.
                self._behind = asyncio.create_task(self._refresh(), name="issuer keys")
            return key
        await self._refresh()
        if self._age_s() > STALE_S:
            raise KeysUnavailable
        return _pick(self._keys, kid)

    def _age_s(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    async def _refresh(self) -> None:
        """Fetch, unless somebody did while we waited or a moment ago."""
        async with self._alone:
            pause_s = PAUSE_S if self._keys else PAUSE_WITHOUT_KEYS_S
            if self._tried_at is not None and self._clock() - self._tried_at < pause_s:
                return
            try:
                reply = await self._wire.exchange(self._request, _FETCH, safe=True)
                if reply.status != 200:
                    raise ValueError(f"status {reply.status}")
                self._keys = read_keys(json.loads(reply.body))
                self._fetched_at = self._clock()
            except (ConnectorError, ValueError, RecursionError) as error:
                log.warning("the issuer's keys could not be fetched (%s)", type(error).__name__)
            finally:
                self._tried_at = self._clock()
