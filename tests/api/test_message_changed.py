"""messageChanged: the present state first, then every change, and nothing for anybody else."""

from __future__ import annotations

import asyncio
from typing import Any

from domain.viewer import Viewer
from tests.api.hub import Hub, fault_of


async def test_the_present_comes_first_and_then_each_change(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    stream = await hub.follow(sent["reference"], anna)
    first = await asyncio.wait_for(anext(stream), 10)
    assert first.errors is None
    assert first.data is not None
    assert first.data["messageChanged"]["status"] == "ROUTED"
    await hub.ask("withdraw_message", {"reference": sent["reference"]}, viewer=anna)
    status = "ROUTED"
    while status == "ROUTED":  # a needless wake-up of the feed may repeat the present state
        change: Any = await asyncio.wait_for(anext(stream), 10)
        assert change.errors is None
        status = change.data["messageChanged"]["status"]
    assert status == "WITHDRAWN"
    await stream.aclose()


async def test_a_message_of_somebody_else_ends_like_none(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    sent = await hub.submit(anna)
    endings = []
    for reference in (sent["reference"], "26-0001-2345-8", "nonsense", "\ud800"):
        results = [result async for result in await hub.follow(reference, boris)]
        assert len(results) == 1
        assert fault_of(results[0]) == {"code": "BAD_REQUEST", "problem": "NOT_FOUND"}
        assert results[0].errors is not None
        endings.append(results[0].errors[0].formatted)
    assert all(one == endings[0] for one in endings)


async def test_nobody_follows_without_sign_in(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    results = [result async for result in await hub.follow(sent["reference"], None)]
    assert [fault_of(result)["code"] for result in results] == ["UNAUTHENTICATED"]
