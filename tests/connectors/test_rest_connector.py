"""The REST wire against the housing inspection, with all its faults, and against servers of our own."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from connectors.base import Call, ConnectorError, FilePart, Lost, NotSent, Unreadable
from connectors.http import Wire
from connectors.rest import RestConnection, RestConnector
from connectors.security import Bearer, OAuth2ClientCredentials
from tests.connectors.raw_server import Answer, Caller, RawServer, raw_server, replying
from tests.fakes.serving import AgencyProcess

LIMITS: dict[str, Any] = {"timeout_s": 3, "attempt_window_s": 1, "max_reply_bytes": 1_000_000}
numbers = itertools.count(1)


def oauth(origin: str, secret: str = "housing-secret", **more: Any) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(f"{origin}/oauth/token", "okno", secret, **more)


@pytest_asyncio.fixture
async def inspection(housing: AgencyProcess, wire: Wire) -> AsyncIterator[RestConnector]:
    await housing.operator.clear_faults()
    rest = RestConnector(RestConnection(housing.origin, oauth(housing.origin), **LIMITS), wire)
    yield rest
    await rest.close()
    await housing.operator.clear_faults()


def create(external_id: str = "", **more: Any) -> Call:
    body = {
        "external_id": external_id or f"R-{next(numbers)}",
        "kind": "heating",
        "title": "Холодные батареи",
        "description": "Третий день 12 градусов. “Ёлки” 🥶",
        "received_at": "2026-11-22T17:16:05.120Z",
    }
    return Call("POST /api/v1/requests", body | more)


@pytest.mark.parametrize("way", ["basic", "form"])
async def test_a_request_a_file_and_a_query_go_through_whole(housing: AgencyProcess, wire: Wire, way: Any) -> None:
    auth = oauth(housing.origin, client_authentication=way)
    rest = RestConnector(RestConnection(housing.origin, auth, **LIMITS), wire)
    reply = await rest.send(create(f"WHOLE-{way}"))
    made: Any = reply.tree
    assert (reply.status, made["state"]) == (201, "new")
    photo = bytes(range(256)) * 200
    digest = hashlib.sha256(photo).hexdigest()
    part = FilePart("file", "подъезд.jpg", "image/jpeg", photo)
    attach = Call("POST /api/v1/requests/{id}/files", path={"id": made["id"]}, form={"sha256": digest}, files=(part,))
    assert (await rest.send(attach)).status == 201
    found: Any = (await rest.send(Call("GET /api/v1/requests", query={"external_id": f"WHOLE-{way}"}, safe=True))).tree
    assert [item["id"] for item in found["items"]] == [made["id"]]
    held = (await housing.operator.cases(external_id=f"WHOLE-{way}"))[0]
    assert held["text"] == "Третий день 12 градусов. “Ёлки” 🥶"
    assert [file["sha256"] for file in held["files"]] == [digest]
    await rest.close()


async def test_an_error_in_json_is_a_reply_with_its_status(inspection: RestConnector) -> None:
    reply = await inspection.send(create(kind="unheard of"))
    tree: Any = reply.tree
    assert (reply.status, tree["error"]["code"]) == (422, "unknown_kind")


async def test_a_busy_agency_is_a_reply_that_says_when_to_come_again(
    inspection: RestConnector, housing: AgencyProcess
) -> None:
    await housing.operator.faults("busy", operation="POST /api/v1/requests")
    reply = await inspection.send(create())
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("garbage", Unreadable),
        ("html", Unreadable),
        ("error_500", Unreadable),
        ("created_with_error", Unreadable),
        ("half", Lost),
        ("lost_reply", Lost),
        ("huge", Lost),
        ("gzip_bomb", Lost),
    ],
)
async def test_each_fault_of_the_agency_ends_as_what_it_is(
    inspection: RestConnector, housing: AgencyProcess, kind: str, error: type[ConnectorError]
) -> None:
    await housing.operator.faults(kind, operation="POST /api/v1/requests")
    with pytest.raises(error) as caught:
        await inspection.send(create(f"FAULT-{kind}"))
    assert caught.value.request is not None
    if error is Unreadable:
        assert caught.value.raw
        assert caught.value.status == (500 if kind in {"error_500", "created_with_error"} else 200)
    processed = kind in {"created_with_error", "half", "lost_reply"}
    assert len(await housing.operator.cases(external_id=f"FAULT-{kind}")) == int(processed)
    assert (await inspection.send(create())).status == 201


@pytest.mark.parametrize("kind", ["silence", "slow"])
async def test_a_silent_or_trickling_agency_is_left_at_the_deadline(
    housing: AgencyProcess, wire: Wire, kind: str
) -> None:
    rest = RestConnector(RestConnection(housing.origin, oauth(housing.origin), timeout_s=0.8), wire)
    await housing.operator.faults(kind, operation="POST /api/v1/requests")
    started = time.monotonic()
    with pytest.raises(Lost, match="timeout"):
        await rest.send(create())
    assert time.monotonic() - started < 1.5
    await rest.close()


async def test_a_safe_call_survives_a_lost_reply(inspection: RestConnector, housing: AgencyProcess) -> None:
    await housing.operator.faults("lost_reply", operation="GET /api/v1/changes")
    assert (await inspection.send(Call("GET /api/v1/changes", safe=True))).status == 200


async def test_wrong_login_is_not_sent_and_says_nothing_secret(housing: AgencyProcess, wire: Wire) -> None:
    rest = RestConnector(RestConnection(housing.origin, oauth(housing.origin, "geheim"), **LIMITS), wire)
    with pytest.raises(NotSent, match="invalid_client") as caught:
        await rest.send(create())
    assert "geheim" not in str(caught.value)
    assert caught.value.request is not None
    assert caught.value.request.url.endswith("/api/v1/requests")


async def test_a_token_the_agency_no_longer_takes_is_renewed_once(
    inspection: RestConnector, housing: AgencyProcess
) -> None:
    await inspection.send(create())
    await housing.operator.faults("refuse_login", operation="POST /api/v1/requests")
    assert (await inspection.send(create("RENEWED"))).status == 201
    assert len(await housing.operator.cases(external_id="RENEWED")) == 1


# --- the login, seen from a server of our own ------------------------------------------------------------------------


class TokenServer:
    """Gives the tokens t1, t2, … and takes only those that `good` names; counts what it was asked."""

    def __init__(self, good: set[str], login: Answer | None = None, **answer: Any) -> None:
        self.good = good
        self.logins = 0
        self.calls: list[str] = []
        self._login = login
        self._answer = {"token_type": "Bearer", "expires_in": 300} | answer

    async def __call__(self, caller: Caller) -> None:
        if caller.path == "/oauth/token":
            self.logins += 1
            await asyncio.sleep(0.05)
            if self._login is not None:
                await self._login(caller)
                return
            await caller.reply(json.dumps({"access_token": f"t{self.logins}", **self._answer}).encode())
            return
        token = caller.request.lower().split(b"authorization: bearer ")[1].split(b"\r\n")[0].decode()
        self.calls.append(token)
        await caller.reply(b"{}", "200 OK" if token in self.good else "401 Unauthorized")


def signed_in(server: RawServer, wire: Wire, **more: Any) -> RestConnector:
    return RestConnector(RestConnection(server.address, oauth(server.address, **more), **LIMITS), wire)


async def test_many_calls_wait_for_one_login(wire: Wire) -> None:
    tokens = TokenServer({"t1"})
    async with raw_server(tokens) as server:
        rest = signed_in(server, wire)
        await asyncio.gather(*(rest.send(Call("GET /a")) for _ in range(20)))
        assert (tokens.logins, set(tokens.calls)) == (1, {"t1"})


async def test_many_refused_calls_renew_the_token_once(wire: Wire) -> None:
    tokens = TokenServer({"t1"})
    async with raw_server(tokens) as server:
        rest = signed_in(server, wire)
        await rest.send(Call("POST /a"))
        tokens.good = {"t2"}
        replies = await asyncio.gather(*(rest.send(Call("POST /a")) for _ in range(10)))
        assert ({reply.status for reply in replies}, tokens.logins) == ({200}, 2)


async def test_a_second_refusal_is_not_sent_and_the_next_call_logs_in_anew(wire: Wire) -> None:
    tokens = TokenServer(set())
    async with raw_server(tokens) as server:
        rest = signed_in(server, wire)
        with pytest.raises(NotSent, match="credentials") as caught:
            await rest.send(Call("POST /a"))
        assert (caught.value.status, tokens.calls) == (401, ["t1", "t2"])
        tokens.good = {"t3"}
        assert (await rest.send(Call("POST /a"))).status == 200


@pytest.mark.parametrize(("expires_in", "logins"), [(300, 1), ("300", 1), (None, 1), (0.08, 2), (-5, 1), ("soon", 1)])
async def test_a_token_is_used_until_shortly_before_it_runs_out(wire: Wire, expires_in: Any, logins: int) -> None:
    tokens = TokenServer({"t1", "t2"}, expires_in=expires_in)
    async with raw_server(tokens) as server:
        rest = signed_in(server, wire)
        await rest.send(Call("GET /a"))
        await asyncio.sleep(0.1)
        await rest.send(Call("GET /a"))
        assert tokens.logins == logins


@pytest.mark.parametrize(
    "answer",
    [
        replying(b"<html>"),
        replying(b"{}"),
        replying(b'{"access_token": ""}'),
        replying(b'{"access_token": "a\\r\\nX: y"}'),
        replying(b'{"access_token": "a", "token_type": "mac"}'),
        replying(b"[]", "500 Oops"),
        replying(b"", "302 Found", "Location: /elsewhere\r\n"),
    ],
)
async def test_a_login_that_brings_no_token_is_not_sent(wire: Wire, answer: Answer) -> None:
    tokens = TokenServer(set(), login=answer)
    async with raw_server(tokens) as server:
        with pytest.raises(NotSent, match="login"):
            await signed_in(server, wire).send(Call("POST /a"))
        assert tokens.calls == []


async def test_a_slow_login_counts_towards_the_deadline_and_one_impatient_caller_does_not_end_it(wire: Wire) -> None:
    async def slowly(caller: Caller) -> None:
        await asyncio.sleep(0.5)
        await caller.reply(b'{"access_token": "t1"}')

    async with raw_server(TokenServer({"t1"}, login=slowly)) as server:
        rest = signed_in(server, wire)
        impatient = asyncio.create_task(rest.send(Call("POST /a")))
        patient = asyncio.create_task(rest.send(Call("POST /a")))
        await asyncio.sleep(0.1)
        impatient.cancel()
        assert (await patient).status == 200
        with pytest.raises(asyncio.CancelledError):
            await impatient


async def test_a_silent_login_is_not_sent_at_the_deadline_and_closing_ends_it(wire: Wire) -> None:
    async def never(caller: Caller) -> None:
        await asyncio.sleep(30)

    async with raw_server(TokenServer(set(), login=never)) as server:
        quick = RestConnector(RestConnection(server.address, oauth(server.address), timeout_s=0.3), wire)
        with pytest.raises(NotSent, match="login"):
            await quick.send(Call("POST /a"))
        rest = signed_in(server, wire)
        waiting = asyncio.create_task(rest.send(Call("POST /a")))
        await asyncio.sleep(0.1)
        await rest.close()
        with pytest.raises(NotSent, match="closed"):
            await waiting


# --- replies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "502 Bad Gateway"])
async def test_a_page_instead_of_json_is_unreadable_and_kept(wire: Wire, status: str) -> None:
    async with raw_server(replying(b"<html>Service</html>", status)) as server:
        with pytest.raises(Unreadable) as caught:
            await RestConnector(RestConnection(server.address), wire).send(Call("GET /a"))
    assert (caught.value.status, caught.value.raw) == (int(status[:3]), b"<html>Service</html>")


async def test_an_empty_reply_is_none(wire: Wire) -> None:
    async with raw_server(replying(b"", "204 No Content")) as server:
        reply = await RestConnector(RestConnection(server.address), wire).send(Call("DELETE /a"))
    assert (reply.status, reply.tree) == (204, None)


async def test_a_401_with_fixed_credentials_is_not_sent_and_not_repeated(wire: Wire) -> None:
    async with raw_server(replying(b"{}", "401 Unauthorized")) as server:
        with pytest.raises(NotSent, match="credentials"):
            await RestConnector(RestConnection(server.address, Bearer("t")), wire).send(Call("POST /a"))
        assert len(server.requests) == 1


async def test_what_is_sent_is_what_is_rendered(wire: Wire) -> None:
    async with raw_server(replying(b"{}")) as server:
        rest = RestConnector(RestConnection(f"{server.address}/base/", Bearer("t")), wire)
        call = Call("POST /a/{id}", {"x": "ё"}, path={"id": "1 2"}, query={"q": "%"}, headers={"X-T": "1"})
        reply = await rest.send(call)
        assert reply.request == rest.render(call)
        head, body = server.requests[0].split(b"\r\n\r\n", 1)
        assert head.startswith(b"POST /base/a/1%202?q=%25 HTTP/1.1\r\n")
        for name, value in reply.request.headers.items():
            assert f"{name}: {value}".encode() in head.split(b"\r\n")
        assert body == reply.request.body


async def test_a_large_reply_is_read_whole_in_the_background(wire: Wire) -> None:
    async with raw_server(replying(json.dumps(["ёж"] * 60_000).encode())) as server:
        reply = await RestConnector(RestConnection(server.address), wire).send(Call("GET /a"))
    assert reply.tree == ["ёж"] * 60_000
