"""Who may come in at the stand-in: the credentials that the file would send, compared with the values of its variables.

Promises: what the file signs in with is asked for, and wrong values are refused; signatures and client certificates are taken on
trust, a stand-in has no keys of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, unquote_plus

from lxml import etree

from adapters.expressions import parse
from adapters.plan import Sending
from agencies.fake.draft import Draft, places_of
from agencies.fake.ledger import Captured
from agencies.fake.wires import Incoming, Written
from agencies.model_security import (
    ApiKey,
    Basic,
    Bearer,
    ClientCredentials,
    InBody,
    JwtBearer,
    Login,
    OAuthPassword,
    OneSecurity,
    TokenEndpoint,
    WsseUsername,
)

_COOKIE = "session"


class Doors:
    """The ways in of one agency."""

    def __init__(self, ways: tuple[OneSecurity, ...], reveal: Callable[[str], str]) -> None:
        """`reveal` gives the value of a text with `${NAME}` in it."""
        self._ways = ways
        self._reveal = reveal
        self._tokens: set[str] = set()
        self._nonces: set[str] = set()

    def token_reply(self, incoming: Incoming) -> Written | None:
        """The reply of the token endpoint, or None when the request is for something else."""
        for way in self._ways:
            if isinstance(way, TokenEndpoint) and way.token_path == incoming.path and incoming.method == "POST":
                right = self._proves(way, incoming)
                answer: dict[str, object] = {"error": "invalid_client"}
                if right:
                    answer = {"access_token": self._new_token(), "token_type": "Bearer", "expires_in": 3600}
                headers = {"Content-Type": "application/json"}
                return Written(200 if right else 401, json.dumps(answer).encode(), headers)
        return None

    def forget_tokens(self) -> None:
        """Every session ends now."""
        self._tokens.clear()

    def lets_in(self, incoming: Incoming, said: Captured, sending: Sending) -> bool:
        """Whether the request carries what every way of the file asks for. Credentials in the body are asked for where the step sends them."""
        return all(
            self._lets_in(way, incoming, said)
            for way in self._ways
            if not isinstance(way, InBody) or _sends_credentials(sending)
        )

    def login_draft(self, way: Login, said: Captured) -> Draft | None:
        """The reply to a login call; None when its credentials are wrong."""
        if not self._right_credentials(way.credentials, said):
            return None
        draft, token = Draft(), self._new_token()
        if way.token is not None:
            draft.put(next(places_of(parse(way.token))), token)
        if way.cookies == "keep":
            draft.headers["Set-Cookie"] = f"{_COOKIE}={token}; Path=/; HttpOnly"
        return draft

    def _lets_in(self, way: OneSecurity, incoming: Incoming, said: Captured) -> bool:
        authorization = incoming.headers.get("authorization", "")
        match way:
            case Basic():
                wanted = f"{self._reveal(way.username)}:{self._reveal(way.password)}".encode()
                return authorization == "Basic " + base64.b64encode(wanted).decode()
            case Bearer():
                return authorization == f"Bearer {self._reveal(way.token)}"
            case ApiKey():
                place = incoming.query if way.place == "query" else incoming.headers
                name = way.name if way.place == "query" else way.name.lower()
                return place.get(name) == way.prefix + self._reveal(way.key)
            case TokenEndpoint():
                return authorization.removeprefix("Bearer ") in self._tokens
            case InBody():
                return self._right_credentials(way.credentials, said)
            case Login():
                return self._has_session(way, incoming, said)
            case WsseUsername():
                return self._right_envelope(way, incoming.body)
        return True

    def _has_session(self, way: Login, incoming: Incoming, said: Captured) -> bool:
        shown = [cookie.partition("=")[2] for cookie in incoming.headers.get("cookie", "").split("; ")]
        if way.goes_to is not None and way.goes_to.header is not None:
            shown.append(incoming.headers.get(way.goes_to.header.lower(), "").removeprefix(way.goes_to.prefix))
        if way.goes_to is not None and way.goes_to.query is not None:
            shown.append(incoming.query.get(way.goes_to.query, "").removeprefix(way.goes_to.prefix))
        shown.append(said.get("credentials.token") or "")
        return any(token in self._tokens for token in shown)

    def _proves(self, way: OneSecurity, incoming: Incoming) -> bool:
        form = {name: values[0] for name, values in parse_qs(incoming.body.decode("utf-8", "replace")).items()}
        form = {**form, **incoming.form}
        match way:
            case ClientCredentials():
                return self._client(incoming, form) == (self._reveal(way.client_id), self._reveal(way.client_secret))
            case OAuthPassword():
                user = (form.get("username"), form.get("password"))
                return user == (self._reveal(way.username), self._reveal(way.password))
            case JwtBearer():
                return any("assertion" in name for name in form)
        return False

    def _client(self, incoming: Incoming, form: Mapping[str, str]) -> tuple[str, str]:
        scheme, _, proof = incoming.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(proof).decode("utf-8", "replace").partition(":")
            # RFC 6749, 2.3.1: both halves are form-encoded before they are joined.
            return unquote_plus(name), unquote_plus(secret)
        return form.get("client_id", ""), form.get("client_secret", "")

    def _right_credentials(self, credentials: Mapping[str, str], said: Captured) -> bool:
        shown = {name: said.get(f"credentials.{name}") for name in credentials}
        return all(shown[name] in (None, self._reveal(text)) for name, text in credentials.items()) and any(
            value is not None for value in shown.values()
        )

    def _right_envelope(self, way: WsseUsername, body: bytes) -> bool:
        try:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            texts = {etree.QName(one).localname: (one.text or "") for one in etree.fromstring(body, parser).iter("*")}
        except etree.XMLSyntaxError:
            return False
        password = self._reveal(way.password)
        if texts.get("Username") != self._reveal(way.username):
            return False
        if not way.digest:
            return texts.get("Password") == password
        nonce = texts.get("Nonce", "")
        if nonce in self._nonces:
            return False
        self._nonces.add(nonce)
        digest = hashlib.sha1(usedforsecurity=False)  # the profile prescribes it
        digest.update(base64.b64decode(nonce) + texts.get("Created", "").encode() + password.encode())
        return texts.get("Password") == base64.b64encode(digest.digest()).decode()

    def _new_token(self) -> str:
        token = secrets.token_urlsafe(16)
        self._tokens.add(token)
        return token


def _sends_credentials(sending: Sending) -> bool:
    rows = (*sending.body, *sending.query, *sending.form, *sending.headers)
    values = [row.value for row in rows if row.value is not None]
    return any(use.steps[0] == "credentials" for value in values for use in value.paths)
