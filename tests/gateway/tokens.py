"""Issuers of tokens for the tests: real keys, real signatures, and every way to get one wrong."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ISSUER = "https://sign-in.example"
AUDIENCE = "okno"

Signing = OKPKey | RSAKey | ECKey


def new_key(kid: str = "one") -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})


def key_set(*keys: Signing) -> dict[str, Any]:
    """The public document of these keys."""
    return dict(KeySet(list(keys)).as_dict(private=False))


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims with some changed; None leaves one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "citizen-1", "iat": now, "nbf": now, "exp": now + 600}
    return {name: value for name, value in (good | changes).items() if value is not None}


def sign(key: Signing | OctKey, said: dict[str, Any], alg: str = "Ed25519", **header: Any) -> str:
    head = {"alg": alg} | ({"kid": key.kid} if key.kid else {}) | header
    return jwt.encode(head, said, key, algorithms=[alg], registry=JWSRegistry(algorithms=[alg]))


def unsigned(said: dict[str, Any]) -> str:
    """A token of the algorithm `none`."""
    parts = ({"alg": "none", "kid": "one"}, said)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def write_keys(path: Path, *keys: Signing) -> None:
    path.write_text(json.dumps(key_set(*keys)))
