"""A citizen of a gateway under test: sends messages, follows them by event stream and by socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp

from store.home import PROJECT
from tests.cli.program import okno

EVENTS = {"Accept": "text/event-stream"}
FOLLOW = "subscription($reference: String!) { messageChanged(reference: $reference) { status } }"


def operation(name: str) -> str:
    """The text of one of the portal's operations."""
    return (PROJECT / "portal" / "operations" / f"{name}.graphql").read_text(encoding="utf-8")


def signed_in(subject: str) -> dict[str, str]:
    """Headers with a development token; OKNO_HOME is the gateway's."""
    return {"Authorization": f"Bearer {okno('token', '--subject', subject).stdout.strip()}"}


async def ask(client: aiohttp.ClientSession, url: str, query: str, variables: dict[str, Any] | None = None) -> Any:
    """The `data` of an answer without errors."""
    async with client.post(url, json={"query": query, "variables": variables or {}}) as response:
        answer = await response.json()
    assert "errors" not in answer, answer
    return answer["data"]


async def submit(client: aiohttp.ClientSession, url: str, text: str = "Яма на проезжей части.") -> str:
    """The reference of a new message."""
    form = {
        "idempotencyKey": str(uuid4()),
        "text": text,
        "category": "roads/pothole",
        "place": {"point": {"latitude": 54.5138, "longitude": 36.2612}},
    }
    payload = (await ask(client, url, operation("submit-a-message"), {"input": form}))["submitMessage"]
    assert payload["errors"] == [], payload
    reference: str = payload["message"]["reference"]
    return reference


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream until it ends: their names and data."""
    name = ""
    async for line in response.content:
        words = line.decode().rstrip("\r\n")
        if words.startswith("event: "):
            name = words.removeprefix("event: ")
        elif words.startswith("data:"):
            data = words.removeprefix("data:").strip()
            yield name, json.loads(data) if data else None
