"""Every way to sign in, by configuration alone: the file is YAML, the agency a real server, and it says what reached it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from agencies.registry import check_agency_file
from agencies.source import FileFaults
from connectors.base import NotSent
from connectors.http import open_session
from connectors.masking import mask_request
from domain.outcome import OutcomeKind
from tests.agencies.desk import (
    MESSAGE,
    REFUSED_SESSION,
    REGISTERED,
    TAKING,
    Desk,
    body_of,
    connected,
    envelope,
    head_of,
    headers_of,
    text_in,
    written,
)
from tests.connectors.certificates import issue
from tests.connectors.raw_server import Caller, raw_server

Protocol = Literal["soap", "rest"]
BOTH = pytest.mark.parametrize("protocol", ["soap", "rest"])
WORDS = {"DESK_USER": "хаб", "DESK_PASSWORD": "п@роль&<1>", "DESK_KEY": "k+e/y=1", "DESK_SECRET": "s%ec ret"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


async def sent_with(
    folder: Path, session: aiohttp.ClientSession, protocol: Protocol, connection: str, rows: str = ""
) -> tuple[Desk, bytes]:
    """The connected agency, and the one request that reached it."""
    async with raw_server(TAKING[protocol]) as server:
        desk = connected(
            folder, session, protocol, connection, rows=rows, variables={**WORDS, "ADDRESS": server.address}
        )
        outcome = await desk.submit()
        assert (outcome.kind, outcome.case_ids) == (OutcomeKind.ACCEPTED, {"case_id": "D-7"})
        assert len(server.requests) == 1
        shown = mask_request(desk.connector.render(desk.adapter.submit_call(MESSAGE)))
        assert not [word for name, word in WORDS.items() if name != "DESK_USER" and word in shown]
        return desk, server.requests[0]


@BOTH
async def test_basic(tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol) -> None:
    """Q1: HTTP Basic."""
    security = "security: {kind: basic, username: '${DESK_USER}', password: '${DESK_PASSWORD}'}"
    _, request = await sent_with(tmp_path, session, protocol, security)
    kind, value = headers_of(request)["authorization"].split()
    assert (kind, base64.b64decode(value).decode()) == ("Basic", "хаб:п@роль&<1>")


@BOTH
async def test_a_bearer_token(tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol) -> None:
    """Q1: a token that does not change."""
    _, request = await sent_with(tmp_path, session, protocol, "security: {kind: bearer, token: '${DESK_KEY}'}")
    assert headers_of(request)["authorization"] == "Bearer k+e/y=1"


@BOTH
async def test_a_key_in_a_header_or_in_the_query(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol
) -> None:
    """Q1: API key, with the word some systems want before it."""
    key = "security: {kind: api-key, key: '${DESK_KEY}', name: X-Key, prefix: 'Token '}"
    _, request = await sent_with(tmp_path / "header", session, protocol, key)
    assert headers_of(request)["x-key"] == "Token k+e/y=1"
    key = "security: {kind: api-key, key: '${DESK_KEY}', name: api_key, place: query}"
    _, request = await sent_with(tmp_path / "query", session, protocol, key)
    assert "?api_key=k%2Be%2Fy%3D1 HTTP/1.1" in head_of(request)


async def test_credentials_inside_the_body(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Q1: Confirm and its like want them among the fields of every call; the call itself never holds them."""
    security = "security: {kind: in-body, credentials: {username: '${DESK_USER}', password: '${DESK_PASSWORD}'}}"
    rows = "Login.User: credentials.username\nLogin.Password: credentials.password"
    desk, request = await sent_with(tmp_path / "soap", session, "soap", security, rows)
    assert (text_in(request, "User"), text_in(request, "Password")) == ("хаб", "п@роль&<1>")
    call = desk.adapter.submit_call(MESSAGE)
    assert "п@роль" not in str(call.body)
    assert set(desk.connector.render(call).secrets) == {"хаб", "п@роль&<1>"}
    rows = "auth.user: credentials.username\nauth.password: credentials.password"
    _, request = await sent_with(tmp_path / "rest", session, "rest", security, rows)
    assert json.loads(body_of(request))["auth"] == {"user": "хаб", "password": "п@роль&<1>"}


async def test_what_makes_texts_ready_leaves_a_credential_alone(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    security = "security: {kind: in-body, credentials: {password: '${DESK_PASSWORD}'}}"
    async with raw_server(TAKING["rest"]) as server:
        desk = connected(
            tmp_path,
            session,
            "rest",
            security,
            rows="word: credentials.password",
            more="text: {quotes: straight, charset: windows-1251}\n",
            variables={**WORDS, "ADDRESS": server.address},
        )
        await desk.submit()
        sent = json.loads(body_of(server.requests[0]))
    assert (sent["word"], sent["text"]) == ("п@роль&<1>", 'Яма на "улице" <Ёлочной> & Ко')


async def test_a_citizen_who_writes_what_stands_for_a_password_gets_none(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    security = "security: {kind: in-body, credentials: {password: '${DESK_PASSWORD}'}}"
    async with raw_server(TAKING["rest"]) as server:
        desk = connected(
            tmp_path,
            session,
            "rest",
            security,
            rows="subject: message.subject",
            variables={**WORDS, "ADDRESS": server.address},
        )
        call = desk.adapter.submit_call(MESSAGE)
        assert isinstance(call.body, dict)
        call.body["subject"] = "‹password› credentials.password ${DESK_PASSWORD}"
        await desk.connector.send(call)
        assert json.loads(body_of(server.requests[0]))["subject"] == "‹password› credentials.password ${DESK_PASSWORD}"


async def test_several_ways_at_once(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Q1: a gateway that wants its key, before a system that wants its user name in the envelope."""
    security = """\
security:
  - {kind: api-key, key: '${DESK_KEY}', name: X-Gateway-Key}
  - {kind: wsse-username, username: '${DESK_USER}', password: '${DESK_PASSWORD}', digest: true}"""
    _, request = await sent_with(tmp_path, session, "soap", security)
    assert headers_of(request)["x-gateway-key"] == "k+e/y=1"
    assert text_in(request, "Username") == "хаб"
    assert "п@роль".encode() not in request


async def test_a_user_name_in_the_envelope_as_text(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Q1: WS-Security UsernameToken (Echo, Whitespace)."""
    security = "security: {kind: wsse-username, username: '${DESK_USER}', password: '${DESK_PASSWORD}'}"
    _, request = await sent_with(tmp_path, session, "soap", security)
    assert text_in(request, "Password") == "п@роль&<1>"


# --- OAuth2 ----------------------------------------------------------------------------------------------------------


class Tokens:
    """A token endpoint beside an agency that takes the newest token only. `stale` makes the next calls find theirs run out."""

    def __init__(self, protocol: Protocol) -> None:
        self.forms: list[dict[str, str]] = []
        self.heads: list[str] = []
        self.calls: list[str] = []
        self.stale = False
        self._take = TAKING[protocol]

    async def __call__(self, caller: Caller) -> None:
        if caller.path == "/token":
            await asyncio.sleep(0.02)
            self.forms.append({name: values[0] for name, values in parse_qs(body_of(caller.request).decode()).items()})
            self.heads.append(headers_of(caller.request).get("authorization", ""))
            self.stale = False
            await caller.reply(json.dumps({"access_token": f"t{len(self.forms)}", "expires_in": 300}).encode())
            return
        given = headers_of(caller.request)["authorization"]
        self.calls.append(given)
        if self.stale or given != f"Bearer t{len(self.forms)}":
            await caller.reply(b"", "401 Unauthorized")
        else:
            await self._take(caller)


@BOTH
@pytest.mark.parametrize("client_auth", ["basic", "form"])
async def test_oauth2_with_a_users_password(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol, client_auth: str
) -> None:
    """Q1: the password grant (Aurora). Twenty calls share one login; a token that is no longer taken is renewed once for all."""
    security = f"""\
at_once: 20
security:
  kind: oauth2-password
  token_path: /token
  username: ${{DESK_USER}}
  password: ${{DESK_PASSWORD}}
  client_id: hub
  client_secret: ${{DESK_SECRET}}
  client_auth: {client_auth}
  scope: cases"""
    tokens = Tokens(protocol)
    async with raw_server(tokens) as server:
        desk = connected(tmp_path, session, protocol, security, variables={**WORDS, "ADDRESS": server.address})
        outcomes = await asyncio.gather(*(desk.submit() for _ in range(20)))
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ACCEPTED}
        assert len(tokens.forms) == 1
        tokens.stale = True
        outcomes = await asyncio.gather(*(desk.submit() for _ in range(10)))
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ACCEPTED}
        assert len(tokens.forms) == 2
    form = {"grant_type": "password", "username": "хаб", "password": "п@роль&<1>", "scope": "cases"}
    if client_auth == "form":
        assert tokens.forms[0] == {**form, "client_id": "hub", "client_secret": "s%ec ret"}
    else:
        assert tokens.forms[0] == form
        assert base64.b64decode(tokens.heads[0].removeprefix("Basic ")).decode() == "hub:s%25ec%20ret"


@BOTH
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
async def test_oauth2_with_an_assertion_that_the_agency_can_check(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol, algorithm: str
) -> None:
    """Q1: JWT-bearer (Salesforce), RFC 7523: signed with our key, no shared secret."""
    holder = issue("okno", kind="ec" if algorithm == "ES256" else "rsa")
    (tmp_path / "key.pem").write_bytes(holder.key())
    security = f"""\
security: {{kind: oauth2-jwt-bearer, token_path: /token, key: '${{DESK_KEY_FILE}}', key_id: k1, algorithm: {algorithm},
  issuer: hub, subject: '${{DESK_USER}}', audience: https://login.desk.example, scope: cases}}"""
    tokens = Tokens(protocol)
    async with raw_server(tokens) as server:
        variables = {**WORDS, "ADDRESS": server.address, "DESK_KEY_FILE": str(tmp_path / "key.pem")}
        desk = connected(tmp_path, session, protocol, security, variables=variables)
        assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
        tokens.stale = True
        assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
    first, second = tokens.forms
    assert (first["grant_type"], first["scope"]) == ("urn:ietf:params:oauth:grant-type:jwt-bearer", "cases")
    public = holder.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = (ECKey if algorithm == "ES256" else RSAKey).import_key(public)
    read = [jwt.decode(form["assertion"], key, algorithms=[algorithm]) for form in (first, second)]
    assert (read[0].header["kid"], read[0].claims["iss"], read[0].claims["sub"]) == ("k1", "hub", "хаб")
    assert read[0].claims["aud"] == "https://login.desk.example"
    assert read[0].claims["exp"] - read[0].claims["iat"] == 300
    assert read[0].claims["jti"] != read[1].claims["jti"]


async def test_an_assertion_may_prove_the_client_instead(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """RFC 7523, 2.2; here the endpoint is on another host than the agency, and the key itself stands in the environment."""
    tokens = Tokens("rest")
    security = """\
security: {kind: oauth2-jwt-bearer, token_address: '${LOGIN}/token', key: '${DESK_PEM}', issuer: hub, proves: client}"""
    async with raw_server(tokens) as login, raw_server(TAKING["rest"]) as server:
        pem = issue("okno").key().decode()
        variables = {"ADDRESS": server.address, "LOGIN": login.address, "DESK_PEM": pem}
        desk = connected(tmp_path, session, "rest", security, variables=variables)
        assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
        assert headers_of(server.requests[0])["authorization"] == "Bearer t1"
        assert "PRIVATE" not in repr(desk.connector)
    form = tokens.forms[0]
    assert (form["grant_type"], form["client_id"]) == ("client_credentials", "hub")
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


# --- logins the file describes ----------------------------------------------------------------------------------------


class Sessions:
    """Logs on over SOAP or REST with ticket T1, T2, …, and takes only the newest ticket, wherever it stands."""

    def __init__(self, where: Literal["body", "header", "query", "cookie"], soap: bool) -> None:
        self._where = where
        self._soap = soap
        self.logins: list[bytes] = []
        self.calls = 0
        self.stale = False
        self.never = False

    async def __call__(self, caller: Caller) -> None:
        is_login = b"<n0:LogOn" in caller.request if self._soap else caller.path.startswith("/login")
        if is_login:
            await asyncio.sleep(0.02)
            self.logins.append(caller.request)
            self.stale = False
            ticket = f"T{len(self.logins)}"
            cookie = f"Set-Cookie: sid={ticket}; Path=/; Expires=Wed, 21 Oct 2037 07:28:00 GMT\r\nSet-Cookie: n=1\r\n"
            body = f'<LogOnResponse xmlns="urn:desk"><Ticket>{ticket}</Ticket></LogOnResponse>'
            raw = envelope(body) if self._soap else json.dumps({"session": {"id": ticket}}).encode()
            await caller.reply(raw, headers=cookie if self._where == "cookie" else "")
            return
        self.calls += 1
        if self.stale or self.never or self._ticket(caller) != f"T{len(self.logins)}":
            if self._soap:
                await caller.reply(REFUSED_SESSION, "500 Internal Server Error")
            else:
                await caller.reply(b"", "302 Found", "Location: /login\r\n")
        else:
            await TAKING["soap" if self._soap else "rest"](caller)

    def _ticket(self, caller: Caller) -> str | None:
        if self._where == "body":
            return text_in(caller.request, "Ticket")
        if self._where == "header":
            return headers_of(caller.request)["x-ticket"].removeprefix("Ticket ")
        if self._where == "query":
            return caller.path.partition("ticket=")[2]
        return headers_of(caller.request)["cookie"].partition("sid=")[2].partition(";")[0]


_CREDENTIALS = "{user: '${DESK_USER}', password: '${DESK_PASSWORD}'}"
SOAP_LOGIN = f"""\
  kind: login
  credentials: {_CREDENTIALS}
  operation: LogOn
  send:
    Who.User: credentials.user
    Who.Password: credentials.password
  expired_when: fault.code == "Client.NoSession"
"""
REST_LOGIN = f"""\
  kind: login
  credentials: {_CREDENTIALS}
  request: POST /login
  form:
    user: credentials.user
    password: credentials.password
  expired_when: http.status == "302"
"""
IN_BODY = ("soap", SOAP_LOGIN + "  token: Ticket", "Ticket: credentials.token", "body")
IN_HEADER = ("rest", REST_LOGIN + "  token: session.id\n  goes_to: {header: X-Ticket, prefix: 'Ticket '}", "", "header")
IN_QUERY = ("rest", REST_LOGIN + "  token: session.id\n  goes_to: {query: ticket}", "", "query")
IN_COOKIE = ("rest", REST_LOGIN + "  cookies: keep", "", "cookie")
SOAP_COOKIE = ("soap", SOAP_LOGIN + "  cookies: keep", "", "cookie")
LOGINS = pytest.mark.parametrize(
    ("protocol", "login", "rows", "where"), [IN_BODY, IN_HEADER, IN_QUERY, IN_COOKIE, SOAP_COOKIE]
)


@LOGINS
async def test_a_login_brings_a_session_that_many_calls_share_and_that_is_renewed_once(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol, login: str, rows: str, where: Any
) -> None:
    """Q1: login call → token (Bartec), cookie session after Logon (Uniform)."""
    sessions = Sessions(where, soap=protocol == "soap")
    async with raw_server(sessions) as server:
        desk = connected(
            tmp_path,
            session,
            protocol,
            f"security:\n{login}",
            rows=rows,
            variables={**WORDS, "ADDRESS": server.address},
        )
        outcomes = await asyncio.gather(*(desk.submit() for _ in range(10)))
        assert ({outcome.kind for outcome in outcomes}, len(sessions.logins)) == ({OutcomeKind.ACCEPTED}, 1)
        sessions.stale = True
        outcomes = await asyncio.gather(*(desk.submit() for _ in range(5)))
        assert ({outcome.kind for outcome in outcomes}, len(sessions.logins)) == ({OutcomeKind.ACCEPTED}, 2)
        shown = desk.connector.render(desk.adapter.submit_call(MESSAGE))
        assert b"T2" not in shown.body
        assert "T2" not in shown.url + str(shown.headers)
    if protocol == "soap":
        assert text_in(sessions.logins[0], "Password") == "п@роль&<1>"
    else:
        assert parse_qs(body_of(sessions.logins[0]).decode())["password"] == ["п@роль&<1>"]


@LOGINS
async def test_a_session_that_is_refused_twice_is_not_sent_and_says_nothing_secret(
    tmp_path: Path, session: aiohttp.ClientSession, protocol: Protocol, login: str, rows: str, where: Any
) -> None:
    sessions = Sessions(where, soap=protocol == "soap")
    sessions.never = True
    async with raw_server(sessions) as server:
        variables = {**WORDS, "ADDRESS": server.address}
        desk = connected(tmp_path, session, protocol, f"security:\n{login}", rows=rows, variables=variables)
        with pytest.raises(NotSent, match="check `security`") as caught:
            await desk.submit()
        assert (len(sessions.logins), sessions.calls) == (2, 2)
        assert "п@роль" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        ("200 OK", envelope('<LogOnResponse xmlns="urn:desk"/>'), "no usable token"),
        ("500 Oops", REFUSED_SESSION, "the login was refused"),
        ("200 OK", b"<html>sign in</html>", "the login failed"),
        ("401 Unauthorized", b"", "the login failed"),
        ("200 OK", REGISTERED, "no usable token"),
    ],
)
async def test_a_login_that_brings_nothing_is_not_sent_and_the_agency_is_not_asked_to_act(
    tmp_path: Path, session: aiohttp.ClientSession, status: str, body: bytes, says: str
) -> None:
    calls: list[bytes] = []

    async def answer(caller: Caller) -> None:
        calls.append(caller.request)
        await caller.reply(body, status)

    async with raw_server(answer) as server:
        protocol, login, rows, _ = IN_BODY
        variables = {**WORDS, "ADDRESS": server.address}
        desk = connected(tmp_path, session, "soap", f"security:\n{login}", rows=rows, variables=variables)
        with pytest.raises(NotSent, match=says) as caught:
            await desk.submit()
        assert caught.value.request is not None
        assert "п@роль".encode() not in caught.value.request.body
    assert protocol == "soap"
    assert [b"LogOn" in request for request in calls] == [True]


async def test_a_dry_run_shows_where_a_token_goes_and_needs_no_agency(tmp_path: Path) -> None:
    protocol, login, rows, _ = IN_BODY
    desk = connected(tmp_path, None, "soap", f"security:\n{login}", rows=rows, variables=WORDS)
    assert protocol == "soap"
    assert "<n0:Ticket>‹token›</n0:Ticket>".encode() in desk.connector.render(desk.adapter.submit_call(MESSAGE)).body


@pytest.mark.parametrize(
    ("protocol", "connection"),
    [
        ("soap", "security: {kind: wsse-signature, certificate: desk/absent.pem, key: '${DESK_KEY}'}"),
        ("soap", "tls: {certificate: desk/absent.pem, key: '${DESK_KEY}', ca: desk/absent.pem}"),
        ("rest", "security: {kind: oauth2-jwt-bearer, token_path: /token, key: '${DESK_KEY}', issuer: hub}"),
    ],
)
def test_a_dry_run_needs_no_keys(tmp_path: Path, protocol: Protocol, connection: str) -> None:
    desk = connected(tmp_path, None, protocol, connection, variables=WORDS)
    body = desk.connector.render(desk.adapter.submit_call(MESSAGE)).body
    assert MESSAGE.reference.encode() in body or protocol == "rest"
    assert (b"SignatureValue" in body) == ("signature" in connection)


# --- what cannot be -------------------------------------------------------------------------------------------------


SECURITY_LOGON = "security: {kind: login, credentials: {a: '${A}'}, operation: LogOn"
SECURITY_POST = "security: {kind: login, credentials: {a: '${A}'}, request: POST /x"


def fault_of(path: Path) -> Mapping[str, str]:
    with pytest.raises(FileFaults) as caught:
        check_agency_file(path)
    return {fault.code: fault.text for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("protocol", "connection", "rows", "code", "says"),
    [
        ("soap", "security: {kind: basic, username: a, password: b}", "", "secret-in-file", "${NAME}"),
        ("rest", "security: {kind: wsse-username, username: a, password: '${B}'}", "", "wrong-protocol", "protocol"),
        ("rest", "security: {kind: login, credentials: {a: '${A}'}, operation: X, token: a}", "", "wrong-protocol", "rest"),
        ("rest", "security: {kind: login, credentials: {a: '${A}'}, request: POST /x}", "", "missing-key", "cookies"),
        ("rest", "security: {kind: oauth2-password, username: a, password: '${B}', client_id: c}", "", "missing-key", "token_address"),
        ("rest", "security: {kind: in-body, credentials: {p: geheim}}", "", "secret-in-file", "${NAME}"),
        ("rest", "security: {kind: in-body, credentials: {p: '${P}'}}", "a: credentials.q", "unknown-name", "`p`"),
        ("rest", "security: {kind: bearer, token: '${P}'}", "a: credentials.p", "unknown-name", "credentials"),
        ("rest", "security: {kind: in-body, credentials: {p: '${P}'}}", "a: credentials.p | shorten(3)", "credential-in-expression", "whole"),
        ("rest", "security: [{kind: bearer, token: '${P}'}, {kind: basic, username: a, password: '${P}'}]", "", "bad-value", "Authorization"),
        ("rest", "security: {kind: oauth2-jwt-bearer, token_path: /t, key: key.pem, issuer: a}", "", "secret-in-file", "${NAME}"),
        ("soap", "tls: {certificate: a.pem}", "", "missing-key", "each other"),
        ("soap", "security: {kind: login, credentials: {a: '${A}'}, operation: LogIn, token: Ticket}", "", "unknown-operation", "LogOn"),
        ("soap", SECURITY_LOGON + ", send: {Who.Usr: credentials.a}, token: Ticket}", "", "unknown-element", "User"),
        ("soap", SECURITY_LOGON + ", send: {Who.User: credentials.a}, token: Tiket}", "", "unknown-element", "Ticket"),
        ("rest", SECURITY_POST + ", send: {a: credentials.b}, token: x}", "", "unknown-name", "`a`"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_a_fault_with_its_remedy(
    tmp_path: Path, protocol: Protocol, connection: str, rows: str, code: str, says: str
) -> None:
    faults = fault_of(written(tmp_path, protocol, connection, rows))
    assert code in faults, faults
    assert says in faults[code]
    assert "geheim" not in str(faults)
