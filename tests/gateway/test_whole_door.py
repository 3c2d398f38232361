"""The door with the real schema: a citizen sends a photo and a message and follows it; GraphiQL is there for developers only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from graphql import parse, validate
from sqlalchemy.exc import OperationalError

from gateway.graphiql import GraphiQL
from gateway.settings import Mode, Settings
from schema.root import build_schema
from store.home import PROJECT, Home
from tests.gateway import pictures
from tests.gateway.conftest import Running, run_gateway
from tests.gateway.tokens import ISSUER, new_key, write_keys

OPERATIONS = sorted((PROJECT / "portal" / "operations").glob("*.graphql"))


def _operation(name: str) -> str:
    return (PROJECT / "portal" / "operations" / f"{name}.graphql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def whole(gateway_home: Home) -> Iterator[Running]:
    """A gateway in production with the schema of the product."""
    key = new_key()
    keys = gateway_home.folder / "production-issuer.json"
    write_keys(keys, key)
    settings = Settings(mode=Mode.PRODUCTION, token_issuer=ISSUER, token_keys=str(keys))
    with run_gateway(gateway_home, settings, None) as (address, app):
        yield Running(address, app, gateway_home, key)


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_every_operation_of_the_portal_fits_the_schema(path: Path) -> None:
    schema: Any = build_schema()
    assert validate(schema._schema, parse(path.read_text(encoding="utf-8"))) == []


async def _ask(client: aiohttp.ClientSession, query: str, variables: object, headers: dict[str, str]) -> dict[str, Any]:
    async with client.post("/graphql", json={"query": query, "variables": variables}, headers=headers) as response:
        answer: dict[str, Any] = await response.json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_citizen_sends_a_photo_and_a_message_and_follows_it(whole: Running) -> None:
    headers = whole.signed_in("follower") | {"X-Requested-With": "test"}
    async with aiohttp.ClientSession(whole.address) as client:
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("operations", json.dumps({"query": _operation("upload-a-file"), "variables": {"file": None}}))
        form.add_field("map", '{"0": ["variables.file"]}')
        form.add_field("0", pictures.photo(exif=pictures.exif_of()), filename="яма.jpg", content_type="image/jpeg")
        async with client.post("/graphql", data=form, headers=headers) as response:
            uploaded = (await response.json())["data"]["uploadAttachment"]
        assert uploaded["errors"] == []
        submitted = await _ask(
            client,
            _operation("submit-a-message"),
            {
                "input": {
                    "idempotencyKey": str(uuid4()),
                    "text": "Яма на проезжей части.",
                    "category": "roads/pothole",
                    "place": {"point": {"latitude": 54.5138, "longitude": 36.2612}},
                    "attachments": [uploaded["attachment"]["id"]],
                }
            },
            headers,
        )
        assert submitted["submitMessage"]["errors"] == []
        reference = submitted["submitMessage"]["message"]["reference"]
        states = await _follow_and_withdraw(client, reference, headers)
    assert states[0] == "ROUTED"
    assert states[-1] == "WITHDRAWN"


async def _follow_and_withdraw(client: aiohttp.ClientSession, reference: str, headers: dict[str, str]) -> list[str]:
    """The states a follower sees, from the present one to the withdrawal."""
    body = {"query": _operation("follow-a-message"), "variables": {"reference": reference}}
    states: list[str] = []
    stream = headers | {"Accept": "text/event-stream"}
    async with asyncio.timeout(10), client.post("/graphql", json=body, headers=stream) as response:
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            states.append(json.loads(line[6:])["data"]["messageChanged"]["status"])
            if len(states) == 1:
                await _ask(client, _operation("withdraw-a-message"), {"reference": reference}, headers)
            if states[-1] == "WITHDRAWN":
                break
    return states


async def test_production_shows_no_graphiql_and_trusts_no_development_key(whole: Running) -> None:
    async with aiohttp.ClientSession(whole.address) as client:
        async with client.get("/graphql", headers={"Accept": "text/html,*/*"}) as response:
            assert response.status == 400
        async with client.get("/graphiql/graphiql.js") as response:
            assert response.status == 404
    assert set(whole.app.state.services.sign_in._issuers) == {ISSUER}


async def test_a_browser_gets_graphiql_in_development(client: aiohttp.ClientSession) -> None:
    async with client.get("/graphql", headers={"Accept": "text/html"}) as response:
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "https:" not in policy


def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    page = GraphiQL(tmp_path).page()
    assert page.status_code == 503
    assert b"make graphiql" in page.body


async def test_without_the_database_the_answer_is_unavailable(whole: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, ConnectionError("слова гражданина"))

    monkeypatch.setattr(whole.app.state.door, "admit", away)
    async with aiohttp.ClientSession(whole.address) as client:
        async with client.post("/graphql", json={"query": "{__typename}"}) as response:
            assert response.status == 503
            assert (await response.json())["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        async with client.get("/health") as response:
            assert response.status == 200
