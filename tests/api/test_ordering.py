"""Orders: every message once, whichever way one walks, and cursors that hold only where they were made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.viewer import Viewer
from tests.api.hub import Hub, fault_of
from tests.api.sowing import LIST, listed, page_of, sow


def _order(*steps: str) -> list[dict[str, str]]:
    """`-DEADLINE_ON` descends."""
    return [{"field": one.lstrip("-"), "direction": "DESC" if one.startswith("-") else "ASC"} for one in steps]


ORDERS = [
    ("RECEIVED_AT",),
    ("-RECEIVED_AT",),
    ("DEADLINE_ON",),
    ("-STATUS_SINCE",),
    ("DEADLINE_ON", "-RECEIVED_AT"),
    ("-DEADLINE_ON", "STATUS_SINCE", "-RECEIVED_AT"),
]


async def _sown(hub: Hub, viewer: Viewer) -> dict[str, dict[str, Any]]:
    """Seven messages, some alike in each of the values."""
    sown = {}
    for number in range(7):
        values = {
            "received_at": datetime(2026, 1, 1 + number // 2, 12, tzinfo=UTC),
            "status_since": datetime(2026, 2, 1, tzinfo=UTC) + timedelta(microseconds=number % 3),
            "deadline_on": date(2026, 3, 1 + number % 2),
        }
        sown[await sow(hub, viewer, **values)] = values
    return sown


def _is_ordered(references: list[str], sown: dict[str, dict[str, Any]], steps: tuple[str, ...]) -> bool:
    def place(reference: str) -> tuple[float, ...]:
        values = []
        for step in steps:
            value = sown[reference][step.lstrip("-").lower()]
            number = value.timestamp() if isinstance(value, datetime) else float(value.toordinal())
            values.append(-number if step.startswith("-") else number)
        return tuple(values)

    places = [place(one) for one in references]
    return places == sorted(places)


@pytest.mark.parametrize("steps", ORDERS, ids=",".join)
async def test_an_order_is_kept_over_pages_in_both_directions(hub: Hub, anna: Viewer, steps: tuple[str, ...]) -> None:
    sown = await _sown(hub, anna)
    order = _order(*steps)
    whole = await listed(hub, anna, orderBy=order)
    assert sorted(whole) == sorted(sown)
    assert _is_ordered(whole, sown, steps)
    forwards: list[str] = []
    page = await page_of(hub, anna, orderBy=order, first=2)
    forwards += [one["reference"] for one in page["nodes"]]
    while page["pageInfo"]["hasNextPage"]:
        page = await page_of(hub, anna, orderBy=order, first=2, after=page["pageInfo"]["endCursor"])
        forwards += [one["reference"] for one in page["nodes"]]
    assert forwards == whole
    page = await page_of(hub, anna, orderBy=order, last=3)
    backwards = [one["reference"] for one in page["nodes"]]
    while page["pageInfo"]["hasPreviousPage"]:
        page = await page_of(hub, anna, orderBy=order, last=3, before=page["pageInfo"]["startCursor"])
        backwards = [one["reference"] for one in page["nodes"]] + backwards
    assert backwards == whole


async def test_relevance_puts_the_best_first_and_pages(hub: Hub, anna: Viewer) -> None:
    weak = await sow(hub, anna, text="Во дворе нет освещения, а ещё там яма, и никто не приходит")
    strong = await sow(hub, anna, text="Яма, яма, кругом яма")
    none = await sow(hub, anna, text="Сломан лифт")
    wanted = {"filter": {"text": "яма"}, "orderBy": _order("-RELEVANCE")}
    assert await listed(hub, anna, **wanted) == [strong, weak]
    first = await page_of(hub, anna, first=1, **wanted)
    second = await page_of(hub, anna, first=1, after=first["pageInfo"]["endCursor"], **wanted)
    assert [one["reference"] for one in (*first["nodes"], *second["nodes"])] == [strong, weak]
    assert not second["pageInfo"]["hasNextPage"]
    assert none in await listed(hub, anna)


async def test_the_default_order_and_its_name_share_their_cursors(hub: Hub, anna: Viewer) -> None:
    await _sown(hub, anna)
    cursor = (await page_of(hub, anna, first=3))["pageInfo"]["endCursor"]
    rest = await listed(hub, anna, after=cursor)
    assert await listed(hub, anna, after=cursor, orderBy=_order("-RECEIVED_AT")) == rest
    assert len(rest) == 4


async def test_a_cursor_of_another_order_is_a_clear_fault(hub: Hub, anna: Viewer) -> None:
    await _sown(hub, anna)
    cursor = (await page_of(hub, anna, first=3))["pageInfo"]["endCursor"]
    for order in (_order("RECEIVED_AT"), _order("-STATUS_SINCE"), _order("-RECEIVED_AT", "DEADLINE_ON")):
        result = await hub.run(LIST, {"after": cursor, "orderBy": order}, viewer=anna)
        assert fault_of(result)["code"] == "BAD_REQUEST"
        assert "another order" in str(result.errors)


@pytest.mark.parametrize(
    "order",
    [[], _order("RECEIVED_AT", "-RECEIVED_AT"), _order("-RELEVANCE"), _order(*["RECEIVED_AT", "DEADLINE_ON"] * 2)],
    ids=str,
)
async def test_an_order_that_cannot_be_is_a_fault(hub: Hub, anna: Viewer, order: list[dict[str, str]]) -> None:
    result = await hub.run(LIST, {"orderBy": order}, viewer=anna)
    assert fault_of(result)["code"] == "BAD_REQUEST"
    assert "orderBy" in str(result.errors)


async def test_an_organisations_answers_come_newest_first_as_the_message_may_be_seen(
    hub: Hub, anna: Viewer, boris: Viewer
) -> None:
    await sow(hub, anna, answers=["первый", "второй"], rating=4)
    await sow(hub, boris, answers=["чужой"])
    text = '{ organisation(code: "city-roads") { answers(first: 10) { nodes { text verdict { solutionRating } } } } }'
    result = await hub.run(text, viewer=anna)
    assert result.data is not None, result.errors
    assert result.data["organisation"]["answers"]["nodes"] == [
        {"text": "второй", "verdict": {"solutionRating": 4}},
        {"text": "первый", "verdict": None},
    ]


async def test_only_the_newest_of_a_history_and_of_answers_in_their_order(hub: Hub, anna: Viewer) -> None:
    reference = await sow(hub, anna, answers=["1", "2", "3"])
    text = "query($r: String!, $n: Int) { message(reference: $r) { history(last: $n) { toStatus } answers(last: $n) { text } } }"
    data = (await hub.run(text, {"r": reference, "n": 2}, viewer=anna)).data
    assert data == {"message": {"history": [{"toStatus": "ROUTED"}] * 2, "answers": [{"text": "2"}, {"text": "3"}]}}
    data = (await hub.run(text, {"r": reference}, viewer=anna)).data
    assert data is not None
    assert [one["text"] for one in data["message"]["answers"]] == ["1", "2", "3"]
    for wrong in (0, 101, -1):
        result = await hub.run(
            "query($r: String!, $n: Int) { message(reference: $r) { answers(last: $n) { text } } }",
            {"r": reference, "n": wrong},
            viewer=anna,
        )
        assert fault_of(result)["code"] == "BAD_REQUEST"
