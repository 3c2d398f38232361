"""Webhooks of agencies: proved, stored raw, acknowledged; everything else is refused and leaves nothing."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from sqlalchemy import create_engine, select

from store.tables import InboxRow
from tests.gateway.conftest import Running

SECRET = "webhook-secret-for-tests"
PATH = "/agencies/housing-inspection/events"
BODY = b'{"event_id": "e-1", "request_id": "r-1", "state": "accepted", "changed_at": "2026-06-01T09:30:00.000Z"}'


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_WEBHOOK_SECRET", SECRET)


def _signed(body: bytes, *, at: float | None = None, key: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Okno-Timestamp": stamp, "X-Okno-Signature": f"sha256={mac}", "Accept-Language": "en"}


def _inbox(running: Running) -> list[tuple[Any, ...]]:
    engine = create_engine(running.home.external_database_url or "")
    with engine.connect() as connection:
        columns = (InboxRow.organisation_code, InboxRow.source, InboxRow.raw, InboxRow.state)
        rows = [tuple(row) for row in connection.execute(select(*columns).order_by(InboxRow.id))]
    engine.dispose()
    return rows


async def test_a_proved_body_is_stored_as_it_came(client: aiohttp.ClientSession, running: Running) -> None:
    before = len(_inbox(running))
    for _ in range(2):  # the same bytes twice are two rows; that they are one event is found when they are read
        async with client.post(PATH, data=BODY, headers=_signed(BODY)) as response:
            assert response.status == 202
    assert _inbox(running)[before:] == [("housing-inspection", "webhook", BODY, "new")] * 2


async def test_a_body_that_is_no_json_is_stored_too(client: aiohttp.ClientSession, running: Running) -> None:
    body = b"\xff\x00 not json"
    async with client.post(PATH, data=body, headers=_signed(body)) as response:
        assert response.status == 202
    assert _inbox(running)[-1][2] == body


async def test_what_is_not_proved_is_refused_and_leaves_nothing(
    client: aiohttp.ClientSession, running: Running
) -> None:
    before = _inbox(running)
    for headers in (
        {},
        _signed(BODY + b" "),
        _signed(BODY, key="another"),
        _signed(BODY, at=time.time() - 3600),
        _signed(BODY) | {"X-Okno-Signature": "sha256=é"},
        _signed(BODY) | {"X-Okno-Timestamp": "yesterday"},
    ):
        async with client.post(PATH, data=BODY, headers=headers) as response:
            assert response.status == 401
            answer = await response.json()
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert SECRET not in str(answer)
    assert _inbox(running) == before


@pytest.mark.parametrize("code", ["nobody", "city-roads", "Housing-Inspection", "%00", "..%2f..", "a" * 5000])
async def test_an_agency_without_a_webhook_is_not_found(client: aiohttp.ClientSession, code: str) -> None:
    async with client.post(f"/agencies/{code}/events", data=BODY, headers=_signed(BODY)) as response:
        assert response.status == 404
        assert (await response.json())["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_body_that_is_too_large_is_refused(client: aiohttp.ClientSession) -> None:
    body = b"x" * (1024 * 1024 + 1)
    async with client.post(PATH, data=iter_pieces(body), headers=_signed(body)) as response:
        assert response.status == 413


async def test_a_secret_that_is_not_set_is_our_fault_and_not_theirs(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOUSING_WEBHOOK_SECRET")
    async with client.post(PATH, data=BODY, headers=_signed(BODY)) as response:
        assert response.status == 503


async def iter_pieces(body: bytes) -> AsyncIterator[bytes]:
    for place in range(0, len(body), 65536):
        yield body[place : place + 65536]
