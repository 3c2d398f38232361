"""gql for Python: reads checked against the schema, a file, live updates over WebSocket, and codes of errors."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gql import Client, FileVar, GraphQLRequest, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

from store.home import PROJECT
from tests.clients.serving import OPERATIONS, Served
from tests.gateway import pictures

SCHEMA = (PROJECT / "schema.graphql").read_text(encoding="utf-8")


def operation(name: str, **variables: Any) -> GraphQLRequest:
    return GraphQLRequest((OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8"), variable_values=variables)


def transport(gateway: Served, subject: str | None) -> AIOHTTPTransport:
    headers = {"Apollo-Require-Preflight": "true", "Accept-Language": "en"}
    if subject is not None:
        headers["Authorization"] = f"Bearer {gateway.token(subject)}"
    return AIOHTTPTransport(gateway.url, headers=headers)


@pytest.fixture
async def session(gateway: Served, citizen: tuple[str, list[str]]) -> AsyncIterator[Any]:
    async with Client(transport=transport(gateway, citizen[0]), schema=SCHEMA) as connected:
        yield connected


async def test_a_query_of_the_portal_is_answered(session: Any, citizen: tuple[str, list[str]]) -> None:
    found = await session.execute(operation("my-messages", first=2))
    assert [node["reference"] for node in found["viewer"]["messages"]["nodes"]] == citizen[1][:2]


async def test_a_misspelt_field_is_found_before_anything_is_sent(session: Any) -> None:
    with pytest.raises(GraphQLError, match="Cannot query field 'refrence'"):
        await session.execute(gql('{ message(reference: "1") { refrence } }'))


async def test_a_file_is_uploaded(session: Any, tmp_path: Path) -> None:
    photo = tmp_path / "яма.jpg"
    photo.write_bytes(pictures.photo())
    request = operation("upload-a-file", file=FileVar(str(photo), content_type="image/jpeg"))
    payload = (await session.execute(request, upload_files=True))["uploadAttachment"]
    assert payload["errors"] == []
    assert payload["attachment"]["fileName"] == "яма.jpg"
    assert payload["attachment"]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()


async def test_a_message_is_followed_while_it_is_withdrawn(
    gateway: Served, session: Any, citizen: tuple[str, list[str]]
) -> None:
    reference = citizen[1][0]
    live = WebsocketsTransport(
        gateway.url.replace("http", "ws", 1), init_payload={"authorization": f"Bearer {gateway.token(citizen[0])}"}
    )
    seen = []
    async with Client(transport=live) as following:
        async for found in following.subscribe(operation("follow-a-message", reference=reference)):
            seen.append(found["messageChanged"]["status"])
            if len(seen) == 1:
                await session.execute(operation("withdraw-a-message", reference=reference))
            if seen[-1] == "WITHDRAWN":
                break
    assert seen[0] == "ROUTED"


async def test_an_error_says_its_code(gateway: Served, citizen: tuple[str, list[str]]) -> None:
    async with Client(transport=transport(gateway, None)) as anonymous:
        with pytest.raises(TransportQueryError) as told:
            await anonymous.execute(operation("withdraw-a-message", reference=citizen[1][0]))
    assert told.value.errors is not None
    assert told.value.errors[0]["extensions"]["code"] == "UNAUTHENTICATED"
