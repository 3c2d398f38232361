"""Connections: every item on exactly one page, in both directions, with cursors that are ours."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from domain.viewer import Viewer
from tests.api.hub import Hub, document, fault_of


async def _send(hub: Hub, viewer: Viewer, count: int) -> list[str]:
    """References, newest first; the last two were received in the same instant."""
    sent = []
    for number in range(count):
        sent.append((await hub.submit(viewer, f"Яма номер {number}"))["reference"])
        if number < count - 2:
            hub.now += timedelta(seconds=1)
    return sent[::-1]


async def _page(hub: Hub, viewer: Viewer, **variables: Any) -> dict[str, Any]:
    page: dict[str, Any] = (await hub.ask("my_messages", variables, viewer=viewer))["viewer"]["messages"]
    assert [edge["node"]["reference"] for edge in page["edges"]] == [node["reference"] for node in page["nodes"]]
    if page["edges"]:
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
    return page


def _references(page: dict[str, Any]) -> list[str]:
    return [node["reference"] for node in page["nodes"]]


async def test_my_messages_are_mine_and_newest_first_in_one_statement(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    mine = await _send(hub, anna, 3)
    await _send(hub, boris, 2)
    with hub.statements() as statements:
        page = await _page(hub, anna)
    assert len(statements) == 1
    assert _references(page)[2] == mine[2]
    assert sorted(_references(page)) == sorted(mine)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_walking_forwards_meets_each_message_once(hub: Hub, anna: Viewer, size: int) -> None:
    await _send(hub, anna, 5)
    everything = _references(await _page(hub, anna, first=100))
    seen: list[str] = []
    after = None
    for _ in range(5):
        page = await _page(hub, anna, first=size, after=after)
        seen += _references(page)
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["hasNextPage"] is (len(seen) < 5)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == everything


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_walking_backwards_meets_each_message_once_in_the_same_order(hub: Hub, anna: Viewer, size: int) -> None:
    await _send(hub, anna, 5)
    everything = _references(await _page(hub, anna, first=100))
    seen: list[str] = []
    before = None
    for _ in range(5):
        page = await _page(hub, anna, last=size, before=before)
        seen = _references(page) + seen
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        assert page["pageInfo"]["hasPreviousPage"] is (len(seen) < 5)
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert seen == everything


async def test_a_message_that_comes_meanwhile_moves_no_page(hub: Hub, anna: Viewer) -> None:
    await _send(hub, anna, 4)
    first = await _page(hub, anna, first=2)
    expected = _references(await _page(hub, anna, first=100))[2:]
    hub.now += timedelta(seconds=1)
    await hub.submit(anna, "Ещё одна яма")
    assert _references(await _page(hub, anna, first=2, after=first["pageInfo"]["endCursor"])) == expected


async def test_an_empty_list_is_an_empty_page(hub: Hub, anna: Viewer) -> None:
    page = await _page(hub, anna)
    assert page["edges"] == page["nodes"] == []
    assert page["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


async def test_organisations_are_paged_by_code(hub: Hub) -> None:
    everything = [one["code"] for one in (await _organisations(hub, first=100))["nodes"]]
    assert everything == sorted(everything)
    assert len(everything) >= 13
    first = await _organisations(hub, first=5)
    rest = await _organisations(hub, first=100, after=first["pageInfo"]["endCursor"])
    assert [one["code"] for one in first["nodes"] + rest["nodes"]] == everything
    last = await _organisations(hub, last=3, before=rest["pageInfo"]["endCursor"])
    assert [one["code"] for one in last["nodes"]] == everything[-4:-1]


async def _organisations(hub: Hub, **variables: Any) -> dict[str, Any]:
    page: dict[str, Any] = (await hub.ask("organisations", variables, operation="Organisations"))["organisations"]
    return page


async def test_a_cursor_of_organisations_is_none_of_territories(hub: Hub) -> None:
    cursor = (await _organisations(hub, first=5))["pageInfo"]["endCursor"]
    query = "query T($after: String) { territories(first: 1, after: $after) { nodes { code } } }"
    refused = await hub.run(query, {"after": cursor})
    assert fault_of(refused)["code"] == "BAD_REQUEST"
    assert "after" in refused.errors[0].message  # type: ignore[index]


def _cursor(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "\ud800", _cursor("[]"), _cursor("{}"), _cursor('["a", "b"]'), _cursor("[1, 2]"), _cursor("null"),
     _cursor('["2026-01-01T00:00:00", "01a20470-fda4-7faf-8a26-f1ae80059f8c"]'), _cursor("[" * 600), "A" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("argument", ["after", "before"])
async def test_a_cursor_that_is_not_ours_is_a_clear_error(hub: Hub, anna: Viewer, cursor: str, argument: str) -> None:
    result = await hub.run(document("my_messages"), {argument: cursor}, viewer=anna)
    assert fault_of(result) == {"code": "BAD_REQUEST"}
    assert argument in result.errors[0].message  # type: ignore[index]


@pytest.mark.parametrize(
    "variables",
    [{"first": 0}, {"first": -1}, {"first": 101}, {"last": 0}, {"last": 2**31 - 1}, {"first": 1, "last": 1}],
)
async def test_a_page_has_a_size_from_1_to_100(hub: Hub, anna: Viewer, variables: dict[str, int]) -> None:
    result = await hub.run(document("my_messages"), variables, viewer=anna)
    assert fault_of(result) == {"code": "BAD_REQUEST"}
    assert "1 to 100" in result.errors[0].message  # type: ignore[index]
