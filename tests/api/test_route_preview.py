"""routePreview: who would get it, why and by when, without a trace."""

from __future__ import annotations

from typing import Any

import pytest

from domain.viewer import Viewer
from tests.api.hub import Hub


async def _preview(hub: Hub, **given: Any) -> dict[str, Any]:
    preview: dict[str, Any] = (await hub.ask("route_preview", given))["routePreview"]
    return preview


async def test_it_says_who_why_and_by_when_without_sign_in(hub: Hub) -> None:
    preview = await _preview(hub, category="roads/pothole")
    assert preview["organisation"]["code"] == "city-roads"
    assert preview["rule"] == "roads-to-the-road-service"
    assert preview["english"].startswith("The city road service")
    assert preview["reason"].startswith("Дороги содержит")
    assert preview["deadlineOn"] > hub.now.date().isoformat()
    assert preview["regime"] == "MESSAGE"
    assert preview["warning"] is None
    assert preview["errors"] == []


async def test_what_is_previewed_is_what_happens(hub: Hub, anna: Viewer) -> None:
    place = {"point": {"latitude": 54.51, "longitude": 36.26}}
    for category in ("roads/sign", "housing/roof", "ecology/land"):
        preview = await _preview(hub, category=category, place=place)
        sent = await hub.submit(anna, category=category, place=place)
        assert preview["organisation"]["code"] == sent["organisation"]["code"]
        assert preview["deadlineOn"] == sent["deadlineOn"]


async def test_a_choice_against_the_rules_is_warned_about(hub: Hub) -> None:
    preview = await _preview(hub, category="roads/pothole", organisation="housing-inspection")
    assert preview["organisation"]["code"] == "housing-inspection"
    assert preview["rule"] == "chosen-by-citizen"
    assert "another organisation" in preview["warning"]


async def test_without_a_route_a_person_decides_and_it_says_so(hub: Hub) -> None:
    preview = await _preview(hub)
    assert preview["organisation"] is None
    assert "member of staff" in preview["english"]
    assert preview["deadlineOn"] is not None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"category": "\ud800"}, "CATEGORY_UNKNOWN"),
        ({"category": "roads"}, "CATEGORY_TOO_BROAD"),
        ({"organisation": "no-such"}, "ORGANISATION_UNKNOWN"),
        ({"place": {"point": {"latitude": 0.0, "longitude": 0.0}}}, "POINT_OUTSIDE"),
    ],
)
async def test_a_bad_argument_is_named(hub: Hub, given: dict[str, Any], code: str) -> None:
    preview = await _preview(hub, **given)
    assert preview["organisation"] is None
    assert [one["code"] for one in preview["errors"]] == [code]
