"""OAuth 2.0 logins: client credentials (RFC 6749, 4.4), password (4.3) and a signed assertion (RFC 7523).

Each description writes its own login request; the reply is read in one way. Everything that goes wrong is NotSent.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl as tls
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from connectors.base import BadConnection, ConnectorError, NotSent, Request
from connectors.http import STANDARD_HEADERS, Limits, RawReply, Wire, basic_authorization, checked_address
from connectors.security.kept import Session, good_until

ClientAuthentication = Literal["basic", "form"]
Algorithm = Literal["RS256", "PS256", "ES256"]

_UNSTATED_LIFE_S = 300.0
_LONGEST_LIFE_S = 86_400.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class OAuth2ClientCredentials:
    """A login call brings a token, which is used until `expiry_margin_s` before it runs out.

    `client_authentication` says whether the id and secret go as HTTP Basic or as form fields.
    """

    token_address: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    client_authentication: ClientAuthentication = "basic"
    expiry_margin_s: float = 30.0

    def form(self) -> dict[str, str]:
        """The fields of the login form."""
        return {"grant_type": "client_credentials"}


@dataclass(frozen=True, slots=True)
class OAuth2Password:
    """As client credentials, with a user's name and password beside them. A public client has no secret."""

    token_address: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)
    scope: str = ""
    client_authentication: ClientAuthentication = "basic"
    expiry_margin_s: float = 30.0

    def form(self) -> dict[str, str]:
        """The fields of the login form."""
        return {"grant_type": "password", "username": self.username, "password": self.password}


@dataclass(frozen=True, slots=True)
class OAuth2JwtBearer:
    """A login with an assertion signed by our own private key (PEM). No secret is shared with the agency.

    `as_client` sends it as the client's proof beside the client-credentials grant (RFC 7523, 2.2) instead of as the grant itself (2.1).
    """

    token_address: str
    private_key: bytes = field(repr=False)
    issuer: str
    subject: str
    audience: str
    algorithm: Algorithm = "RS256"
    key_id: str = ""
    scope: str = ""
    as_client: bool = False
    assertion_life_s: float = 300.0
    expiry_margin_s: float = 30.0

    def __post_init__(self) -> None:
        """Raises BadConnection when the key cannot sign with the algorithm."""
        try:
            self.form()
        except (JoseError, ValueError, TypeError) as error:
            # The library's words may quote the key.
            text = f"security.key: is no private key in PEM that can sign {self.algorithm}"
            raise BadConnection(text) from error

    def form(self) -> dict[str, str]:
        """The fields of the login form, with a fresh assertion."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.audience,
            "iat": now,
            "exp": now + int(self.assertion_life_s),
            "jti": str(uuid.uuid4()),
        }
        header = {"alg": self.algorithm, "typ": "JWT"} | ({"kid": self.key_id} if self.key_id else {})
        key = (ECKey if self.algorithm == "ES256" else RSAKey).import_key(self.private_key)
        assertion = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        if self.as_client:
            return {
                "grant_type": "client_credentials",
                "client_id": self.issuer,
                "client_assertion_type": _CLIENT_ASSERTION,
                "client_assertion": assertion,
            }
        return {"grant_type": _JWT_BEARER, "assertion": assertion}


OAuth2 = OAuth2ClientCredentials | OAuth2Password | OAuth2JwtBearer


def check_oauth(way: OAuth2) -> None:
    """Raises BadConnection for a login that could never be sent."""
    checked_address(way.token_address)


def login_request(way: OAuth2) -> Request:
    """The exact login request."""
    form = way.form()
    if way.scope:
        form["scope"] = way.scope
    headers = {**STANDARD_HEADERS, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if not isinstance(way, OAuth2JwtBearer):
        if way.client_authentication == "basic" and way.client_secret:
            # RFC 6749, 2.3.1: both halves are form-encoded before they are joined.
            headers["Authorization"] = basic_authorization(
                quote(way.client_id, safe=""), quote(way.client_secret, safe="")
            )
        else:
            form |= {"client_id": way.client_id} | ({"client_secret": way.client_secret} if way.client_secret else {})
    return Request("POST", way.token_address, headers, urlencode(form).encode("ascii"))


async def log_in(way: OAuth2, wire: Wire, limits: Limits, ssl: tls.SSLContext | None, network: bool) -> Session:
    """One login. `network` says whether a private network is allowed. Raises NotSent, without the request: it holds the secret."""
    asked_at = asyncio.get_running_loop().time()
    try:
        reply = await wire.exchange(login_request(way), limits, safe=True, ssl=ssl, private=network)
    except ConnectorError as error:
        raise NotSent(f"the login failed: {error.text}", status=error.status) from error
    token, life_s = _read(reply)
    return Session(token, good_until(asked_at, life_s, way.expiry_margin_s))


def _read(reply: RawReply) -> tuple[str, float]:
    """Token and life in seconds. Raises NotSent."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        answer = None
    answer = answer if isinstance(answer, Mapping) else {}
    if reply.status != 200:
        code = answer.get("error")
        named = f", {code}" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
        remedy = "check what stands under `security`" if reply.status < 500 else "come again later"
        raise NotSent(f"the login was refused ({reply.status}{named}): {remedy}", status=reply.status)
    token, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise NotSent("the login brought no usable access_token", status=reply.status)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise NotSent("the login brought a token that is not a bearer token", status=reply.status)
    return token, _life_s(answer.get("expires_in"))


def _life_s(stated: object) -> float:
    try:
        life_s = float(stated) if isinstance(stated, int | float | str) else _UNSTATED_LIFE_S
    except (ValueError, OverflowError):
        life_s = _UNSTATED_LIFE_S
    # NaN compares as false with everything and falls to the unstated life.
    return min(life_s, _LONGEST_LIFE_S) if life_s > 0 else _UNSTATED_LIFE_S
