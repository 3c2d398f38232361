"""Who we are, said to a REST service. Each way is a small frozen description; secrets stay out of every `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from connectors.base import BadConnection
from connectors.http import basic_authorization, check_header, checked_address


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that does not change."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header or in the query, under the name the agency gives it."""

    name: str
    key: str = field(repr=False)
    place: Literal["header", "query"] = "header"


@dataclass(frozen=True, slots=True)
class OAuth2ClientCredentials:
    """OAuth 2.0 client credentials: a login call brings a token, which is used until `expiry_margin_s` before it runs out.

    `client_authentication` says whether the id and secret go as HTTP Basic or as form fields.
    """

    token_address: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    client_authentication: Literal["basic", "form"] = "basic"
    expiry_margin_s: float = 30.0


Auth: TypeAlias = Basic | Bearer | ApiKey | OAuth2ClientCredentials | None


def check_auth(auth: Auth) -> None:
    """Raises BadConnection for credentials that could never be sent."""
    match auth:
        case OAuth2ClientCredentials():
            checked_address(auth.token_address)
        case ApiKey():
            if not auth.name:
                raise BadConnection("security.name: must name the header or query parameter of the key")


def fixed_credentials(auth: Auth) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and query parameters of credentials that need no login. Raises NotSent for a value no header can hold."""
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    match auth:
        case Basic():
            headers["Authorization"] = basic_authorization(auth.username, auth.password)
        case Bearer():
            headers["Authorization"] = f"Bearer {auth.token}"
        case ApiKey():
            (headers if auth.place == "header" else query)[auth.name] = auth.key
    for name, value in headers.items():
        check_header(name, value)
    return headers, query
