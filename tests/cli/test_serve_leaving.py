"""SIGTERM: what runs may end, what is long is ended in words clients understand, nothing new begins, and the exit code is 0."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psycopg
import pytest

from store.unit import libpq_address
from tests.cli.citizen import EVENTS, FOLLOW, events, operation, signed_in, submit
from tests.cli.program import Gateway, started_gateway


@pytest.fixture(params=[(), ("--processes", "2")], ids=["one process", "two processes"])
def gateway(request: pytest.FixtureRequest, home: Path, database_url: str) -> Iterator[Gateway]:
    """A gateway that leaves slowly enough to look at it."""
    with started_gateway(home, database_url, *request.param, OKNO_DRAIN_S="2", OKNO_SHUTDOWN_S="15") as running:
        yield running


async def _ready(client: aiohttp.ClientSession, gateway: Gateway) -> int:
    async with client.get(gateway.url.replace("/graphql", "/ready")) as response:
        return response.status


async def test_a_gateway_that_is_asked_to_leave_ends_what_runs_and_loses_nothing(
    gateway: Gateway, database_url: str
) -> None:
    async with aiohttp.ClientSession(headers=signed_in("anna")) as client, asyncio.timeout(60):
        reference = await submit(client, gateway.url)
        assert await _ready(client, gateway) == 200
        body = {"query": FOLLOW, "variables": {"reference": reference}}
        stream = await client.post(gateway.url, json=body, headers=EVENTS)
        streamed = events(stream)
        assert (await anext(streamed))[0] == "next"
        socket = await client.ws_connect(gateway.url, protocols=["graphql-transport-ws"])
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json())["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": body})
        assert (await socket.receive_json())["type"] == "next"

        async with await psycopg.AsyncConnection.connect(libpq_address(database_url)) as locking:
            await locking.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
            question = {"query": operation("one-message"), "variables": {"reference": reference}}
            slow = asyncio.create_task(client.post(gateway.url, json=question))
            await asyncio.sleep(0.5)
            gateway.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.7)
            # While others look away it serves on, but says so and begins nothing long.
            assert await _ready(client, gateway) == 503
            async with client.post(gateway.url, json=body, headers=EVENTS) as refused:
                assert refused.status == 503
            await asyncio.sleep(3)
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(gateway.url.replace("/graphql", "/health"))
            assert not slow.done()
            await locking.rollback()

        answer = await slow
        assert json.loads(await answer.read())["data"]["message"]["reference"] == reference
        assert [name async for name, _ in streamed] == ["complete"]
        frame = await socket.receive()
        assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    assert await asyncio.to_thread(gateway.process.wait, 20) == 0
    assert "Traceback" not in gateway.log.read_text()


async def test_an_operation_that_does_not_end_is_left_behind_after_its_time(home: Path, database_url: str) -> None:
    with started_gateway(home, database_url, OKNO_SHUTDOWN_S="1") as gateway:
        async with aiohttp.ClientSession(headers=signed_in("anna")) as client:
            reference = await submit(client, gateway.url)
            async with await psycopg.AsyncConnection.connect(libpq_address(database_url)) as locking:
                await locking.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
                question = {"query": operation("one-message"), "variables": {"reference": reference}}
                slow = asyncio.create_task(client.post(gateway.url, json=question))
                await asyncio.sleep(0.5)
                gateway.process.send_signal(signal.SIGTERM)
                began_s = time.monotonic()
                assert await asyncio.to_thread(gateway.process.wait, 20) == 0
                assert time.monotonic() - began_s < 8
                await asyncio.wait([slow])
                failed = slow.exception() is not None or slow.result().status >= 500
                assert failed
                await locking.rollback()
