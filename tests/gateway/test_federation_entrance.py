"""Who is let in as the federation gateway, and what holds for it all the same."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from gateway.settings import Accepted, BadSettings, Rate, Settings
from store.home import Home
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tiny_schema import tiny_schema, tiny_table
from tests.gateway.tokens import ISSUER, new_key, write_keys

SECRET = f"{uuid4().hex}{uuid4().hex}"
AS_GATEWAY = {"x-okno-gateway": SECRET}
BURST = 3_000
ENTITIES = "query ($named: [_Any!]!) { _entities(representations: $named) { ... on Organisation { code } } }"


@pytest.fixture(scope="module")
def federated(gateway_home: Home) -> Iterator[Running]:
    """A gateway that runs trusted documents only, except for the federation gateway."""
    key, keys = new_key(), gateway_home.folder / "issuer-of-federation.json"
    write_keys(keys, key)
    settings = Settings(
        token_issuer=ISSUER,
        token_keys=str(keys),
        documents=Accepted.TRUSTED,
        trusted_documents=tiny_table(gateway_home.folder),
        rate=Rate(BURST, 1),
        gateway_secret=SECRET,
    )
    with run_gateway(gateway_home, settings, tiny_schema()) as (address, app):
        yield Running(address, app, gateway_home, key)


@pytest.fixture
async def caller(federated: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(federated.address) as session:
        yield session


async def _ask(
    caller: aiohttp.ClientSession, query: str, headers: Any, variables: dict[str, Any] | None = None
) -> tuple[int, Any]:
    async with caller.post("/graphql", json={"query": query, "variables": variables or {}}, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def _code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


async def test_the_gateway_may_ask_in_its_own_words_and_nobody_else(caller: aiohttp.ClientSession) -> None:
    named = {"named": [{"__typename": "Organisation", "code": "city-roads"}]}
    assert await _ask(caller, ENTITIES, AS_GATEWAY, named) == (200, {"data": {"_entities": [{"code": "city-roads"}]}})
    status, answer = await _ask(caller, ENTITIES, {}, named)
    assert (status, _code(answer)) == (400, "DOCUMENT_UNKNOWN")


async def test_the_plans_of_the_gateway_are_counted_too(caller: aiohttp.ClientSession) -> None:
    named = {"named": [{"__typename": "Organisation", "code": "city-roads"}]}
    await _ask(caller, ENTITIES, AS_GATEWAY, named)
    async with caller.get("/metrics") as response:
        text = await response.text()
    found = dict(re.findall(r"^(okno_plans|okno_plan_misses_total)\S* (\S+)$", text, re.MULTILINE))
    # The public schema of this gateway has nothing that is stored.
    assert {name: float(count) >= 1 for name, count in found.items()} == {
        "okno_plans": True,
        "okno_plan_misses_total": True,
    }


@pytest.mark.parametrize(
    "shown",
    [
        [("x-okno-gateway", "")],
        [("x-okno-gateway", SECRET[:-1])],
        [("x-okno-gateway", f"{SECRET}0")],
        [("x-okno-gateway", SECRET[::-1])],
        [("x-okno-gateway", "тайна")],
        [("x-okno-gateway", SECRET), ("x-okno-gateway", SECRET)],
    ],
)
async def test_a_wrong_secret_is_forbidden(caller: aiohttp.ClientSession, shown: list[tuple[str, str]]) -> None:
    status, answer = await _ask(caller, "{ __typename }", shown)
    assert (status, _code(answer)) == (403, "FORBIDDEN")
    assert SECRET not in json.dumps(answer)


async def test_a_wrong_secret_opens_no_socket(caller: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await caller.ws_connect("/graphql", protocols=["graphql-transport-ws"], headers={"x-okno-gateway": "no"})
    assert refused.value.status == 403


async def test_the_gateway_may_open_a_socket(caller: aiohttp.ClientSession) -> None:
    async with caller.ws_connect("/graphql", protocols=["graphql-transport-ws"], headers=AS_GATEWAY) as socket:
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json())["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "{ _service { sdl } }"}})
        answer = await asyncio.wait_for(socket.receive_json(), 20)
    assert answer["payload"]["data"]["_service"]["sdl"].startswith("extend schema @link")


async def test_limits_hold_for_the_gateway(caller: aiohttp.ClientSession) -> None:
    named = {"named": [{"__typename": "Organisation", "code": "city-roads"}] * 101}
    status, answer = await _ask(caller, ENTITIES, AS_GATEWAY, named)
    assert (status, _code(answer)) == (400, "TOO_COSTLY")
    deep = '{ organisation(code: "x") ' + "{ parent " * 20 + "{ code }" + " }" * 20 + " }"
    status, answer = await _ask(caller, deep, AS_GATEWAY)
    assert _code(answer) == "TOO_COSTLY"


async def test_the_gateway_may_register_its_documents_by_hash(caller: aiohttp.ClientSession) -> None:
    text = "{ _service { __typename } }"
    persisted = {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}
    by_hash: dict[str, Any] = {"extensions": {"persistedQuery": persisted}}
    asked = [by_hash, by_hash | {"query": text}, by_hash]
    codes = []
    for body in asked:
        async with caller.post("/graphql", json=body, headers=AS_GATEWAY) as answer:
            codes.append(answer.status)
    assert codes == [400, 200, 200]


async def test_a_token_that_is_not_believed_is_not_believed_from_the_gateway(
    caller: aiohttp.ClientSession, federated: Running
) -> None:
    status, answer = await _ask(caller, "{ viewer { __typename } }", AS_GATEWAY | {"Authorization": "Bearer a.b.c"})
    assert (status, _code(answer)) == (401, "UNAUTHENTICATED")
    status, answer = await _ask(caller, "{ viewer { __typename } }", AS_GATEWAY | federated.signed_in())
    assert answer == {"data": {"viewer": {"__typename": "Viewer"}}}


async def test_a_person_has_one_allowance_at_both_entrances(caller: aiohttp.ClientSession, federated: Running) -> None:
    person = federated.signed_in("spender")
    page = "{ organisations(first: 100) { nodes { code name kind level timezone } } }"
    answers = [await _ask(caller, page, AS_GATEWAY | person) for _ in range(BURST // 500 + 1)]
    assert answers[0][0] == 200
    assert (answers[-1][0], _code(answers[-1][1])) == (429, "TOO_MANY_REQUESTS")
    # The buckets of the public door are the ones that were emptied.
    buckets = federated.app.state.door.public.allowance.buckets
    assert buckets.refused > 0


def test_a_short_secret_stops_the_start_without_being_repeated() -> None:
    for secret in ("x" * 31, "ы" * 40, f"{'x' * 20} {'x' * 20}"):
        with pytest.raises(BadSettings) as stopped:
            Settings.from_environment({"OKNO_GATEWAY_SECRET": secret})
        assert str(stopped.value).startswith("OKNO_GATEWAY_SECRET: ")
        assert secret not in str(stopped.value)


def test_the_secret_is_not_in_what_settings_print() -> None:
    settings = Settings.from_environment({"OKNO_GATEWAY_SECRET": SECRET})
    assert settings.gateway_secret == SECRET
    assert SECRET not in repr(settings)
