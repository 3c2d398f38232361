"""Proves that a webhook comes from the agency: HMAC-SHA256 over `<timestamp>.<body>`.

Promises: compares in constant time, signs the raw bytes as they came, refuses what is too old or too new, and says in
`BadSignature` which of these it was, without the secret or the body.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime

from adapters.plan import Signature

_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)


class BadSignature(Exception):
    """The webhook is not proved to come from the agency. It must not be stored or acted upon."""


def verify(signature: Signature, headers: Mapping[str, str], raw: bytes, now: datetime) -> None:
    """Nothing when the signature holds. `headers` may be of any case. Raises BadSignature."""
    lowered = {name.lower(): value for name, value in headers.items()}
    timestamp = lowered.get(signature.timestamp_header.lower(), "").strip()
    given = lowered.get(signature.header.lower(), "").strip()
    if not timestamp or not given:
        raise BadSignature(f"the headers {signature.header} and {signature.timestamp_header} are both needed")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise BadSignature(f"{signature.timestamp_header} must be seconds since 1970")
    expected = (
        signature.prefix
        + hmac.new(signature.secret().encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    )
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass")):
        raise BadSignature(f"{signature.header} does not fit the body")
    # After the comparison, so that the answer tells a stranger nothing about our clock.
    if abs(now.timestamp() - int(timestamp)) > signature.tolerance_s:
        raise BadSignature(
            f"{signature.timestamp_header} is more than {signature.tolerance_s:g} seconds away from our clock"
        )
