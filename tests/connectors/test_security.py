"""Signing in, piece by piece: places for credentials, what may be shown, TLS profiles, sessions in cookies."""

from __future__ import annotations

import math
import ssl
from typing import Any

import pytest

from connectors.base import BadConnection, Call, NotSent, Request
from connectors.credentials import Credential, Credentials, filled
from connectors.http import Wire
from connectors.masking import mask_request
from connectors.rest import RestConnection, RestConnector
from connectors.security import ApiKey, Basic, Bearer, InBody, LoginCall, TlsSettings, open_tls
from connectors.security.kept import Kept, Session
from connectors.security.tls import expires_at
from tests.connectors.certificates import issue
from tests.connectors.raw_server import Caller, raw_server

PLACES = Credentials()
LEGACY_SERVER_CONNECT = 0x4


def test_a_place_is_its_own_mask_and_survives_being_made_text() -> None:
    place = PLACES["password"]
    assert (str(place), place.name) == ("‹password›", "password")
    assert isinstance(str(place), Credential)
    assert "geheim" not in repr(InBody({"password": "geheim"}, frozenset({"password"})))


def test_places_are_filled_wherever_they_stand_and_nothing_else_is() -> None:
    call = Call(
        "POST /a/{id}",
        {"list": [PLACES["a"], {"in": PLACES["a"]}], "text": "‹a›"},
        path={"id": PLACES["a"]},
        query={"q": PLACES["a"]},
        headers={"X-A": PLACES["a"]},
        form={"f": PLACES["b"]},
    )
    done = filled(call, {"a": "1"})
    assert done.body == {"list": ["1", {"in": "1"}], "text": "‹a›"}
    assert (done.path, done.query, done.headers) == ({"id": "1"}, {"q": "1"}, {"X-A": "1"})
    assert done.form == {"f": "‹b›"}


@pytest.mark.parametrize("security", [None, Bearer("t"), InBody({"user": "u"})])
def test_a_place_that_nobody_can_fill_is_not_sent(security: Any) -> None:
    rest = RestConnector(RestConnection("http://127.0.0.1:9", security))
    with pytest.raises(NotSent, match=r"credentials\.password: .* add it there"):
        rest.render(Call("POST /a", {"x": [PLACES["password"]]}))


def test_secrets_of_a_request_are_hidden_even_where_a_name_is_safe() -> None:
    """P9: an agency that keeps a token in an element of the same name as its case number."""
    request = Request("POST", "http://a.example/CR-7?n=tok.1", {}, b'{"n": "tok.1", "m": "CR-7"}', ("tok.1",))
    shown = mask_request(request, safe_names={"n", "m"})
    assert "tok.1" not in shown
    assert "CR-7" in shown


@pytest.mark.parametrize(
    ("security", "words"),
    [
        (Basic("user", "geheim"), ["geheim", "dXNlcjpnZWhlaW0="]),
        (Bearer("geheim"), ["geheim"]),
        (ApiKey("k", "geh/eim", "query"), ["geh/eim", "geh%2Feim"]),
    ],
)
def test_a_request_knows_its_secrets_as_they_stand_on_the_wire(security: Any, words: list[str]) -> None:
    request = RestConnector(RestConnection("http://127.0.0.1:9", security)).render(Call("GET /a"))
    assert list(request.secrets) == words
    assert any(word in request.url + str(request.headers) for word in words)
    assert "geheim" not in repr(request)


# --- TLS --------------------------------------------------------------------------------------------------------------


def test_only_the_old_profile_bears_old_versions_and_renegotiation() -> None:
    """Q31."""
    modern, old = open_tls(TlsSettings()), open_tls(TlsSettings("old"))
    assert modern.minimum_version is ssl.TLSVersion.TLSv1_2
    assert old.minimum_version is ssl.TLSVersion.TLSv1
    assert (modern.options & LEGACY_SERVER_CONNECT, old.options & LEGACY_SERVER_CONNECT) == (0, LEGACY_SERVER_CONNECT)
    for context in (modern, old):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert "NULL" not in {cipher["name"].split("-")[0] for cipher in old.get_ciphers()}


def test_the_first_certificate_to_run_out_counts() -> None:
    soon, late = issue("soon", days=3), issue("late", days=300)
    assert expires_at(late.pem + soon.pem) == soon.certificate.not_valid_after_utc
    with pytest.raises(BadConnection, match="no certificate in PEM"):
        expires_at(b"nothing")


def test_a_key_without_its_certificate_is_refused() -> None:
    with pytest.raises(BadConnection, match=r"tls\.key"):
        open_tls(TlsSettings(key=issue("okno").key()))


# --- sessions in cookies --------------------------------------------------------------------------------------------------


async def test_a_cookie_goes_back_as_it_came_and_cannot_break_the_request(wire: Wire) -> None:
    async def answer(caller: Caller) -> None:
        cookie = 'Set-Cookie: sid="a\\054b"; HttpOnly\r\nSet-Cookie: evil="a\\015\\012X-Evil: 1"\r\n'
        await caller.reply(b"{}", headers=cookie if caller.path == "/login" else "")

    async with raw_server(answer) as server:
        login = LoginCall(
            Call("POST /login", form={"p": PLACES["p"]}, safe=True), keeps_cookies=True, credentials={"p": "w"}
        )
        rest = RestConnector(RestConnection(server.address, login), wire)
        await rest.send(Call("GET /a"))
        assert len(server.requests) == 2
        assert b'\r\nCookie: sid="a\\054b"\r\n' in server.requests[1]
        assert b"\r\nX-Evil" not in server.requests[1]


async def test_cookies_that_nobody_asked_to_keep_are_forgotten(wire: Wire) -> None:
    async def answer(caller: Caller) -> None:
        await caller.reply(b"{}", headers="Set-Cookie: sid=1\r\n")

    async with raw_server(answer) as server:
        rest = RestConnector(RestConnection(server.address), wire)
        for _ in range(2):
            await rest.send(Call("GET /a"))
        assert all(b"ookie" not in request for request in server.requests)


async def test_a_late_refusal_of_an_old_session_does_not_throw_the_new_one_away() -> None:
    logins = 0

    async def log_in() -> Session:
        nonlocal logins
        logins += 1
        return Session(f"t{logins}", good_until=math.inf)

    kept, deadline = Kept(log_in), math.inf
    old = await kept.session(deadline)
    kept.refused(old)
    new = await kept.session(deadline)
    kept.refused(old)
    assert await kept.session(deadline) is new
    assert (new.token, logins) == ("t2", 2)
