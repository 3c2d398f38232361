"""Search: words in any of their forms, addresses with mistakes, numbers as they are spoken, points in a circle."""

from __future__ import annotations

from typing import Any

import pytest

from domain.viewer import Viewer
from tests.api.hub import Hub, fault_of
from tests.api.sowing import LIST, listed, sow

POTHOLE = "На улице Лесной глубокая яма, на неё упала ёлка"
LIFT = "В подъезде не работает лифт"


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("яма", {POTHOLE}),
        ("ямы", {POTHOLE}),
        ("ЯМОЙ глубоких", {POTHOLE}),
        ("елка", {POTHOLE}),
        ("ёлки", {POTHOLE}),
        ('"глубокая яма"', {POTHOLE}),
        ('"яма глубокая"', set()),
        ("яма лифт", set()),
        ("яма or лифты", {POTHOLE, LIFT}),
        ("лифт -яма", {LIFT}),
        ("садовая", {POTHOLE}),
        ("' & | ! ( :* <->  яма", {POTHOLE}),
    ],
)
async def test_words_are_found_in_any_form(hub: Hub, anna: Viewer, text: str, finds: set[str]) -> None:
    numbers = {
        await sow(hub, anna, text=POTHOLE, address="Садовая улица, 3"): POTHOLE,
        await sow(hub, anna, text=LIFT): LIFT,
    }
    assert {numbers[one] for one in await listed(hub, anna, filter={"text": text})} == finds


@pytest.mark.parametrize("text", ["", "  ", "-яма", "& | !", "or", "ы" * 201, "яма\x00"])
async def test_what_has_no_words_or_too_many_is_a_clear_fault(hub: Hub, anna: Viewer, text: str) -> None:
    for field in ("text", "place"):
        result = await hub.run(LIST, {"filter": {field: text}}, viewer=anna)
        assert fault_of(result)["code"] == "BAD_REQUEST"
        assert f"filter.{field}" in str(result.errors)


@pytest.mark.parametrize(
    ("place", "is_found"),
    [("Берёзовая 12", True), ("березовая", True), ("Бирезовая", True), ("БЕРЁЗОВАЯ УЛИЦА", True), ("Ленина", False)],
)
async def test_an_address_is_found_with_small_mistakes(hub: Hub, anna: Viewer, place: str, is_found: bool) -> None:
    reference = await sow(hub, anna, address="Калуга, Берёзовая улица, 12")
    await sow(hub, anna)
    assert await listed(hub, anna, filter={"place": place}) == ([reference] if is_found else [])


async def test_a_number_is_found_whole_or_by_its_beginning(hub: Hub, anna: Viewer) -> None:
    one, other = await sow(hub, anna, reference="26-4711-0815-8"), await sow(hub, anna, reference="26-4712-0815-1")
    assert await listed(hub, anna, filter={"reference": "26 4711"}) == [one]
    assert set(await listed(hub, anna, filter={"reference": "2647"})) == {one, other}
    own = await sow(hub, anna)
    assert await listed(hub, anna, filter={"reference": own.replace("-", " ")}) == [own]


@pytest.mark.parametrize("spoken", ["26", "26-%", "", "26-0001-2345-1", "яма", "2" * 12])
async def test_what_is_no_number_is_a_clear_fault(hub: Hub, anna: Viewer, spoken: str) -> None:
    result = await hub.run(LIST, {"filter": {"reference": spoken}}, viewer=anna)
    assert "filter.reference" in str(result.errors)


@pytest.mark.parametrize(
    ("centre", "metres", "is_found"),
    [
        ((54.5293, 36.2754), 10, True),
        ((54.5293 + 0.0045, 36.2754), 510, True),  # 500 m to the north
        ((54.5293 + 0.0045, 36.2754), 490, False),
        ((54.5293, 36.2754 + 0.00775), 510, True),  # 500 m to the east
        ((54.5293, 36.2754 + 0.00775), 490, False),
        ((54.5293 + 0.004, 36.2754 + 0.007), 500, False),  # in the box, not in the circle
    ],
)
async def test_a_point_is_found_inside_the_circle_only(
    hub: Hub, anna: Viewer, centre: tuple[float, float], metres: int, is_found: bool
) -> None:
    reference = await sow(hub, anna, latitude=54.5293, longitude=36.2754)
    await sow(hub, anna)
    near = {"latitude": centre[0], "longitude": centre[1], "withinMeters": metres}
    assert await listed(hub, anna, filter={"near": near}) == ([reference] if is_found else [])


@pytest.mark.parametrize(("longitude", "latitude"), [(179.999, 66.0), (-179.999, 66.0), (10.0, 90.0)])
async def test_circles_reach_over_the_meridian_and_the_pole(
    hub: Hub, anna: Viewer, longitude: float, latitude: float
) -> None:
    points: list[dict[str, Any]] = [
        {"latitude": 66.0, "longitude": 179.995},
        {"latitude": 66.0, "longitude": -179.995},
        {"latitude": 89.99, "longitude": -120.0},
    ]
    numbers = [await sow(hub, anna, **point) for point in points]
    near = {"latitude": latitude, "longitude": longitude, "withinMeters": 5000}
    expected = numbers[2:] if latitude == 90 else numbers[:2]
    assert sorted(await listed(hub, anna, filter={"near": near})) == sorted(expected)
