"""The key that signs tokens in development, and the tokens.

The gateway trusts its public half unless OKNO_MODE is production. The key is made once per installation: whoever asks first makes it, everybody else,
even at the same moment, reads the same one. Only the owner of the installation may read the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from cli.failure import Failure

ISSUER = "okno-development"
AUDIENCE = "okno"
ALGORITHM = "Ed25519"
LONGEST_LIFE_S = 31 * 24 * 3600


def development_key(path: Path) -> OKPKey:
    """The key in the file; made if there is none. Raises Failure when the file holds no private Ed25519 key."""
    if not path.exists():
        _make(path)
    try:
        key = OKPKey.import_key(json.loads(path.read_bytes()))
    except OSError as error:
        raise Failure(
            f"{path} cannot be read: {error.strerror}. Run this as the user who owns the installation."
        ) from None
    except (ValueError, TypeError, KeyError, JoseError):
        key = None
    if key is None or not key.is_private or key.curve_name != "Ed25519" or not key.kid:
        raise Failure(
            f"{path} holds no private Ed25519 key with a `kid`. Remove the file: the next `okno token` makes a new one, and "
            "tokens given out before stop working."
        )
    return key


def issue_token(key: OKPKey, subject: str, expires_in_s: int, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> str:
    """A signed JWT for `subject`, valid from now."""
    now = int(time.time())
    claims = {"iss": issuer, "aud": audience, "sub": subject, "iat": now, "exp": now + expires_in_s}
    return jwt.encode({"alg": ALGORITHM, "typ": "JWT", "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


def _make(path: Path) -> None:
    """Put a new key there, unless somebody else does first. It appears whole or not at all."""
    key = OKPKey.generate_key("Ed25519", private=True, auto_kid=True)
    text = json.dumps({**key.as_dict(private=True), "use": "sig", "alg": ALGORITHM}, indent=2) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes the file readable by its owner alone.
        number, written = tempfile.mkstemp(dir=path.parent, prefix=".development-key-")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            # A link fails where a rename would replace the key of somebody who was faster.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(written)
        finally:
            Path(written).unlink()
    except OSError as error:
        raise Failure(
            f"The development key cannot be written to {path}: {error.strerror}. Name a folder that belongs to you in OKNO_HOME."
        ) from None
