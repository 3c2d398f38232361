"""Who we are, said to a SOAP service: a WS-Security UsernameToken in the envelope, or HTTP Basic beside it.

A fresh nonce and time go into every digest, so no two envelopes are alike. Passwords stay out of every `repr`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from connectors.http import basic_authorization
from connectors.soap.lexical import spell
from connectors.soap.shape import Kind

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_WSSE = f"{_OASIS}-wssecurity-secext-1.0.xsd"
_WSU = f"{_OASIS}-wssecurity-utility-1.0.xsd"
_TOKEN_PROFILE = f"{_OASIS}-username-token-profile-1.0"
_BASE64 = f"{_OASIS}-soap-message-security-1.0#Base64Binary"
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """WS-Security UsernameToken: the password as text, or (`digest`) Base64(SHA-1(nonce + created + password))."""

    username: str
    password: str = field(repr=False)
    digest: bool = False
    must_understand: bool = False

    def header(self, nonce: bytes, created: datetime) -> str:
        """The finished `wsse:Security` element; the prefix `soap-env` is the envelope's. Raises NotSent for unwritable characters."""
        username = spell(self.username, Kind.TEXT, "security.username")
        if self.digest:
            moment = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            # The profile prescribes SHA-1; it protects nothing that TLS does not.
            digest = hashlib.sha1(nonce + moment.encode() + self.password.encode(), usedforsecurity=False).digest()
            proof = (
                f'<wsse:Password Type="{_TOKEN_PROFILE}#PasswordDigest">{_base64(digest)}</wsse:Password>'
                f'<wsse:Nonce EncodingType="{_BASE64}">{_base64(nonce)}</wsse:Nonce>'
                f"<wsu:Created>{moment}</wsu:Created>"
            )
        else:
            password = spell(self.password, Kind.TEXT, "security.password")
            proof = f'<wsse:Password Type="{_TOKEN_PROFILE}#PasswordText">{password}</wsse:Password>'
        demand = ' soap-env:mustUnderstand="1"' if self.must_understand else ""
        return (
            f'<wsse:Security xmlns:wsse="{_WSSE}" xmlns:wsu="{_WSU}"{demand}><wsse:UsernameToken>'
            f"<wsse:Username>{username}</wsse:Username>{proof}</wsse:UsernameToken></wsse:Security>"
        )


@dataclass(frozen=True, slots=True)
class HttpBasic:
    """HTTP Basic credentials beside the envelope."""

    username: str
    password: str = field(repr=False)


Security: TypeAlias = UsernameToken | HttpBasic


def security_header(security: Security | None) -> str:
    """What the credentials put into the envelope's header now: nothing, or an element."""
    if isinstance(security, UsernameToken):
        return security.header(secrets.token_bytes(_NONCE_BYTES), datetime.now(UTC))
    return ""


def http_credentials(security: Security | None) -> dict[str, str]:
    """What the credentials put into the HTTP headers."""
    if isinstance(security, HttpBasic):
        return {"Authorization": basic_authorization(security.username, security.password)}
    return {}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
