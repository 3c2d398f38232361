"""Reads that go out as PostgreSQL wrote them, and public answers that caches may keep."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update

from gateway.graphql import GraphQLDoor
from gateway.settings import Mode, Settings
from schema.plan.operation import PreparedOperation
from store.home import Home
from store.tables import OrganisationRow
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tokens import ISSUER, new_key, write_keys

PLACES = "query Places { organisations(first: 2) { nodes { code name(language: EN) } } categories { code } }"
PAGE = "query Page($first: Int!) { organisations(first: $first) { nodes { code } } }"
COUNTS = "query Counts { statistics { total } }"
MINE = "query Mine { viewer { messages { nodes { reference } } } }"
MIXED = '{ routePreview(category: "roads/pothole") { __typename } organisations(first: 1) { nodes { code } } }'


def _id(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@pytest.fixture(scope="module")
def served(gateway_home: Home) -> Iterator[Running]:
    """A gateway in development, which trusts the documents above and takes any other."""
    key = new_key()
    keys = gateway_home.folder / "planned-issuer.json"
    write_keys(keys, key)
    table = gateway_home.folder / "planned-documents.json"
    table.write_text(json.dumps({_id(text): text for text in (PLACES, PAGE, COUNTS, MINE)}))
    settings = Settings(mode=Mode.DEVELOPMENT, token_issuer=ISSUER, token_keys=str(keys), trusted_documents=table)
    with run_gateway(gateway_home, settings, None) as (address, app):
        yield Running(address, app, gateway_home, key)


@pytest.fixture
async def client(served: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(served.address) as session:
        yield session


@contextmanager
def _roads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which road each request took."""
    taken: list[str] = []
    short, long = PreparedOperation.answer, GraphQLDoor.run

    async def answer(self: Any, *arguments: Any) -> bytes | None:
        body = await short(self, *arguments)
        taken.append("short" if body is not None else "not the short")
        return body

    async def run(self: Any, *arguments: Any, **more: Any) -> Any:
        taken.append("ordinary")
        return await long(self, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(PreparedOperation, "answer", answer)
        patched.setattr(GraphQLDoor, "run", run)
        yield taken


async def _post(client: aiohttp.ClientSession, query: str, variables: object = None) -> tuple[int, Any]:
    async with client.post("/graphql", json={"query": query, "variables": variables}) as response:
        return response.status, await response.json()


async def _get(client: aiohttp.ClientSession, text: str, **headers: str) -> tuple[int, Any, Any]:
    async with client.get("/graphql", params={"documentId": _id(text)}, headers=headers) as response:
        return response.status, response.headers, await response.read()


async def test_a_wholly_stored_query_takes_the_short_road(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _roads(monkeypatch) as taken:
        status, answer = await _post(client, PLACES)
    assert (status, taken) == (200, ["short"])
    assert [one["code"] for one in answer["data"]["organisations"]["nodes"]] == ["agriculture-ministry", "city-roads"]


@pytest.mark.parametrize(
    ("query", "variables", "roads"),
    [
        (MIXED, None, ["ordinary"]),
        (PAGE, {"first": 1000}, ["not the short", "ordinary"]),
        (PAGE, {"first": "two"}, ["ordinary"]),
        ("{ __schema { queryType { name } } }", None, ["ordinary"]),
    ],
)
async def test_what_a_statement_alone_cannot_answer_takes_the_ordinary_road(
    client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    variables: object,
    roads: list[str],
) -> None:
    with _roads(monkeypatch) as taken:
        _, answer = await _post(client, query, variables)
    assert taken == roads
    assert ("errors" in answer) is (query == PAGE)


async def test_both_roads_say_the_same(client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    short = await _post(client, PLACES)

    async def never(*_: object) -> None:
        return None

    monkeypatch.setattr(PreparedOperation, "answer", never)
    assert await _post(client, PLACES) == short


async def test_a_signed_in_answer_is_kept_by_nobody(served: Running, client: aiohttp.ClientSession) -> None:
    for headers in (served.signed_in("anna"), served.signed_in("anna") | {"If-None-Match": "*"}):
        for text in (PLACES, MINE):
            status, said, _ = await _get(client, text, **headers)
            assert (status, said["cache-control"]) == (200, "no-store")
            assert "etag" not in said
            assert "Authorization" in said["vary"]


async def test_a_public_answer_of_reference_data_is_not_read_again_while_they_are_the_same(
    served: Running, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, headers, body = await _get(client, PLACES)
    assert status == 200
    assert headers["cache-control"].startswith("public, max-age=300")
    with _roads(monkeypatch) as taken:
        again, same, nothing = await _get(client, PLACES, **{"If-None-Match": f'"other", W/{headers["etag"]}'})
    assert (again, nothing, taken) == (304, b"", [])
    assert same["etag"] == headers["etag"]

    async with served.app.state.services.database.unit() as unit:
        await unit.execute(update(OrganisationRow).where(OrganisationRow.code == "city-roads").values(name_en="Roads"))
    await asyncio.sleep(1.1)
    status, changed, new = await _get(client, PLACES, **{"If-None-Match": headers["etag"]})
    assert (status, changed["etag"] != headers["etag"]) == (200, True)
    assert (b'"Roads"' in new, b'"Roads"' in body) == (True, False)


async def test_a_public_answer_of_other_data_is_known_by_its_bytes(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, headers, _ = await _get(client, COUNTS)
    assert (status, headers["cache-control"].split(",")[0]) == (200, "public")
    with _roads(monkeypatch) as taken:
        again, _, body = await _get(client, COUNTS, **{"If-None-Match": headers["etag"]})
    assert (again, body, taken) == (304, b"", ["short"])


async def test_a_stranger_and_a_stranger_text_get_nothing_that_is_kept(client: aiohttp.ClientSession) -> None:
    async with client.get("/graphql", params={"query": PLACES + " "}) as response:
        assert (response.status, response.headers["cache-control"]) == (200, "no-store")
    status, headers, body = await _get(client, MINE)
    # Nobody has no messages: that is everybody's answer who is not signed in.
    assert (status, json.loads(body)) == (200, {"data": {"viewer": None}})
    assert "Authorization" in headers["vary"]


async def test_each_media_type_has_a_tag_of_its_own(client: aiohttp.ClientSession) -> None:
    plain = await _get(client, PLACES, Accept="application/json")
    newer = await _get(client, PLACES, Accept="application/graphql-response+json")
    assert plain[1]["etag"] != newer[1]["etag"]
    assert newer[1]["content-type"].startswith("application/graphql-response+json")
