"""Documents by id: the trusted table, Apollo's automatic persisted queries, and what is refused where only trusted documents are run."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.settings import Accepted, BadSettings, Settings
from gateway.trusted import check_trusted_documents, trust_documents
from schema.extensions.known_documents import KnownDocuments
from store.home import Home
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tiny_schema import TRUSTED, tiny_schema, tiny_table, trusted_id

FREE = "query Free { language }"
PROTOCOL = "graphql-transport-ws"
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def strict(gateway_home: Home) -> Iterator[str]:
    """The address of a gateway that runs trusted documents only."""
    settings = Settings(documents=Accepted.TRUSTED, trusted_documents=tiny_table(gateway_home.folder))
    with run_gateway(gateway_home, settings, tiny_schema()) as (address, _):
        yield address


@pytest.fixture(scope="module")
def registering(gateway_home: Home) -> Iterator[str]:
    """The address of a gateway with automatic persisted queries."""
    settings = Settings(apq=True, trusted_documents=tiny_table(gateway_home.folder))
    with run_gateway(gateway_home, settings, tiny_schema()) as (address, _):
        yield address


@pytest.fixture
async def stranger(strict: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the strict gateway."""
    async with aiohttp.ClientSession(strict) as session:
        yield session


@pytest.fixture
async def apollo(registering: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the registering gateway."""
    async with aiohttp.ClientSession(registering) as session:
        yield session


async def _post(client: aiohttp.ClientSession, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
    async with client.post("/graphql", json=body, headers={"Accept-Language": "en"} | headers) as response:
        return response.status, await response.json(content_type=None)


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    (error,) = answer["errors"]
    return str(error["extensions"]["code"]), str(error["message"])


def _hash(text: str) -> dict[str, object]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}


async def test_a_trusted_document_is_asked_for_by_its_id(stranger: aiohttp.ClientSession) -> None:
    named = trusted_id(TRUSTED["echo"])
    for document_id in (named, named.removeprefix("sha256:")):
        body = {"documentId": document_id, "variables": {"text": "Привет"}}
        assert await _post(stranger, body) == (200, {"data": {"echo": "Привет"}})


async def test_a_trusted_document_is_asked_for_by_apollos_extension(stranger: aiohttp.ClientSession) -> None:
    assert await _post(stranger, {"extensions": _hash(TRUSTED["who"])}) == (200, {"data": {"who": None}})


async def test_a_trusted_query_comes_by_get_so_that_caches_can_hold_it(stranger: aiohttp.ClientSession) -> None:
    parameters = {"documentId": trusted_id(TRUSTED["echo"]), "variables": '{"text": "1"}'}
    async with stranger.get("/graphql", params=parameters) as response:
        assert (response.status, await response.json()) == (200, {"data": {"echo": "1"}})
    hashed = {"extensions": json.dumps(_hash(TRUSTED["who"]))}
    async with stranger.get("/graphql", params=hashed, headers={"Accept": "text/html,*/*"}) as response:
        assert await response.json() == {"data": {"who": None}}


async def test_a_trusted_mutation_does_not_come_by_get(stranger: aiohttp.ClientSession) -> None:
    parameters = {"documentId": trusted_id(TRUSTED["write"]), "variables": '{"text": "1"}'}
    async with stranger.get("/graphql", params=parameters) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_the_text_of_a_trusted_document_is_as_good_as_its_id(stranger: aiohttp.ClientSession) -> None:
    assert await _post(stranger, {"query": TRUSTED["who"]}) == (200, {"data": {"who": None}})


@pytest.mark.parametrize(
    "body",
    [
        {"query": FREE},
        {"query": TRUSTED["who"] + " "},
        {"query": "{"},
        {"documentId": trusted_id(FREE)},
        {"documentId": ""},
        {"documentId": "sha256:" + "A" * 64},
        {"documentId": "md5:" + "a" * 32},
        {"extensions": _hash(FREE)},
    ],
)
async def test_where_only_trusted_documents_are_run_others_are_unknown_whichever_way_they_come(
    stranger: aiohttp.ClientSession, body: dict[str, Any]
) -> None:
    for accept in ("application/json", "application/graphql-response+json", "text/event-stream"):
        status, answer = await _post(stranger, body, Accept=accept)
        assert (status, _error(answer)[0]) == (400, "DOCUMENT_UNKNOWN")
        assert "OKNO_TRUSTED_DOCUMENTS" in _error(answer)[1]
    parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    async with stranger.get("/graphql", params=parameters) as response:
        assert (response.status, _error(await response.json())[0]) == (400, "DOCUMENT_UNKNOWN")
    async with stranger.ws_connect("/graphql", protocols=[PROTOCOL]) as socket:
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json(timeout=5)
        await socket.send_json({"id": "1", "type": "subscribe", "payload": body})
        failed = await socket.receive_json(timeout=5)
    assert (failed["type"], failed["payload"][0]["extensions"]["code"]) == ("error", "DOCUMENT_UNKNOWN")


async def test_a_trusted_document_runs_on_a_socket_and_on_a_stream(stranger: aiohttp.ClientSession) -> None:
    body = {"documentId": trusted_id(TRUSTED["ticks"])}
    async with stranger.ws_connect("/graphql", protocols=[PROTOCOL]) as socket:
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json(timeout=5)
        await socket.send_json({"id": "1", "type": "subscribe", "payload": body})
        frames = [await socket.receive_json(timeout=5) for _ in range(4)]
    assert [frame["type"] for frame in frames] == ["next", "next", "next", "complete"]
    async with stranger.post("/graphql", json=body, headers=STREAM) as response:
        assert (await response.text()).count("event: next") == 3


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"documentId": trusted_id(TRUSTED["who"]), "query": TRUSTED["who"]}, "not both"),
        ({"documentId": trusted_id(TRUSTED["who"]), "extensions": _hash(TRUSTED["who"])}, "not both"),
        ({"query": TRUSTED["who"], "extensions": _hash(TRUSTED["who"])}, "not both"),
        ({"documentId": 7}, "a string or null"),
        ({"extensions": {"persistedQuery": "x"}}, "persistedQuery"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "0" * 64}}}, "persistedQuery"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 63}}}, "persistedQuery"),
        ({}, "documentId"),
    ],
)
async def test_a_request_that_names_its_document_wrongly_is_a_bad_request(
    stranger: aiohttp.ClientSession, body: dict[str, Any], words: str
) -> None:
    status, answer = await _post(stranger, body)
    assert (status, _error(answer)[0]) == (400, "BAD_REQUEST")
    assert words in _error(answer)[1]


async def test_apollo_registers_a_document_and_asks_by_its_hash_from_then_on(apollo: aiohttp.ClientSession) -> None:
    text = "query Registered { language }"
    status, answer = await _post(apollo, {"extensions": _hash(text)})
    assert (status, _error(answer)) == (400, ("DOCUMENT_UNKNOWN", "PersistedQueryNotFound"))
    for body in ({"query": text, "extensions": _hash(text)}, {"extensions": _hash(text)}):
        assert await _post(apollo, body) == (200, {"data": {"language": "en"}})


async def test_a_hash_of_another_text_registers_nothing(apollo: aiohttp.ClientSession) -> None:
    status, answer = await _post(apollo, {"query": FREE, "extensions": _hash("query Innocent { who }")})
    assert (status, _error(answer)[0]) == (400, "BAD_REQUEST")
    assert _error((await _post(apollo, {"extensions": _hash("query Innocent { who }")}))[1])[0] == "DOCUMENT_UNKNOWN"


async def test_a_document_that_is_wrong_is_not_registered(apollo: aiohttp.ClientSession) -> None:
    for text in ("{ nothing }", "{ " + "who " * 5000 + "}"):
        await _post(apollo, {"query": text, "extensions": _hash(text)})
        assert _error((await _post(apollo, {"extensions": _hash(text)}))[1])[1] == "PersistedQueryNotFound"


async def test_without_registering_apollo_is_told_to_send_the_text(client: aiohttp.ClientSession) -> None:
    _, answer = await _post(client, {"extensions": _hash(FREE)})
    assert _error(answer) == ("DOCUMENT_UNKNOWN", "PersistedQueryNotSupported")
    assert await _post(client, {"query": FREE}) == (200, {"data": {"language": "en"}})


def _known() -> KnownDocuments:
    return tiny_schema().documents


def _settings(place: Path) -> Settings:
    return Settings(documents=Accepted.TRUSTED, trusted_documents=place)


WHO = TRUSTED["who"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("table.json", {trusted_id(WHO): WHO}),
        ("relay.json", {trusted_id(WHO).removeprefix("sha256:"): WHO}),
        (
            "manifest.json",
            {
                "format": "apollo-persisted-query-manifest",
                "version": 1,
                "operations": [
                    {"id": trusted_id(WHO).removeprefix("sha256:"), "name": "Who", "type": "query", "body": WHO}
                ],
            },
        ),
        ("who.graphql", WHO),
    ],
)
def test_a_table_is_read_in_every_form_that_the_build_tools_write(tmp_path: Path, name: str, content: object) -> None:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    for place in (path, tmp_path):
        known = _known()
        assert trust_documents(known, _settings(place)) == 1
        assert known.trusted(hashlib.sha256(WHO.encode()).digest()) is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "one JSON object"),
        ('{"sha256:00": "{ who }"}', "is not the SHA-256 of its text"),
        (json.dumps({trusted_id("{ nothing }"): "{ nothing }"}), "Cannot query field 'nothing'"),
        (json.dumps({trusted_id("{"): "{"}), "Syntax Error"),
        ('{"a": 1}', "both strings"),
        ('{"operations": [{"id": "x"}]}', "both strings"),
        ("{}", "holds no documents"),
    ],
)
def test_a_table_that_cannot_be_trusted_stops_the_start_and_names_the_file(
    tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "table.json"
    path.write_text(content)
    with pytest.raises(BadSettings) as bad:
        trust_documents(_known(), _settings(path))
    assert str(path) in str(bad.value)
    assert words in str(bad.value)


def test_a_wrong_document_of_a_table_is_named_by_its_id(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    wrong = "{ nothing }"
    path.write_text(json.dumps({trusted_id(WHO): WHO, trusted_id(wrong): wrong}))
    with pytest.raises(BadSettings) as bad:
        trust_documents(_known(), _settings(path))
    assert trusted_id(wrong) in str(bad.value)
    assert trusted_id(WHO) not in str(bad.value)


def test_the_portals_operations_are_trusted_by_default() -> None:
    check_trusted_documents(Settings(documents=Accepted.TRUSTED))


def test_in_development_an_operation_that_does_not_fit_is_told_and_the_server_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        trust_documents(_known(), Settings())
    assert "does not fit the schema" in caplog.text
    check_trusted_documents(Settings())


async def test_production_runs_trusted_documents_only_and_tells_nothing_of_its_schema(
    gateway_home: Home, running: Running
) -> None:
    settings = replace(
        Settings.from_environment({"OKNO_MODE": "production"} | _issuer(running)), documents=Accepted.ANY
    )
    assert Settings.from_environment({"OKNO_MODE": "production"} | _issuer(running)).trusted_only
    with run_gateway(gateway_home, settings, None) as (address, _):
        async with aiohttp.ClientSession(address) as client:
            status, answer = await _post(client, {"query": "{ __schema { types { name } } }"})
            assert (status, _error(answer)[0]) == (200, "FORBIDDEN")
            _, answer = await _post(client, {"query": '{ organisation(code: "x") { nam } }'})
            assert _error(answer)[0] == "BAD_REQUEST"
            assert "Did you mean" not in _error(answer)[1]
            assert await _post(client, {"query": "{ __typename }"}) == (200, {"data": {"__typename": "Query"}})


def _issuer(running: Running) -> dict[str, str]:
    return {
        "OKNO_TOKEN_ISSUER": "https://sign-in.example",
        "OKNO_TOKEN_KEYS": str(running.home.folder / "issuer.json"),
    }
