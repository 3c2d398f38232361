"""The gateway for its operator: what it counts and for whose eyes, when it says it is ready, and how much head a request may have."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator

import aiohttp
import psycopg
import pytest

from gateway.metrics_page import merged
from gateway.settings import Accepted, BadSettings, Settings
from gateway.wire import MOST_HEAD_BYTES
from store.home import PROJECT, BadHome, Home
from store.migrate import revisions
from store.unit import libpq_address
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tokens import ISSUER, new_key, write_keys

MY_MESSAGES = (PROJECT / "portal" / "operations" / "my-messages.graphql").read_text(encoding="utf-8")
TOKEN = "a-token-of-the-operator"


@pytest.fixture(scope="module")
def trusting(gateway_home: Home) -> Iterator[Running]:
    """A gateway with the real schema that runs trusted documents only and shows metrics to who has the token."""
    key = new_key()
    keys = gateway_home.folder / "operator-issuer.json"
    write_keys(keys, key)
    settings = Settings(token_issuer=ISSUER, token_keys=str(keys), documents=Accepted.TRUSTED, metrics_token=TOKEN)
    with run_gateway(gateway_home, settings, None) as (address, app):
        yield Running(address, app, gateway_home, key)


async def _numbers(running: Running) -> str:
    async with (
        aiohttp.ClientSession(running.address) as client,
        client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response,
    ):
        assert response.status == 200
        assert response.content_type == "text/plain"
        return await response.text()


def _value(text: str, name: str, **labels: str) -> float:
    for line in text.splitlines():
        if line.startswith(f"{name}{{") and all(f'{label}="{value}"' in line for label, value in labels.items()):
            return float(line.rpartition(" ")[2])
    return 0.0


async def test_trusted_operations_are_counted_by_name_and_all_others_by_none(trusting: Running) -> None:
    before = await _numbers(trusting)
    headers = trusting.signed_in("counted")
    async with aiohttp.ClientSession(trusting.address) as client:
        for query in (MY_MESSAGES, "query Ivanov1980 { __typename }", "query {"):
            async with client.post("/graphql", json={"query": query}, headers=headers) as response:
                await response.read()
    after = await _numbers(trusting)

    def more(name: str, **labels: str) -> float:
        return _value(after, name, **labels) - _value(before, name, **labels)

    assert more("okno_operations_total", operation="MyMessages", code="OK") == 1
    assert more("okno_operations_total", operation="other", code="DOCUMENT_UNKNOWN") == 2
    assert more("okno_operation_seconds_count", operation="MyMessages") == 1
    assert more("okno_operation_seconds_bucket", operation="MyMessages", le="+Inf") == 1
    assert "Ivanov" not in after
    assert _value(after, "okno_connections", pool="reads", state="limit") == 10
    assert _value(after, "okno_plan_misses_total") > 0
    assert _value(after, "process_resident_memory_bytes", process="0") > 1_000_000


async def test_metrics_are_for_this_machine_or_for_who_has_the_token(running: Running, trusting: Running) -> None:
    async with aiohttp.ClientSession() as client:
        for address, headers, status in (
            (running.address, {}, 200),
            (running.address, {"X-Forwarded-For": "127.0.0.1"}, 403),
            (running.address, {"Via": "1.1 proxy"}, 403),
            (trusting.address, {}, 401),
            (trusting.address, {"Authorization": f"Bearer {TOKEN}x"}, 401),
            (trusting.address, {"Authorization": f"bearer {TOKEN}", "X-Forwarded-For": "10.0.0.1"}, 200),
        ):
            async with client.get(f"{address}/metrics", headers=headers) as response:
                assert response.status == status, (address, headers)
                assert (response.content_type == "application/json") is (status != 200)


async def test_open_subscriptions_and_sockets_are_counted(running: Running) -> None:
    async def open_now() -> float:
        async with aiohttp.ClientSession(running.address) as client, client.get("/metrics") as response:
            return _value(await response.text(), "okno_sockets_open")

    before = await open_now()
    async with (
        aiohttp.ClientSession(running.address) as client,
        client.ws_connect("/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json()
        assert await open_now() == before + 1


def test_numbers_of_several_processes_become_one_text_with_each_family_once() -> None:
    one = '# HELP a Words.\n# TYPE a counter\na_total 1.0\n# HELP b More.\n# TYPE b gauge\nb{x="y z"} 2.0\n'
    other = one.replace("1.0", "7.0")
    assert merged({0: one, 1: other}).splitlines() == [
        "# HELP a Words.",
        "# TYPE a counter",
        'a_total{process="0"} 1.0',
        'a_total{process="1"} 7.0',
        "# HELP b More.",
        "# TYPE b gauge",
        'b{process="0",x="y z"} 2.0',
        'b{process="1",x="y z"} 2.0',
    ]


@pytest.fixture
async def database_itself(gateway_home: Home) -> AsyncIterator[psycopg.AsyncConnection[tuple[str]]]:
    assert gateway_home.external_database_url is not None
    address = libpq_address(gateway_home.external_database_url)
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        yield connection
        await connection.execute("UPDATE alembic_version SET version_num = %s", [revisions()[-1]])


async def test_a_database_with_an_older_schema_is_not_ready_and_a_newer_one_is(
    client: aiohttp.ClientSession, database_itself: psycopg.AsyncConnection[tuple[str]]
) -> None:
    for revision, status in ((revisions()[0], 503), ("9999", 200), (revisions()[-1], 200)):
        await database_itself.execute("UPDATE alembic_version SET version_num = %s", [revision])
        async with client.get("/ready", headers={"Accept-Language": "en"}) as response:
            assert response.status == status
            said = await response.text()
        assert ("okno migrate" in said) is (status == 503)


async def test_a_gateway_that_leaves_is_not_ready_but_lives(
    running: Running, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.app.state.services.leaving, "begun", True)
    async with client.get("/ready") as response:
        assert response.status == 503
        assert (await response.json())["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    async with client.get("/health") as response:
        assert response.status == 200


@contextlib.asynccontextmanager
async def _wire(running: Running) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, port = running.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * (MOST_HEAD_BYTES + 1),
        b"GET /health HTTP/1.1\r\nhost: x\r\n" + b"x-short: a\r\n" * (MOST_HEAD_BYTES // 12 + 1),
        b"GET /" + b"a" * (MOST_HEAD_BYTES + 1),
    ],
    ids=["one long header", "many headers", "a long address"],
)
async def test_a_head_without_end_is_cut_off(running: Running, head: bytes) -> None:
    async with _wire(running) as (reader, writer), asyncio.timeout(10):
        writer.write(head)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = await reader.read()
        assert re.match(rb"HTTP/1.1 400 |$", answer)


async def test_trailers_without_end_are_cut_off(running: Running) -> None:
    async with _wire(running) as (reader, writer), asyncio.timeout(10):
        writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(400):
                writer.write(b"x-trailer: " + b"a" * 1000 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
            await reader.read()
        assert reader.at_eof() or reader.exception() is not None or writer.is_closing()


async def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytest.importorskip("gateway.bounded_http", exc_type=ImportError), "HEAD_S", 0.3)
    for first in (b"", b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"):
        async with _wire(running) as (reader, writer), asyncio.timeout(5):
            if first:
                writer.write(first)
                assert b"alive" in await reader.readuntil(b"}")
            sent = 0
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                while sent < 60 and not reader.at_eof():
                    writer.write(b"GET /health HTTP/1.1\r\nhost: slow"[sent : sent + 1] or b"w")
                    await writer.drain()
                    sent += 1
                    await asyncio.sleep(0.05)
            assert 3 < sent < 40


async def test_a_long_body_and_many_requests_on_one_connection_are_no_long_head(
    client: aiohttp.ClientSession,
) -> None:
    long = "{ __typename }" + " " * (3 * MOST_HEAD_BYTES // 2)
    for _ in range(3):
        async with client.post("/graphql", json={"query": long}) as response:
            assert response.status == 200
    for _ in range(200):
        async with client.get("/health", headers={"x-padding": "a" * 1000}) as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "variables",
    [
        {"OKNO_METRICS_TOKEN": "short"},
        {"OKNO_DRAIN_S": "-1"},
        {"OKNO_SHUTDOWN_S": "forever"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_setting_of_serving_that_makes_no_sense_is_named(variables: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match=next(iter(variables))):
        Settings.from_environment(variables)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OKNO_DATABASE_READ_URL", "replica.example"),
        ("OKNO_DATABASE_READ_URL", "mysql://replica/okno"),
        ("OKNO_READ_TIMEOUT_S", "0"),
        ("OKNO_READ_TIMEOUT_S", "60"),
        ("OKNO_REPLICA_LAG_S", "soon"),
        ("OKNO_DATABASE_CONNECTIONS", "1"),
    ],
)
def test_a_setting_of_reading_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(BadHome, match=name):
        Home.from_environment({name: value})


def test_replicas_are_named_in_one_variable() -> None:
    home = Home.from_environment(
        {"OKNO_DATABASE_READ_URL": "postgresql://a:p@one/okno, postgres://b@two/okno", "OKNO_READ_TIMEOUT_S": "2.5"}
    )
    assert home.reading.urls == ("postgresql://a:p@one/okno", "postgres://b@two/okno")
    assert home.reading.timeout_s == 2.5


async def test_every_metric_and_every_setting_is_explained_to_the_operator(trusting: Running) -> None:
    page = (PROJECT / "docs" / "operate-gateway.md").read_text(encoding="utf-8")
    families = set(re.findall(r"^# TYPE (okno_\w+) ", await _numbers(trusting), re.MULTILINE))
    assert len(families) > 10
    assert {name for name in families if f"`{name}" not in page} == set()
    sources = [PROJECT / "gateway" / "settings.py", PROJECT / "store" / "home.py", PROJECT / "cli" / "serve.py"]
    settings = set(re.findall(r'"(OKNO_[A-Z_]+)"', "".join(path.read_text(encoding="utf-8") for path in sources)))
    assert len(settings) > 20
    assert {name for name in settings if f"`{name}`" not in page} == set()
