"""The short road: the same answers as on the ordinary one, whatever is asked, and whatever happens on the way.

A request that comes in one piece may take the short road; the same bytes with a pause between head and body take the ordinary one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from gateway.allowance import Buckets
from gateway.settings import Mode, Rate, Settings
from store.home import Home
from store.unit import libpq_address
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tokens import ISSUER, new_key, write_keys

pytest.importorskip("httptools")
from gateway.direct_http import ShortCycle
from gateway.short_road import Reply

PLACES = "query Places { organisations(first: 2) { nodes { code name(language: EN) } } categories { code } }"
PAGE = "query Page($first: Int!) { organisations(first: $first) { nodes { code } } }"
MINE = "query Mine { viewer { messages { nodes { reference } } } }"
TWO = "query One { organisations(first: 1) { nodes { code } } } query Other { categories { code } }"
PORTAL = "https://portal.example"


def _id(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@pytest.fixture(scope="module")
def served(gateway_home: Home) -> Iterator[Running]:
    key = new_key()
    keys = gateway_home.folder / "short-issuer.json"
    write_keys(keys, key)
    table = gateway_home.folder / "short-documents.json"
    table.write_text(json.dumps({_id(text): text for text in (PLACES, PAGE, MINE, TWO)}))
    settings = Settings(
        mode=Mode.DEVELOPMENT,
        token_issuer=ISSUER,
        token_keys=str(keys),
        trusted_documents=table,
        origins=frozenset({PORTAL}),
    )
    with run_gateway(gateway_home, settings, None) as (address, app):
        yield Running(address, app, gateway_home, key)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The statuses of what the short road answered; None for what it began and left to the ordinary one."""
    answered: list[int | None] = []
    deliver = ShortCycle.deliver

    def noted(cycle: ShortCycle, reply: Reply | None) -> None:
        answered.append(None if reply is None else reply.status)
        deliver(cycle, reply)

    monkeypatch.setattr(ShortCycle, "deliver", noted)
    return answered


@dataclass(frozen=True)
class Got:
    """One answer. `headers` without what differs from answer to answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str


class Wire:
    """One connection that sends the bytes it is told to, in the pieces it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes) -> None:
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.02)
            self._writer.write(piece)
            await self._writer.drain()

    async def answer(self) -> Got:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        headers.pop("date", None)
        return Got(int(head[0].split(" ")[1]), headers, body, headers.pop("x-request-id"))

    def leave(self) -> None:
        self._writer.close()


@contextlib.asynccontextmanager
async def _wire(served: Running) -> AsyncIterator[Wire]:
    host, port = served.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    wire = Wire(reader, writer)
    try:
        yield wire
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
async def wire(served: Running) -> AsyncIterator[Wire]:
    async with _wire(served) as wire:
        yield wire


def _request(body: object, *more: tuple[str, str], method: str = "POST", version: str = "1.1") -> tuple[bytes, bytes]:
    """Head and body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {name.lower() for name, _ in more}
    usual = {"Host": "x", "Content-Type": "application/json", "Accept": "application/json", "Content-Length": len(raw)}
    lines = [f"{name}: {value}" for name, value in usual.items() if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in more]
    return "\r\n".join([f"{method} /graphql HTTP/{version}", *lines, "", ""]).encode("latin-1"), raw


async def _by_both(wire: Wire, head: bytes, body: bytes) -> tuple[Got, Got]:
    """The answers to one piece and to two, after a first time that makes everything ready."""
    await wire.send(head, body)
    await wire.answer()
    await wire.send(head + body)
    one = await wire.answer()
    await wire.send(head, body)
    return one, await wire.answer()


async def _until(reached: Callable[[], bool]) -> None:
    for _ in range(500):
        if reached():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def test_a_read_that_comes_whole_takes_the_short_road_and_one_in_pieces_does_not(
    wire: Wire, short: list[int | None]
) -> None:
    one, two = await _by_both(wire, *_request({"documentId": _id(PLACES)}))
    assert short == [200]
    assert [place["code"] for place in json.loads(one.body)["data"]["organisations"]["nodes"]] == [
        "agriculture-ministry",
        "city-roads",
    ]
    assert (one.status, one.headers, one.body) == (two.status, two.headers, two.body)
    assert len(one.request_id) == 32
    assert one.request_id != two.request_id


SHORT: list[tuple[object, tuple[tuple[str, str], ...]]] = [
    ({"query": PLACES}, ()),
    ({"query": PLACES, "variables": None, "operationName": "Places", "extensions": {}}, ()),
    ({"documentId": _id(PAGE), "variables": {"first": 1}}, ()),
    ({"documentId": _id(TWO), "operationName": "Other"}, ()),
    ({"documentId": _id(MINE)}, ()),
    ({"query": PLACES}, (("Accept", "application/graphql-response+json"),)),
    ({"query": PLACES}, (("Accept", "text/event-stream, */*"),)),
    ({"query": PLACES}, (("Accept", ""),)),
    ({"query": PLACES}, (("Authorization", ""),)),
    ({"query": PLACES}, (("Content-Type", "application/json; charset=UTF-8"),)),
    ({"query": PLACES}, (("Origin", PORTAL),)),
    ({"query": PLACES}, (("Origin", "https://elsewhere.example"),)),
    ({"query": PLACES}, (("X-Okno-Written", "0/0"),)),
    ({"query": PLACES}, (("X-Forwarded-For", "10.1.1.1"),)),
    ({"query": PLACES}, (("If-None-Match", "*"),)),
]
LONG: list[tuple[object, tuple[tuple[str, str], ...]]] = [
    (b"", ()),
    (b"{", ()),
    (b"[]", ()),
    (b'{"query": "\xff"}', ()),
    ({"query": "{"}, ()),
    ({"query": "{ nothing }"}, ()),
    ({"documentId": "sha256:" + "0" * 64}, ()),
    ({"documentId": 1}, ()),
    ({"documentId": _id(PLACES), "query": PLACES}, ()),
    ({"documentId": _id(PAGE), "variables": {"first": "one"}}, ()),
    ({"documentId": _id(PAGE), "variables": {"first": 10**400}}, ()),
    ({"documentId": _id(PAGE), "variables": {"first": 1000}}, ()),
    ({"documentId": _id(TWO)}, ()),
    ({"documentId": _id(TWO), "operationName": "Third"}, ()),
    ({"query": "{ __typename __schema { queryType { name } } }"}, ()),
    ({"query": 'mutation { withdrawMessage(input: {reference: "1"}) { errors { __typename } } }'}, ()),
    ({"query": PLACES}, (("Accept", "text/html"),)),
    ({"query": PLACES}, (("Accept", "text/html"), ("Accept-Language", "en"))),
    ({"query": PLACES}, (("Accept", "application/json"), ("Accept", "text/html"))),
    ({"query": PLACES}, (("Content-Type", "text/plain"),)),
    ({"query": PLACES}, (("Content-Type", "application/json; charset=cp1251"),)),
    ({"query": PLACES}, (("Authorization", "Bearer no.such.token"),)),
    ({"query": PLACES}, (("Authorization", "Basic eA=="),)),
    ({"query": PLACES + " " * 20_000}, ()),
]


@pytest.mark.parametrize(("body", "more"), SHORT)
async def test_what_the_short_road_answers_is_what_the_ordinary_one_answers(
    wire: Wire, short: list[int | None], body: object, more: tuple[tuple[str, str], ...]
) -> None:
    one, two = await _by_both(wire, *_request(body, *more))
    assert (one.status, one.headers, one.body) == (two.status, two.headers, two.body)
    assert short == [200]


@pytest.mark.parametrize(("body", "more"), LONG)
async def test_what_is_unusual_is_left_to_the_ordinary_road(
    wire: Wire, short: list[int | None], body: object, more: tuple[tuple[str, str], ...]
) -> None:
    one, two = await _by_both(wire, *_request(body, *more))
    assert (one.status, one.headers, one.body) == (two.status, two.headers, two.body)
    assert short == []


async def test_somebody_who_signed_in_a_moment_ago_takes_the_short_road(
    served: Running, wire: Wire, short: list[int | None]
) -> None:
    token = served.signed_in("short-anna")["Authorization"]
    one, two = await _by_both(wire, *_request({"documentId": _id(MINE)}, ("Authorization", token)))
    assert short == [200]
    assert one.body == two.body
    assert json.loads(one.body) == {"data": {"viewer": {"messages": {"nodes": []}}}}
    assert one.headers == two.headers
    await wire.send(b"".join(_request({"documentId": _id(MINE)})))
    assert json.loads((await wire.answer()).body) == {"data": {"viewer": None}}


async def test_the_callers_own_request_id_comes_back_if_it_is_fit_to(wire: Wire, short: list[int | None]) -> None:
    one, _ = await _by_both(wire, *_request({"query": PLACES}, ("X-Request-Id", "abcdef-123456")))
    assert one.request_id == "abcdef-123456"
    one, _ = await _by_both(wire, *_request({"query": PLACES}, ("X-Request-Id", "not an id")))
    assert len(one.request_id) == 32
    assert short == [200, 200]


async def test_requests_sent_one_upon_the_other_are_answered_in_their_order(wire: Wire) -> None:
    first, second = (_request({"documentId": _id(PAGE), "variables": {"first": number}}) for number in (1, 2))
    await _by_both(wire, *first)
    await wire.send(b"".join([*first, *second, *_request(b"{"), *first]))
    answers = [await wire.answer() for _ in range(4)]
    assert [one.status for one in answers] == [200, 200, 400, 200]
    assert [one.body.count(b'"code"') for one in answers] == [1, 2, 1, 1]


async def test_a_body_in_chunks_and_a_connection_to_be_closed_are_served(served: Running, wire: Wire) -> None:
    head, body = _request({"query": PLACES}, ("Transfer-Encoding", "chunked"))
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    one, two = await _by_both(wire, head.replace(b"Content-Length: %d\r\n" % len(body), b""), chunked)
    assert (one.status, one.headers, one.body) == (200, two.headers, two.body)
    for version, more in (("1.1", ("Connection", "close")), ("1.0", ("Connection", "close"))):
        async with _wire(served) as closing:
            await closing.send(b"".join(_request({"query": PLACES}, more, version=version)))
            answer = await closing.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            async with asyncio.timeout(5):
                assert await closing.reader.read() == b""


async def test_what_a_caller_may_spend_is_taken_on_both_roads_and_refused_in_the_same_words(
    served: Running, wire: Wire, monkeypatch: pytest.MonkeyPatch, short: list[int | None]
) -> None:
    head, body = _request({"documentId": _id(PAGE), "variables": {"first": 1}})
    await _by_both(wire, head, body)
    allowance = served.app.state.services.metrics.buckets, served.app.state.door.allowance
    assert allowance[0] is None
    # One operation costs a few; nothing comes back within the test.
    monkeypatch.setattr(allowance[1], "buckets", Buckets(Rate(8, 1), 10, clock=lambda: 0.0))
    statuses = []
    for pieces in ([head + body], [head, body]) * 3:
        await wire.send(*pieces)
        answer = await wire.answer()
        statuses.append((answer.status, answer.headers.get("retry-after"), answer.body[:30]))
    refused = statuses.index(next(one for one in statuses if one[0] == 429))
    assert 0 < refused <= 4
    assert len(set(statuses[refused:])) == 1
    assert {429} < {*short} | {429, None}


@contextlib.asynccontextmanager
async def _locked(home: Home) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """While the block lasts, whoever reads the organisations waits."""
    assert home.external_database_url is not None
    address = libpq_address(home.external_database_url)
    async with await psycopg.AsyncConnection.connect(address) as connection:
        await connection.execute("LOCK TABLE organisation IN ACCESS EXCLUSIVE MODE")
        yield connection
        await connection.rollback()


async def _waiting(connection: psycopg.AsyncConnection[Any], *but: int) -> list[int]:
    """The processes of the database that wait for the lock, once there are some beside those named."""
    async with asyncio.timeout(10):
        while True:
            # Within a transaction it would always show the same.
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            found = await connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE '%%reads'"
                " AND datname = current_database()"
            )
            pids = [int(row[0]) for row in await found.fetchall() if row[0] not in but]
            if pids:
                return pids
            await asyncio.sleep(0.02)


async def test_a_read_whose_connection_is_lost_is_begun_anew_and_paid_once(
    served: Running, wire: Wire, monkeypatch: pytest.MonkeyPatch, short: list[int | None]
) -> None:
    head, body = _request({"documentId": _id(PAGE), "variables": {"first": 1}})
    one, _ = await _by_both(wire, head, body)
    buckets = Buckets(Rate(1000, 1), 10, clock=lambda: 0.0)
    monkeypatch.setattr(served.app.state.door.allowance, "buckets", buckets)
    async with _locked(served.home) as connection:
        await wire.send(head + body)
        (pid,) = await _waiting(connection)
        await connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        await _waiting(connection, pid)
    answer = await wire.answer()
    assert (answer.status, answer.body, answer.headers) == (200, one.body, one.headers)
    assert short == [200, None]
    spent = 1000 - buckets._buckets["address 127.0.0.1"][0]
    await wire.send(head + body)
    await wire.answer()
    assert 1000 - buckets._buckets["address 127.0.0.1"][0] == 2 * spent


async def test_connections_that_died_idle_are_not_noticed_by_those_who_read(
    served: Running, wire: Wire, short: list[int | None]
) -> None:
    head, body = _request({"documentId": _id(PAGE), "variables": {"first": 1}})
    one, _ = await _by_both(wire, head, body)
    async with _locked(served.home) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE '%%reads' AND datname = current_database()"
        )
    for _ in range(3):
        await wire.send(head + body)
        assert (await wire.answer()).body == one.body
    assert short[-1] == 200


async def test_a_reader_who_leaves_gives_everything_back(served: Running, wire: Wire) -> None:
    head, body = _request({"documentId": _id(PAGE), "variables": {"first": 1}})
    await _by_both(wire, head, body)
    turnstile, reads = served.app.state.door.turnstile, served.app.state.services.database.reads
    before = turnstile._free
    async with _locked(served.home) as connection:
        await wire.send(head + body)
        await _waiting(connection)
        wire.leave()
    await _until(lambda: turnstile._free == before and reads.use().idle == reads.use().open)
    async with _wire(served) as another:
        await another.send(head + body)
        assert (await another.answer()).status == 200


async def test_more_readers_than_connections_wait_for_their_turn_on_the_short_road(
    served: Running, wire: Wire, short: list[int | None]
) -> None:
    head, body = _request({"documentId": _id(PAGE), "variables": {"first": 1}})
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(_wire(served)) for _ in range(24)]
        for pieces in ([head, body], [head + body], [head + body]):
            await asyncio.gather(*(one.send(*pieces) for one in wires))
            answers = await asyncio.gather(*(one.answer() for one in wires))
            assert {one.status for one in answers} == {200}
    assert short.count(200) >= 24


async def test_both_roads_are_counted_and_logged_alike(
    served: Running, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gateway.access")
    metrics = served.app.state.services.metrics
    before = metrics.operations["Places", "OK"]
    one, two = await _by_both(wire, *_request({"documentId": _id(PLACES)}))
    assert metrics.operations["Places", "OK"] == before + 3

    def lines() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "gateway.access"]

    await _until(lambda: len(lines()) >= 3)  # a line is written in the gateway's thread, after the answer
    assert {line.rpartition(" ")[2] for line in lines()} >= {one.request_id, two.request_id}
    assert {line.partition(" bytes")[0] for line in lines()} == {f"POST /graphql 200 {len(one.body)}"}
