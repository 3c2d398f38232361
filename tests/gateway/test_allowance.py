"""How much one caller may spend, who counts as one caller, and how many are served at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from starlette.requests import HTTPConnection

from gateway.allowance import Buckets
from gateway.callers import caller_of
from gateway.refusals import Refusal
from gateway.settings import Limits, Rate, Settings
from gateway.turnstile import Turnstile
from store.home import Home
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tiny_schema import tiny_schema, tiny_table
from tests.gateway.tokens import ISSUER

PROTOCOL = "graphql-transport-ws"
CHEAP = "query Cheap { who }"
LIMITS = Limits(operation_cost=150, operation_s=0.5, operations_at_once=2, operations_waiting=1, turn_s=0.2)


@pytest.fixture(scope="module")
def sparing(gateway_home: Home, running: Running) -> Iterator[Running]:
    """A gateway that gives every caller 1000 at once and very little later, behind a proxy on 127.0.0.1."""
    settings = Settings(
        token_issuer=ISSUER,
        token_keys=str(gateway_home.folder / "issuer.json"),
        trusted_documents=tiny_table(gateway_home.folder),
        trusted_proxies=(ip_network("127.0.0.1"),),
        rate=Rate(burst=1000, per_s=2),
        limits=LIMITS,
    )
    with run_gateway(gateway_home, settings, tiny_schema()) as (address, app):
        yield Running(address, app, gateway_home, running.key)


@pytest.fixture
async def caller(sparing: Running) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the sparing gateway."""
    async with aiohttp.ClientSession(sparing.address) as session:
        yield session


async def _ask(client: aiohttp.ClientSession, query: str, **headers: str) -> tuple[int, dict[str, Any], Any]:
    async with client.post("/graphql", json={"query": query}, headers={"Accept-Language": "en"} | headers) as response:
        return response.status, await response.json(content_type=None), response.headers


def _code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


async def _spend(client: aiohttp.ClientSession, **headers: str) -> None:
    """Ask for much, then for little, until there is nothing left: what comes back meanwhile is not enough for much."""
    for query in ('mutation { write(text: "1") }', CHEAP):
        for _ in range(200):
            if (await _ask(client, query, **headers))[0] == 429:
                break
        else:
            raise AssertionError("nothing was ever refused")


async def test_who_spends_too_much_is_told_when_to_come_again(caller: aiohttp.ClientSession) -> None:
    origin = {"X-Forwarded-For": "192.0.2.1"}
    await _spend(caller, **origin)
    status, answer, headers = await _ask(caller, 'mutation { write(text: "1") }', **origin)
    assert (status, _code(answer)) == (429, "TOO_MANY_REQUESTS")
    assert int(headers["Retry-After"]) == answer["errors"][0]["extensions"]["retryAfterS"] >= 1
    assert "Try again in" in answer["errors"][0]["message"]


async def test_callers_do_not_pay_for_each_other(caller: aiohttp.ClientSession, sparing: Running) -> None:
    await _spend(caller, **{"X-Forwarded-For": "192.0.2.2"})
    assert (await _ask(caller, CHEAP, **{"X-Forwarded-For": "192.0.2.3"}))[0] == 200
    person = {"X-Forwarded-For": "192.0.2.2"} | sparing.signed_in("spender-1")
    assert (await _ask(caller, CHEAP, **person))[0] == 200
    await _spend(caller, **person)
    elsewhere = {"X-Forwarded-For": "192.0.2.4"} | sparing.signed_in("spender-1")
    assert (await _ask(caller, 'mutation { write(text: "1") }', **elsewhere))[0] == 429


async def test_documents_nobody_knows_must_be_affordable_before_they_are_read(caller: aiohttp.ClientSession) -> None:
    long = "{ nothing } #" + "x" * 4000
    status, answer, headers = await _ask(caller, long, **{"X-Forwarded-For": "192.0.2.5"})
    assert (status, _code(answer)) == (429, "TOO_MANY_REQUESTS")
    assert int(headers["Retry-After"]) >= 1


async def test_a_document_that_is_known_to_be_wrong_still_costs_its_refusal(caller: aiohttp.ClientSession) -> None:
    origin = {"X-Forwarded-For": "192.0.2.10"}
    seen = [(await _ask(caller, "{ nothing }", **origin))[0] for _ in range(70)]
    assert seen[0] == 200
    assert set(seen) == {200, 429}


async def test_a_large_body_is_paid_for_before_it_is_read(caller: aiohttp.ClientSession) -> None:
    large = {"query": CHEAP, "variables": {"many": ["x" * 100] * 8_000}}
    seen = []
    for _ in range(3):
        async with caller.post("/graphql", json=large, headers={"X-Forwarded-For": "192.0.2.11"}) as response:
            seen.append((response.status, _code(await response.json())))
    assert seen[0] == (400, "BAD_REQUEST")
    assert seen[2] == (429, "TOO_MANY_REQUESTS")


async def test_a_body_that_is_no_json_costs_its_refusal(caller: aiohttp.ClientSession) -> None:
    headers = {"X-Forwarded-For": "192.0.2.13", "Content-Type": "application/json"}
    seen = []
    for _ in range(70):
        async with caller.post("/graphql", data=b"{", headers=headers) as response:
            seen.append(response.status)
    assert seen[0] == 400
    assert set(seen) == {400, 429}


async def test_a_socket_is_charged_like_a_request(caller: aiohttp.ClientSession) -> None:
    headers = {"X-Forwarded-For": "192.0.2.6"}
    async with caller.ws_connect("/graphql", protocols=[PROTOCOL], headers=headers) as socket:
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json(timeout=5)
        codes = []
        for number in range(12):
            payload = {"query": 'mutation { write(text: "1") }'}
            await socket.send_json({"id": str(number), "type": "subscribe", "payload": payload})
            frame = await socket.receive_json(timeout=5)
            if frame["type"] == "error":
                codes.append(frame["payload"][0]["extensions"])
            else:
                await socket.receive_json(timeout=5)
    assert {one["code"] for one in codes} == {"TOO_MANY_REQUESTS"}
    assert codes[0]["retryAfterS"] >= 1


async def test_an_operation_that_costs_too_much_is_refused_before_it_runs(caller: aiohttp.ClientSession) -> None:
    query = "{ " + " ".join(f"a{number}: slow(seconds: 9)" for number in range(10)) + " }"
    costly = 'mutation { a: write(text: "1") b: write(text: "2") }'
    status, answer, _ = await _ask(caller, costly, **{"X-Forwarded-For": "192.0.2.7"})
    assert (status, _code(answer)) == (400, "TOO_COSTLY")
    assert "150" in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["problem"] == "COST"
    assert (await _ask(caller, query, **{"X-Forwarded-For": "192.0.2.8"}))[0] == 503  # within its cost, but slow


async def test_an_operation_that_takes_too_long_is_stopped(caller: aiohttp.ClientSession) -> None:
    origin = {"X-Forwarded-For": "192.0.2.9"}
    status, answer, headers = await _ask(caller, "{ slow(seconds: 9) }", **origin)
    assert (status, _code(answer)) == (503, "UNAVAILABLE")
    assert headers["Retry-After"]
    async with caller.ws_connect("/graphql", protocols=[PROTOCOL], headers=origin) as socket:
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json(timeout=5)
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "{ slow(seconds: 9) }"}})
        frame = await socket.receive_json(timeout=5)
    assert (frame["type"], frame["payload"][0]["extensions"]["code"]) == ("error", "UNAVAILABLE")


async def test_when_everybody_is_busy_the_rest_are_sent_away_at_once(caller: aiohttp.ClientSession) -> None:
    async def slow(number: int) -> int:
        return (await _ask(caller, "{ slow(seconds: 0.4) }", **{"X-Forwarded-For": f"192.0.2.{20 + number}"}))[0]

    answers = await asyncio.gather(*(slow(number) for number in range(6)))
    assert sorted(answers) == [200, 200, 503, 503, 503, 503]
    assert await slow(9) == 200


async def test_a_turn_is_given_back_however_it_ends() -> None:
    turnstile = Turnstile(1, 5, 0.05)
    with pytest.raises(ZeroDivisionError):
        async with turnstile.turn():
            raise ZeroDivisionError
    async with turnstile.turn():
        with pytest.raises(Refusal) as refused:
            async with turnstile.turn():
                pytest.fail("there was no turn to have")
    assert (refused.value.status, turnstile.waiting) == (503, 0)
    async with turnstile.turn():
        pass


async def test_who_waits_gets_the_turn_when_it_is_free() -> None:
    turnstile = Turnstile(1, 1, 5.0)
    order: list[str] = []

    async def work(name: str) -> None:
        async with turnstile.turn():
            order.append(name)
            await asyncio.sleep(0.02)

    await asyncio.gather(work("first"), work("second"))
    assert order == ["first", "second"]


def test_a_bucket_fills_with_time_and_never_beyond_its_burst() -> None:
    now = [0.0]
    buckets = Buckets(Rate(100, 10), most=10, clock=lambda: now[0])
    assert buckets.take("a", 100) == 0.0
    assert buckets.take("a", 50) == 5.0
    now[0] = 5.0
    assert buckets.take("a", 50) == 0.0
    now[0] = 1000.0
    assert buckets.take("a", 101) == pytest.approx(0.1)
    assert buckets.take("a", 100) == 0.0


def test_what_was_done_already_is_taken_on_credit_and_too_much_is_given_back() -> None:
    buckets = Buckets(Rate(100, 10), most=10, clock=lambda: 0.0)
    buckets.settle("a", 150)
    assert buckets.take("a", 1) == pytest.approx(5.1)
    buckets.settle("a", -60)
    assert buckets.take("a", 10) == 0.0
    buckets.settle("a", -1000)
    assert buckets.take("a", 101) > 0
    assert buckets.take("a", 100) == 0.0


def test_the_memory_of_callers_is_bounded() -> None:
    buckets = Buckets(Rate(100, 1), most=3, clock=lambda: 0.0)
    for caller in "abcd":
        buckets.take(caller, 100)
    assert len(buckets) == 3
    assert buckets.take("d", 1) > 0
    assert buckets.take("a", 1) == 0.0


def _connection(address: str | None, forwarded: str = "") -> HTTPConnection:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    client = None if address is None else (address, 1)
    return HTTPConnection({"type": "http", "headers": headers, "client": client})


PROXIES = (ip_network("10.0.0.0/24"), ip_network("::1"))


@pytest.mark.parametrize(
    ("address", "forwarded", "caller"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9, 10.0.0.2", "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::1", "2001:db8:1:2:3:4:5:6", "20010db800010002::/64"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        (None, "198.51.100.9", "None"),
    ],
)
def test_only_named_proxies_are_believed_about_an_address(address: str | None, forwarded: str, caller: str) -> None:
    assert caller_of(_connection(address, forwarded), None, PROXIES) == f"address {caller}"


def test_without_named_proxies_nobody_is_believed() -> None:
    assert caller_of(_connection("127.0.0.1", "198.51.100.9"), None, ()) == "address 127.0.0.1"


def test_neighbours_of_one_network_are_one_caller() -> None:
    first, second, other = (
        caller_of(_connection(address), None, ()) for address in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1")
    )
    assert first == second != other
