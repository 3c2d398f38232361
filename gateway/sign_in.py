"""Who is calling: checks a bearer token and says whose it is.

A token is believed only if one of our issuers signed it with a key it publishes, for us, for now. The algorithm must
be on our list (never `none`, never a shared secret), and an issuer's keys vouch for that issuer's tokens alone.
Refusals say what to do and never repeat a token or a claim.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

from gateway.refusals import Code, Refusal
from gateway.token_keys import Keys, KeysUnavailable

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
CLOCK_SKEW_S = 30
LONGEST_LIFE_S = 31 * 24 * 3600
MAX_SUBJECT_CHARS = 255
PROOF_HOLDS_S = 60.0
"""How long a proved signature is remembered: a key that its issuer withdraws is noticed after that at the latest."""
_PROOFS_KEPT = 10_000

_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*) *")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person as their issuer names them, until `expires_at`."""

    issuer: str
    subject: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Proof:
    """Somebody believed. `holds_until_s` is of the monotonic clock: after it the signature is checked anew."""

    holds_until_s: float
    signed_in: SignedIn


def unauthenticated(ru: str, en: str) -> Refusal:
    """A sign-in that is not believed. A new token helps, the same one never will."""
    return Refusal(401, Code.UNAUTHENTICATED, ru, en, {"www-authenticate": 'Bearer realm="okno"'})


def expired() -> Refusal:
    return unauthenticated(
        "Срок действия входа истёк. Войдите снова и повторите запрос с новым токеном.",
        "The sign-in has expired. Sign in again and repeat the request with the new token.",
    )


def _not_ours() -> Refusal:
    """One sentence for every forgery, so that a forger learns nothing."""
    return unauthenticated(
        "Токен не подтверждён: его выдал не наш издатель, не для нас или он изменён. Войдите снова.",
        "The token is not proved: it is not from our issuer, not for us, or was altered. Sign in again.",
    )


class _Registry(JWSRegistry):
    """`EdDSA` is the older name of `Ed25519`: issuers still write it, and the library warns about it at every token."""

    def get_alg(self, name: str) -> JWSAlgModel:
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


class SignIn:
    """The verifier of one process."""

    def __init__(
        self,
        issuers: Mapping[str, Keys],
        audience: str,
        *,
        token_bytes: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`issuers`: the keys of each issuer by its `iss`."""
        self._issuers = issuers
        self._audience = audience
        self._token_bytes = token_bytes
        self._clock = clock
        self._registry = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)
        self._proofs: OrderedDict[bytes, _Proof] = OrderedDict()

    async def check(self, authorization: str | None) -> SignedIn | None:
        """Who an Authorization header speaks for; None without one. Raises Refusal: UNAUTHENTICATED, or UNAVAILABLE when the keys cannot be had."""
        if authorization is None:
            return None
        given = authorization.encode("latin-1", "replace")
        remembered = self.remembered(given)
        if remembered is not None:
            return remembered
        # The size first: a pattern over a header of megabytes is work for nothing.
        match = _BEARER.fullmatch(authorization) if len(authorization) <= self._token_bytes else None
        if match is None:
            raise unauthenticated(
                "Заголовок Authorization должен быть вида «Bearer <токен>» с подписанным JWT. Войдите и возьмите токен.",
                "The Authorization header must read `Bearer <token>` with a signed JWT. Sign in and take the token.",
            )
        token = match[1]
        header, claims = (_unproved(part) for part in token.split(".")[:2])
        kid, issuer = header.get("kid"), claims.get("iss")
        if header.get("alg") not in ALGORITHMS or not isinstance(kid, str | None) or not isinstance(issuer, str):
            raise _not_ours()
        signed_in = self._believe(issuer, await self._proved(token, issuer, kid))
        self._remember(given, signed_in)
        return signed_in

    def remembered(self, authorization: bytes) -> SignedIn | None:
        """Who a header speaks for that was believed a moment ago; None when it has to be checked. Raises Refusal when its time has come meanwhile."""
        proof = self._proofs.get(hashlib.sha256(authorization).digest())
        if proof is None or proof.holds_until_s <= time.monotonic():
            return None
        if proof.signed_in.expires_at <= self._clock():
            raise expired()
        return proof.signed_in

    def _remember(self, authorization: bytes, signed_in: SignedIn) -> None:
        digest = hashlib.sha256(authorization).digest()
        self._proofs[digest] = _Proof(time.monotonic() + PROOF_HOLDS_S, signed_in)
        self._proofs.move_to_end(digest)
        if len(self._proofs) > _PROOFS_KEPT:
            self._proofs.popitem(last=False)

    async def _proved(self, token: str, issuer: str, kid: str | None) -> dict[str, object]:
        """The claims of a token whose signature holds."""
        keys = self._issuers.get(issuer)
        if keys is None:
            raise _not_ours()
        try:
            key = await keys.find(kid)
        except KeysUnavailable:
            raise Refusal(
                503,
                Code.UNAVAILABLE,
                "Служба входа сейчас не отвечает, и мы не можем проверить токен. Повторите через минуту.",
                "The sign-in service does not answer now, so the token cannot be checked. Try again in a minute.",
                {"retry-after": "30"},
            ) from None
        if key is None:
            raise _not_ours()
        try:
            return dict(jwt.decode(token, key, algorithms=list(ALGORITHMS), registry=self._registry).claims)
        except (JoseError, ValueError, TypeError):
            # ValueError and TypeError are how the key's own arithmetic refuses a signature of another kind or length.
            raise _not_ours() from None

    def _believe(self, issuer: str, claims: dict[str, object]) -> SignedIn:
        now = self._clock().timestamp()
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise _not_ours()
        expires, begins, issued = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is None:
            raise _not_ours()
        if expires <= now:
            raise expired()
        latest_begin = max(begins or 0.0, issued or 0.0)
        if latest_begin > now + CLOCK_SKEW_S or expires > now + LONGEST_LIFE_S:
            raise unauthenticated(
                "Токен ещё не действует или выдан на слишком долгий срок. Проверьте часы и войдите снова.",
                "The token is not valid yet, or is valid for far too long. Check the clock and sign in again.",
            )
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS or _CONTROL.search(subject):
            raise unauthenticated(
                "В токене не сказано, кто вы (sub). Войдите снова.",
                "The token does not say who you are (sub). Sign in again.",
            )
        return SignedIn(issuer, subject, datetime.fromtimestamp(expires, UTC))


def _unproved(part: str) -> dict[str, object]:
    """A header or claims before the signature is checked: good only for finding the key."""
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise _not_ours() from None
    if not isinstance(value, dict):
        raise _not_ours()
    return value


def _seconds(claims: Mapping[str, object], name: str) -> float | None:
    """A time claim in seconds since 1970, or None when it is absent."""
    value = claims.get(name)
    if value is None:
        return None
    # NaN and infinity fail the comparison, True is an int.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise _not_ours()
    return float(value)
