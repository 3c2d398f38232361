"""Totals and groups: of what the viewer may see and the filter leaves, and never of more than is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.status import Status
from domain.viewer import Viewer
from schema.plan import totals_sql
from tests.api.hub import Hub
from tests.api.sowing import sow

TEXT = """
query($filter: MessageFilter, $after: String) {
  viewer { messages(first: 1, after: $after, filter: $filter) {
    totalCount totalCountIsExact pageInfo { endCursor }
    status: groups(by: STATUS) { count status category { code } }
    category: groups(by: CATEGORY) { count category { code name(language: EN) } }
    organisation: groups(by: ORGANISATION) { count organisation { code } }
    territory: groups(by: TERRITORY) { count territory { code } }
    month: groups(by: MONTH) { month count }
  } }
}
"""


async def _ask(hub: Hub, viewer: Viewer, **variables: Any) -> dict[str, Any]:
    result = await hub.run(TEXT, variables, viewer=viewer)
    assert result.errors is None, result.errors
    assert result.data is not None
    page: dict[str, Any] = result.data["viewer"]["messages"]
    return page


async def test_a_total_is_of_the_whole_filtered_list_on_every_page(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    for status in (Status.SOLVED, Status.SOLVED, Status.ROUTED):
        await sow(hub, anna, status=status)
        await sow(hub, boris, status=status)
    page = await _ask(hub, anna)
    assert (page["totalCount"], page["totalCountIsExact"]) == (3, True)
    assert (await _ask(hub, anna, after=page["pageInfo"]["endCursor"]))["totalCount"] == 3
    assert (await _ask(hub, anna, filter={"status": ["SOLVED"]}))["totalCount"] == 2
    empty = await _ask(hub, anna, filter={"status": ["REFUSED"]})
    assert (empty["totalCount"], empty["totalCountIsExact"], empty["status"]) == (0, True, [])


async def test_a_total_beyond_the_limit_is_not_exact(hub: Hub, anna: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals_sql, "MOST_COUNTED", 2)
    for _ in range(3):
        await sow(hub, anna)
    result = await hub.run("{ limited: viewer { messages { totalCount totalCountIsExact } } }", viewer=anna)
    assert result.data == {"limited": {"messages": {"totalCount": 2, "totalCountIsExact": False}}}


async def test_groups_count_what_the_filter_leaves_largest_first(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    await sow(hub, boris)
    for status, category, month in (
        (Status.ROUTED, "roads/pothole", 1),
        (Status.SOLVED, "roads/pothole", 1),
        (Status.SOLVED, None, 2),
        (Status.REFUSED, None, 3),
    ):
        await sow(hub, anna, status=status, category_code=category, received_at=datetime(2026, month, 1, tzinfo=UTC))
    page = await _ask(hub, anna, filter={"none": [{"status": ["REFUSED"]}]})
    assert page["status"] == [
        {"count": 2, "status": "SOLVED", "category": None},
        {"count": 1, "status": "ROUTED", "category": None},
    ]
    assert [(one["count"], (one["category"] or {}).get("code")) for one in page["category"]] == [
        (2, "roads/pothole"),
        (1, None),
    ]
    assert page["organisation"] == [{"count": 3, "organisation": {"code": "city-roads"}}]
    assert page["territory"] == [{"count": 3, "territory": None}]
    assert page["month"] == [{"month": "2026-01-01", "count": 2}, {"month": "2026-02-01", "count": 1}]


async def test_nothing_is_counted_unless_asked(hub: Hub, anna: Viewer) -> None:
    await sow(hub, anna)
    with_total = len(await _sql(hub, anna, "{ viewer { messages { totalCount nodes { reference } } } }"))
    without = await _sql(hub, anna, "{ viewer { messages { nodes { reference } } } }")
    assert "10001" not in without
    assert len(without) < with_total


async def _sql(hub: Hub, viewer: Viewer, text: str) -> str:
    with hub.statements() as statements:
        result = await hub.run(text, viewer=viewer)
    assert result.errors is None
    return statements[-1]
