"""Two gateways on a primary and a replica that stands still: whoever wrote sees it through either of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.own_writes import HEADER
from gateway.settings import Settings
from store.embedded import EmbeddedServer
from store.home import Home, Reading
from store.migrate import migrate
from store.replicas import Replica
from tests.cli.citizen import ask, operation, submit
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tokens import ISSUER, new_key, write_keys
from tests.store.standby import Standby, standby_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A primary whose socket the replica's account can reach: its folder's path is too long for one."""
    with EmbeddedServer.use(tmp_path_factory.mktemp("primary" * 12)) as server:
        migrate(server.url)
        yield server


@pytest.fixture(scope="module")
def standby(server: EmbeddedServer) -> Iterator[Standby]:
    with standby_of(server) as standby:
        yield standby


@pytest.fixture(scope="module")
def two(
    server: EmbeddedServer, standby: Standby, config_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running]]:
    """Two gateways of one installation."""
    home = Home(tmp_path_factory.mktemp("home"), config_folder, server.url, Reading(urls=(standby.dsn(),)))
    key = new_key()
    write_keys(home.folder / "issuer.json", key)
    settings = Settings(token_issuer=ISSUER, token_keys=str(home.folder / "issuer.json"))
    with (
        run_gateway(home, settings, None) as (one, one_app),
        run_gateway(replace(home), settings, None) as (other, other_app),
    ):
        yield Running(one, one_app, home, key), Running(other, other_app, home, key)


async def _replica_is_used(running: Running) -> None:
    database = running.app.state.services.database
    for _ in range(500):
        if isinstance(database.reads_for(None), Replica):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the replica is not used")


async def _references(running: Running, headers: dict[str, str]) -> list[str]:
    async with aiohttp.ClientSession(headers=headers) as client:
        data = await ask(client, f"{running.address}/graphql", operation("my-messages"))
    return [node["reference"] for node in data["viewer"]["messages"]["nodes"]]


async def test_a_citizen_sees_a_new_message_through_another_gateway_while_the_replica_stands_still(
    two: tuple[Running, Running], standby: Standby
) -> None:
    one, other = two
    anna = one.signed_in("anna")
    # Known to both: a first visit is a write of its own.
    assert await _references(one, anna) == await _references(other, anna) == []
    for running in two:
        await _replica_is_used(running)
    # Longer than the memory of the first visit is needed for.
    await asyncio.sleep(0.5)
    standby.pause()
    try:
        async with aiohttp.ClientSession(headers=anna) as client:
            reference = await submit(client, f"{one.address}/graphql")
            async with client.post(f"{one.address}/graphql", json={"query": "{ __typename }"}) as response:
                written = response.headers[HEADER]
        assert await _references(one, anna) == [reference]
        # The header alone suffices, at once and for whoever brings it: Boris has the place, and the primary's answer.
        boris_reads = await _references(other, other.signed_in("boris") | {HEADER: written})
        assert boris_reads == []
        assert await _references(other, anna | {HEADER: written}) == [reference]
        # And without it as soon as the news have come.
        await asyncio.sleep(0.5)
        assert await _references(other, anna) == [reference]
        assert isinstance(other.app.state.services.database.reads_for(None), Replica)
    finally:
        standby.resume()


async def test_nobody_who_wrote_nothing_is_given_a_place(two: tuple[Running, Running]) -> None:
    one, _ = two
    async with aiohttp.ClientSession(f"{one.address}") as client:
        for headers in ({}, {HEADER: "nonsense"}, {HEADER: "FFFFFFFF/FFFFFFFF"}):
            async with client.post("/graphql", json={"query": "{ __typename }"}, headers=headers) as response:
                assert response.status == 200
                assert HEADER not in response.headers
