"""Who we are, said inside a SOAP envelope: a WS-Security UsernameToken, beside whatever HTTP itself carries.

A fresh nonce and time go into every digest, so no two envelopes are alike. Passwords stay out of every `repr`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from connectors.soap.lexical import spell
from connectors.soap.shape import Kind

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE: Final = f"{_OASIS}-wssecurity-secext-1.0.xsd"
WSU: Final = f"{_OASIS}-wssecurity-utility-1.0.xsd"
BASE64_BINARY: Final = f"{_OASIS}-soap-message-security-1.0#Base64Binary"
X509_TOKEN: Final = f"{_OASIS}-x509-token-profile-1.0#X509v3"
_TOKEN_PROFILE = f"{_OASIS}-username-token-profile-1.0"
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """WS-Security UsernameToken: the password as text, or (`digest`) Base64(SHA-1(nonce + created + password))."""

    username: str
    password: str = field(repr=False)
    digest: bool = False

    def element(self, nonce: bytes, created: datetime) -> str:
        """The finished element; the prefixes `wsse` and `wsu` are the header's. Raises NotSent for unwritable characters."""
        username = spell(self.username, Kind.TEXT, "security.username")
        if self.digest:
            written = moment(created)
            # The profile prescribes SHA-1; it protects nothing that TLS does not.
            digest = hashlib.sha1(nonce + written.encode() + self.password.encode(), usedforsecurity=False).digest()
            proof = (
                f'<wsse:Password Type="{_TOKEN_PROFILE}#PasswordDigest">{in_base64(digest)}</wsse:Password>'
                f'<wsse:Nonce EncodingType="{BASE64_BINARY}">{in_base64(nonce)}</wsse:Nonce>'
                f"<wsu:Created>{written}</wsu:Created>"
            )
        else:
            password = spell(self.password, Kind.TEXT, "security.password")
            proof = f'<wsse:Password Type="{_TOKEN_PROFILE}#PasswordText">{password}</wsse:Password>'
        return f"<wsse:UsernameToken><wsse:Username>{username}</wsse:Username>{proof}</wsse:UsernameToken>"

    def secrets(self) -> tuple[str, ...]:
        """Its texts that must never be shown, as they stand in the envelope."""
        return () if self.digest else (spell(self.password, Kind.TEXT, "security.password"),)


def token_elements(token: UsernameToken | None) -> str:
    """The element of a token with a nonce and a time of this moment; empty without a token."""
    return "" if token is None else token.element(secrets.token_bytes(_NONCE_BYTES), datetime.now(UTC))


def security_header(elements: str) -> str:
    """The `wsse:Security` element around finished elements; empty around nothing."""
    if not elements:
        return ""
    return f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">{elements}</wsse:Security>'


def moment(at: datetime) -> str:
    """A time as WS-Security writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_base64(content: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(content).decode("ascii")
