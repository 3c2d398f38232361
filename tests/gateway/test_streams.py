"""Subscriptions over WebSocket and server-sent events, and everything a socket may be sent."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.settings import Limits, Settings
from store.home import Home
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tiny_schema import tiny_schema, tiny_table
from tests.gateway.tokens import bearer, claims, new_key, sign

PROTOCOL = "graphql-transport-ws"
TICKS = "subscription { ticks(count: 3) }"


@asynccontextmanager
async def _socket(
    client: aiohttp.ClientSession, *, init: object = None, **options: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket after `connection_ack`."""
    async with client.ws_connect("/graphql", protocols=[PROTOCOL], **options) as socket:
        await socket.send_json({"type": "connection_init"} | ({} if init is None else {"payload": init}))
        assert await socket.receive_json(timeout=5) == {"type": "connection_ack"}
        yield socket


@pytest.fixture(scope="module")
def impatient_address(gateway_home: Home) -> Iterator[str]:
    """A gateway that waits for nobody and lets a socket have two subscriptions."""
    limits = Limits(connection_init_s=0.3, subscriptions_per_connection=2, keep_alive_s=0.2)
    settings = Settings(limits=limits, trusted_documents=tiny_table(gateway_home.folder))
    with run_gateway(gateway_home, settings, tiny_schema()) as (address, _):
        yield address


@pytest.fixture
async def impatient(impatient_address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the impatient gateway."""
    async with aiohttp.ClientSession(impatient_address) as session:
        yield session


async def _closed_with(socket: aiohttp.ClientWebSocketResponse, timeout_s: float = 5.0) -> int | None:
    async with asyncio.timeout(timeout_s):
        while True:
            message = await socket.receive()
            if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
                return socket.close_code


def _subscribe(query: str, number: str = "1", **payload: object) -> dict[str, object]:
    return {"id": number, "type": "subscribe", "payload": {"query": query} | payload}


async def test_a_subscription_comes_over_a_socket(client: aiohttp.ClientSession) -> None:
    async with _socket(client) as socket:
        await socket.send_json(_subscribe(TICKS))
        frames = [await socket.receive_json(timeout=5) for _ in range(4)]
    assert [frame["payload"]["data"]["ticks"] for frame in frames[:3]] == [0, 1, 2]
    assert frames[3] == {"id": "1", "type": "complete"}


async def test_a_socket_knows_who_is_calling(client: aiohttp.ClientSession, running: Running) -> None:
    init = {"authorization": running.signed_in("maria")["Authorization"]}
    async with _socket(client, init=init) as socket:
        await socket.send_json(_subscribe("{ who }"))
        assert (await socket.receive_json(timeout=5))["payload"] == {"data": {"who": "maria"}}
    async with _socket(client, headers=running.signed_in("pyotr")) as socket:
        await socket.send_json(_subscribe("{ who }"))
        assert (await socket.receive_json(timeout=5))["payload"] == {"data": {"who": "pyotr"}}
    async with _socket(client) as socket:
        await socket.send_json(_subscribe("{ who }"))
        assert (await socket.receive_json(timeout=5))["payload"] == {"data": {"who": None}}


@pytest.mark.parametrize("authorization", ["Bearer nonsense", 7, None, "", ["Bearer x"]])
async def test_a_token_that_is_not_believed_closes_the_socket(
    client: aiohttp.ClientSession, authorization: object
) -> None:
    if authorization == "Bearer nonsense":
        authorization = f"Bearer {sign(new_key(), claims())}"
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as socket:
        await socket.send_json({"type": "connection_init", "payload": {"authorization": authorization}})
        if authorization in (None, ""):
            assert await socket.receive_json(timeout=5) == {"type": "connection_ack"}
        else:
            assert await _closed_with(socket) == 4401


async def test_a_bad_token_in_the_header_refuses_the_handshake_in_json(client: aiohttp.ClientSession) -> None:
    headers = bearer(sign(new_key(), claims()))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/graphql", protocols=[PROTOCOL], headers=headers)
    assert refused.value.status == 401


async def test_a_socket_closes_when_the_sign_in_expires(client: aiohttp.ClientSession, running: Running) -> None:
    token = sign(running.key, claims(exp=int(time.time()) + 2))
    async with _socket(client, init={"Authorization": f"Bearer {token}"}) as socket:
        await socket.send_json(_subscribe("subscription { ticks(count: 100, pauseS: 0.2) }"))
        assert await _closed_with(socket) == 4401


FRAMES = [
    "[]",
    '"x"',
    "null",
    "1",
    "{}",
    "{",
    "",
    '{"type": 1}',
    '{"type": null}',
    '{"type": []}',
    '{"type": "start", "id": "1", "payload": {"query": "{who}"}}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "id": {}, "payload": {"query": "{who}"}}',
    '{"type": "subscribe", "id": 1, "payload": {"query": "{who}"}}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{who}"}}',
    '{"type": "subscribe", "id": "1", "payload": []}',
    '{"type": "subscribe", "id": "1", "payload": {}}',
    '{"type": "subscribe", "id": "1", "payload": {"documentId": 1}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{who}", "documentId": []}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": null}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{who}", "variables": []}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{who}", "operationName": {}}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{who}", "variables": {"a": NaN}}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{who} # \\ud800"}}',
    '{"type": "complete", "id": []}',
    '{"type": "complete"}',
    '{"type": "ping", "payload": 1}',
    "[" * 50_000,
]


@pytest.mark.parametrize("frame", FRAMES)
async def test_a_frame_that_is_none_closes_the_socket(client: aiohttp.ClientSession, frame: str) -> None:
    async with _socket(client) as socket:
        await socket.send_str(frame)
        assert await _closed_with(socket) == 4400


async def test_a_binary_frame_closes_the_socket(client: aiohttp.ClientSession) -> None:
    async with _socket(client) as socket:
        await socket.send_bytes(b'{"type": "ping"}')
        assert await _closed_with(socket) == 4400


async def test_a_frame_that_is_too_large_closes_the_socket(client: aiohttp.ClientSession) -> None:
    async with _socket(client) as socket:
        await socket.send_str(" " * 1_200_000)
        assert await _closed_with(socket) == 1009


async def test_a_second_operation_of_the_same_id_closes_the_socket(client: aiohttp.ClientSession) -> None:
    async with _socket(client) as socket:
        for _ in range(2):
            await socket.send_json(_subscribe("subscription { ticks(count: 100, pauseS: 0.1) }"))
        assert await _closed_with(socket) == 4409


async def test_an_id_may_be_used_again_once_its_operation_is_complete(client: aiohttp.ClientSession) -> None:
    async with _socket(client) as socket:
        for _ in range(2):
            await socket.send_json(_subscribe("{ language }"))
            assert [(await socket.receive_json(timeout=5))["type"] for _ in range(2)] == ["next", "complete"]


async def test_a_socket_that_never_says_who_it_is_is_closed(impatient: aiohttp.ClientSession) -> None:
    async with impatient.ws_connect("/graphql", protocols=[PROTOCOL]) as socket:
        assert await _closed_with(socket) == 4408


async def test_more_subscriptions_than_a_socket_may_have_fail_alone_with_a_code(
    impatient: aiohttp.ClientSession,
) -> None:
    async with _socket(impatient) as socket:
        for number in range(3):
            await socket.send_json(_subscribe("subscription { ticks(count: 1, pauseS: 5) }", str(number)))
        frames = [await socket.receive_json(timeout=5) for _ in range(3)]
    (failed,) = [frame for frame in frames if frame["type"] == "error"]
    assert (failed["id"], failed["payload"][0]["extensions"]["code"]) == ("2", "TOO_MANY_REQUESTS")


async def test_a_silent_stream_is_kept_alive_by_comments(impatient: aiohttp.ClientSession) -> None:
    query = "subscription { ticks(count: 1, pauseS: 0.7) }"
    async with impatient.post("/graphql", json={"query": query}, headers={"Accept": "text/event-stream"}) as response:
        assert (await response.text()).count(": ping\n\n") >= 2


async def test_an_init_with_another_payload_closes_the_socket(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as socket:
        await socket.send_str('{"type": "connection_init", "payload": []}')
        assert await _closed_with(socket) == 4400


async def test_subscribing_before_the_init_and_a_second_init_close_the_socket(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as socket:
        await socket.send_json(_subscribe(TICKS))
        assert await _closed_with(socket) == 4401
    async with _socket(client) as socket:
        await socket.send_json({"type": "connection_init"})
        assert await _closed_with(socket) == 4429


async def test_only_the_modern_protocol_is_spoken(client: aiohttp.ClientSession) -> None:
    for protocols in (["graphql-ws"], []):
        async with client.ws_connect("/graphql", protocols=protocols) as socket:
            assert await _closed_with(socket) == 4406


async def test_a_page_of_another_origin_may_not_open_a_socket(client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/graphql", protocols=[PROTOCOL], origin="https://evil.example")
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "query",
    ["{", "{ unknown }", "query A { who } query B { who }", "{ " + "x" * 300 + "(", "subscription S { nothing }"],
)
async def test_a_wrong_document_fails_alone_and_the_socket_lives_on(client: aiohttp.ClientSession, query: str) -> None:
    async with _socket(client) as socket:
        await socket.send_json(_subscribe(query))
        failed = await socket.receive_json(timeout=5)
        assert (failed["type"], failed["id"]) == ("error", "1")
        await socket.send_json(_subscribe("{ language }", "1"))
        assert (await socket.receive_json(timeout=5))["type"] == "next"


async def _events(response: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    text = (await response.content.read()).decode()
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(lines[0].removeprefix("event: "), lines[1].removeprefix("data: ")) for lines in blocks]


async def test_a_subscription_comes_as_server_sent_events(client: aiohttp.ClientSession) -> None:
    async with client.post("/graphql", json={"query": TICKS}, headers={"Accept": "text/event-stream"}) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        events = await _events(response)
    assert [event for event, _ in events] == ["next", "next", "next", "complete"]
    assert json.loads(events[2][1]) == {"data": {"ticks": 2}}


async def test_a_stream_ends_when_the_sign_in_expires(client: aiohttp.ClientSession, running: Running) -> None:
    headers = bearer(sign(running.key, claims(exp=int(time.time()) + 2))) | {"Accept": "text/event-stream"}
    query = "subscription { ticks(count: 100, pauseS: 0.2) }"
    async with asyncio.timeout(5), client.post("/graphql", json={"query": query}, headers=headers) as response:
        events = await _events(response)
    assert [event for event, _ in events[-2:]] == ["next", "complete"]
    assert json.loads(events[-2][1])["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "query", ["{", "subscription { nothing }", "subscription A { ticks(count: 1) } query B { who }"]
)
async def test_a_stream_that_cannot_begin_is_a_400_in_json(client: aiohttp.ClientSession, query: str) -> None:
    async with client.post("/graphql", json={"query": query}, headers={"Accept": "text/event-stream"}) as response:
        assert response.status == 400
        answer = await response.json(content_type=None)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_subscription_without_a_stream_is_refused(client: aiohttp.ClientSession) -> None:
    async with client.post("/graphql", json={"query": TICKS}, headers={"Accept-Language": "en"}) as response:
        answer = await response.json(content_type=None)
    assert response.status == 406
    assert "text/event-stream" in answer["errors"][0]["message"]


async def test_a_stream_that_is_opened_anew_begins_with_the_present_state(client: aiohttp.ClientSession) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "2"}
    for _ in range(2):
        async with client.post("/graphql", json={"query": TICKS}, headers=headers) as response:
            events = await _events(response)
        assert json.loads(events[0][1]) == {"data": {"ticks": 0}}


async def test_a_stream_that_is_left_stops_watching(client: aiohttp.ClientSession, running: Running) -> None:
    changes = running.app.state.services.changes
    query = 'subscription { changed(message: "0198f6d0-0000-7000-8000-000000000001") }'
    async with client.post("/graphql", json={"query": query}, headers={"Accept": "text/event-stream"}) as response:
        await response.content.readline()
        assert changes.watcher_count == 1
    async with _socket(client) as socket:
        await socket.send_json(_subscribe(query))
        await socket.receive_json(timeout=5)
    async with asyncio.timeout(5):
        while changes.watcher_count:  # noqa: ASYNC110 - the feed lives in another thread's loop
            await asyncio.sleep(0.02)
