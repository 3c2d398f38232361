"""Following one message on a socket: told at once and after every change, each reading once for all who want the same, and nobody held up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import aiohttp
import psycopg
import pytest

from gateway.settings import Settings
from store.home import PROJECT, Home
from store.unit import libpq_address
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tokens import ISSUER

PROTOCOL = "graphql-transport-ws"
FOLLOW = "subscription Follow($reference: String!) { messageChanged(reference: $reference) { reference status } }"
SUBMIT = (PROJECT / "portal" / "operations" / "submit-a-message.graphql").read_text(encoding="utf-8")
WITHDRAW = (PROJECT / "portal" / "operations" / "withdraw-a-message.graphql").read_text(encoding="utf-8")
TRUSTED = (PROJECT / "portal" / "operations" / "follow-a-message.graphql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hub(gateway_home: Home, running: Running) -> Iterator[Running]:
    """A gateway with the schema of the product that runs any document."""
    settings = Settings(token_issuer=ISSUER, token_keys=str(gateway_home.folder / "issuer.json"))
    with run_gateway(gateway_home, settings, None) as (address, app):
        yield Running(address, app, gateway_home, running.key)


@pytest.fixture
async def anna(hub: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(hub.address, headers=hub.signed_in("anna")) as session:
        yield session


async def _ask(client: aiohttp.ClientSession, query: str, variables: object) -> dict[str, Any]:
    async with client.post("/graphql", json={"query": query, "variables": variables}) as response:
        answer: dict[str, Any] = await response.json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def _submit(client: aiohttp.ClientSession) -> str:
    place = {"point": {"latitude": 54.5138, "longitude": 36.2612}}
    given = {"idempotencyKey": str(uuid4()), "text": "Яма на дороге.", "category": "roads/pothole", "place": place}
    data = await _ask(client, SUBMIT, {"input": given})
    return str(data["submitMessage"]["message"]["reference"])


@contextlib.asynccontextmanager
async def _socket(client: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as socket:
        await socket.send_json({"type": "connection_init"})
        assert await socket.receive_json(timeout=5) == {"type": "connection_ack"}
        yield socket


async def _follow(
    socket: aiohttp.ClientWebSocketResponse, reference: str, number: str = "1", query: str = FOLLOW
) -> dict[str, Any]:
    """Subscribe; the first frame."""
    payload = {"query": query, "variables": {"reference": reference}}
    await socket.send_json({"id": number, "type": "subscribe", "payload": payload})
    frame: dict[str, Any] = await socket.receive_json(timeout=10)
    return frame


def _status(frame: dict[str, Any]) -> str:
    assert frame["type"] == "next", frame
    return str(frame["payload"]["data"]["messageChanged"]["status"])


def _followers(hub: Running) -> Any:
    return hub.app.state.door.followers


async def test_a_message_is_told_as_it_stands_and_after_each_change(anna: aiohttp.ClientSession, hub: Running) -> None:
    reference = await _submit(anna)
    async with _socket(anna) as socket:
        first = await _follow(socket, reference, '"quoted" id')
        assert first == {
            "id": '"quoted" id',
            "type": "next",
            "payload": {"data": {"messageChanged": {"reference": reference, "status": "ROUTED"}}},
        }
        assert hub.app.state.services.changes.watcher_count == 1
        await _ask(anna, WITHDRAW, {"reference": reference})
        assert _status(await socket.receive_json(timeout=10)) == "WITHDRAWN"
        await socket.send_json({"id": '"quoted" id', "type": "complete"})
        assert _status(await _follow(socket, reference, '"quoted" id')) == "WITHDRAWN"


async def _something_happens(hub: Running, references: list[str]) -> None:
    """To all of them in one commit."""
    address = libpq_address(str(hub.home.external_database_url))
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO event (message_id, kind, actor) SELECT id, 'NOTE', 'hub' FROM message WHERE reference = ANY(%s)",
            [references],
        )
        await connection.execute("NOTIFY okno_events")


@contextlib.contextmanager
def _readings(hub: Running) -> Iterator[list[Any]]:
    """The statements that are read meanwhile."""
    reads, read = hub.app.state.services.database.reads, list[Any]()
    run = reads.json_text

    async def counting(statement: Any, parameters: Any) -> bytes | None:
        read.append(statement)
        result: bytes | None = await run(statement, parameters)
        return result

    reads.json_text = counting
    try:
        yield read
    finally:
        del reads.json_text


async def test_who_wants_the_same_is_told_by_one_reading(anna: aiohttp.ClientSession, hub: Running) -> None:
    reference = await _submit(anna)
    async with _socket(anna) as one, _socket(anna) as other:
        for number in range(4):
            await _follow(one, reference, f"one {number}")
            await _follow(other, reference, f"other {number}")
        with _readings(hub) as read:
            await _something_happens(hub, [reference])
            frames = [await socket.receive_json(timeout=10) for socket in (one, other) for _ in range(4)]
    assert {_status(frame) for frame in frames} == {"ROUTED"}
    assert len({frame["id"] for frame in frames}) == 8
    assert len(read) == 1


async def test_many_messages_of_one_person_are_read_together_and_told_apart(
    anna: aiohttp.ClientSession, hub: Running
) -> None:
    references = [await _submit(anna) for _ in range(5)]
    await _ask(anna, WITHDRAW, {"reference": references[3]})
    async with _socket(anna) as socket:
        firsts = [await _follow(socket, one, one) for one in references]
        with _readings(hub) as read:
            await _something_happens(hub, references)
            frames = [await socket.receive_json(timeout=10) for _ in references]
    told = {frame["id"]: frame["payload"]["data"]["messageChanged"] for frame in frames}
    assert {reference: one["reference"] for reference, one in told.items()} == {one: one for one in references}
    assert told == {frame["id"]: frame["payload"]["data"]["messageChanged"] for frame in firsts}
    assert [told[one]["status"] for one in references].index("WITHDRAWN") == 3
    # The first who are woken may be read before the others are.
    assert len(read) <= 2


async def test_a_variable_that_shapes_what_is_read_keeps_readings_apart(
    anna: aiohttp.ClientSession, hub: Running
) -> None:
    query = (
        "subscription Q($reference: String!, $last: Int!) "
        "{ messageChanged(reference: $reference) { reference history(last: $last) { kind } } }"
    )
    reference = await _submit(anna)
    async with _socket(anna) as socket:
        for last in (1, 2, 3):
            payload = {"query": query, "variables": {"reference": reference, "last": last}}
            await socket.send_json({"id": str(last), "type": "subscribe", "payload": payload})
            await socket.receive_json(timeout=10)
        await _something_happens(hub, [reference])
        frames = [await socket.receive_json(timeout=10) for _ in range(3)]
    told = {frame["id"]: len(frame["payload"]["data"]["messageChanged"]["history"]) for frame in frames}
    assert told == {"1": 1, "2": 2, "3": 3}


async def test_a_socket_that_reads_nothing_holds_up_nobody(anna: aiohttp.ClientSession, hub: Running) -> None:
    reference = await _submit(anna)
    async with _socket(anna) as slow, _socket(anna) as quick:
        await _follow(slow, reference)
        await _follow(quick, reference)
        (slow_one, quick_one) = _followers_of(hub, reference)
        held = asyncio.Event()
        tell = slow_one.line.tell

        async def stuck(operation_id: str, result: str) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(held.wait(), loop))
            await tell(operation_id, result)

        loop = asyncio.get_running_loop()
        slow_one.line.tell = stuck
        await _ask(anna, WITHDRAW, {"reference": reference})
        assert _status(await quick.receive_json(timeout=10)) == "WITHDRAWN"
        assert not quick_one.busy
        held.set()
        assert _status(await slow.receive_json(timeout=10)) == "WITHDRAWN"


def _followers_of(hub: Running, reference: str) -> list[Any]:
    """Those who follow a message, in the order in which they came."""
    sockets = list(hub.app.state.services.leaving._sockets)
    found = [one.follower for socket in sockets for one in socket._followers.values()]
    mine = [one for one in found if one.coerced.get("reference") == reference]
    return sorted(mine, key=lambda one: str(one.line._visit.connection.client[1]))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (FOLLOW, "BAD_REQUEST"),
        (
            "subscription Q($reference: String!) { messageChanged(reference: $reference) { cases { live { status } } } }",
            None,
        ),
    ],
)
async def test_what_cannot_be_told_so_takes_the_ordinary_road(
    anna: aiohttp.ClientSession, query: str, code: str | None
) -> None:
    reference = "26-0000-0001-0" if code else await _submit(anna)
    async with _socket(anna) as socket:
        frame = await _follow(socket, reference, query=query)
        errors = frame["payload"] if frame["type"] == "error" else frame["payload"].get("errors", [])
        assert [one["extensions"]["code"] for one in errors] == ([code] if code else [])


async def test_variables_that_do_not_fit_are_an_error_of_that_operation(anna: aiohttp.ClientSession) -> None:
    async with _socket(anna) as socket:
        payload = {"query": FOLLOW, "variables": {}}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        frame = await socket.receive_json(timeout=10)
        assert (frame["type"], frame["payload"][0]["extensions"]["code"]) == ("error", "BAD_REQUEST")
        reference = await _submit(anna)
        assert _status(await _follow(socket, reference)) == "ROUTED"


async def test_a_stranger_follows_nothing(hub: Running, anna: aiohttp.ClientSession) -> None:
    reference = await _submit(anna)
    async with aiohttp.ClientSession(hub.address, headers=hub.signed_in("boris")) as boris, _socket(boris) as socket:
        frame = await _follow(socket, reference)
    text = json.dumps(frame)
    assert "BAD_REQUEST" in text
    assert "ROUTED" not in text


async def test_one_id_is_one_subscription(anna: aiohttp.ClientSession) -> None:
    reference = await _submit(anna)
    async with _socket(anna) as socket:
        await _follow(socket, reference)
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "{ viewer { __typename } }"}})
        await socket.receive(timeout=10)
        assert socket.close_code == 4409


async def test_who_leaves_is_not_watched_for(anna: aiohttp.ClientSession, hub: Running) -> None:
    reference = await _submit(anna)
    async with _socket(anna) as socket:
        await _follow(socket, reference, "1")
        await _follow(socket, reference, "2")
        await socket.send_json({"id": "1", "type": "complete"})
    async with asyncio.timeout(10):
        while hub.app.state.services.changes.watcher_count:  # noqa: ASYNC110 - the feed lives in another thread's loop
            await asyncio.sleep(0.02)


async def _counted(client: aiohttp.ClientSession, operation: str) -> dict[str, float]:
    async with client.get("/metrics") as response:
        text = await response.text()
    found = re.findall(r"^okno_operations_total{(.*)} (\S+)$", text, re.MULTILINE)
    return {
        match[1]: float(count)
        for labels, count in found
        if f'operation="{operation}"' in labels and (match := re.search(r'code="(\w+)"', labels))
    }


async def test_operations_on_sockets_are_counted_by_name_and_outcome(anna: aiohttp.ClientSession) -> None:
    reference = await _submit(anna)
    before, others = await _counted(anna, "FollowAMessage"), await _counted(anna, "other")
    async with _socket(anna) as socket:
        assert _status(await _follow(socket, reference, "1", TRUSTED)) == "ROUTED"
        await _follow(socket, "26-0000-0001-0", "2", TRUSTED)
        await _follow(socket, reference, "3", "{ nothing }")
    after, others_after = await _counted(anna, "FollowAMessage"), await _counted(anna, "other")
    assert after["OK"] - before.get("OK", 0) == 1
    assert after["BAD_REQUEST"] - before.get("BAD_REQUEST", 0) == 1
    assert others_after["BAD_REQUEST"] - others.get("BAD_REQUEST", 0) == 1


async def test_what_stands_in_the_address_of_a_socket_is_not_logged(
    anna: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with anna.ws_connect("/graphql?words=secret-words", protocols=[PROTOCOL]) as socket:
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json(timeout=5)
    assert "secret-words" not in caplog.text
