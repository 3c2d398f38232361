"""Portals on other origins: listed ones may call, from browsers too, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from gateway.settings import Settings
from store.home import Home
from tests.gateway.conftest import run_gateway
from tests.gateway.tiny_schema import tiny_schema, tiny_table

PORTAL = "https://portal.example"
EVIL = "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
PROTOCOL = "graphql-transport-ws"


@pytest.fixture(scope="module")
def listing(gateway_home: Home) -> Iterator[str]:
    """The address of a gateway that lists one origin."""
    settings = Settings(origins=frozenset({PORTAL}), trusted_documents=tiny_table(gateway_home.folder))
    with run_gateway(gateway_home, settings, tiny_schema()) as (address, _):
        yield address


@pytest.fixture
async def browser(listing: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the gateway that lists an origin."""
    async with aiohttp.ClientSession(listing) as session:
        yield session


def _cors(headers: object) -> set[str]:
    return {name.lower() for name in dict(headers) if name.lower().startswith("access-control-")}  # type: ignore[call-overload]


async def test_a_listed_origin_may_ask_first_and_then_send(browser: aiohttp.ClientSession) -> None:
    async with browser.options("/graphql", headers=PREFLIGHT | {"Origin": PORTAL}) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == PORTAL
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
        allowed = response.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers
    assert {"authorization", "content-type", "x-requested-with", "apollo-require-preflight"} <= set(allowed.split(", "))
    async with browser.post("/graphql", json={"query": "{ language }"}, headers={"Origin": PORTAL}) as response:
        assert await response.json() == {"data": {"language": "ru"}}
        assert response.headers["Access-Control-Allow-Origin"] == PORTAL
        assert "retry-after" in response.headers["Access-Control-Expose-Headers"]
        assert "Origin" in response.headers["Vary"]


async def test_a_refusal_can_be_read_by_the_portal_too(browser: aiohttp.ClientSession) -> None:
    headers = {"Origin": PORTAL, "Authorization": "Bearer nonsense"}
    async with browser.post("/graphql", json={"query": "{ who }"}, headers=headers) as response:
        assert response.status == 401
        assert response.headers["Access-Control-Allow-Origin"] == PORTAL


@pytest.mark.parametrize("origin", [EVIL, "null", PORTAL + ".evil.example", "http://portal.example", PORTAL.upper()])
async def test_another_origin_is_told_nothing(browser: aiohttp.ClientSession, origin: str) -> None:
    async with browser.options("/graphql", headers=PREFLIGHT | {"Origin": origin}) as response:
        assert response.status == 405
        assert _cors(response.headers) == set()
    async with browser.post("/graphql", json={"query": "{ language }"}, headers={"Origin": origin}) as response:
        assert _cors(response.headers) == set()
        assert "Origin" in response.headers["Vary"]


async def test_only_the_endpoint_is_opened(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/health", headers={"Origin": PORTAL}) as response:
        assert _cors(response.headers) == set()


async def test_without_a_list_nobody_is_allowed(client: aiohttp.ClientSession) -> None:
    async with client.options("/graphql", headers=PREFLIGHT | {"Origin": PORTAL}) as response:
        assert response.status == 405
        assert _cors(response.headers) == set()


async def test_sockets_follow_the_same_list(browser: aiohttp.ClientSession, listing: str) -> None:
    for origin in (PORTAL, listing):
        async with browser.ws_connect("/graphql", protocols=[PROTOCOL], origin=origin) as socket:
            await socket.send_json({"type": "connection_init"})
            assert await socket.receive_json(timeout=5) == {"type": "connection_ack"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.ws_connect("/graphql", protocols=[PROTOCOL], origin=EVIL)
    assert refused.value.status == 403
