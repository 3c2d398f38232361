"""What dashboards show: counted from the day a message comes to the moment it is asked about, for every cut, and small cells for staff only."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.rights import Role
from domain.status import Status
from domain.viewer import Viewer
from store.statistics.folding import fold
from tests.api.hub import Hub, fault_of
from tests.store.messages_at_work import answer, bring_to, judge, send

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
LONG_OPEN, LONG_PAST = date(2099, 1, 1), date(2020, 1, 1)
KALUGA, DISTRICT = "29701000", "29602000"


async def fill(hub: Hub) -> None:
    """Six messages of one hot spot in a week, two of the week before, an answer each for some, and a few elsewhere."""
    database = hub.database
    for number in range(6):
        message = await send(
            database, territory=KALUGA, received_at=MONDAY + timedelta(days=number % 3), deadline_on=date(2026, 3, 12)
        )
        at = MONDAY + timedelta(days=5 if number < 3 else 20)
        if number < 5:
            await bring_to(database, message, Status.ANSWERED, at)
            given = await answer(database, message, "city-roads", at)
            await judge(database, given, 1 + number % 3, 5, at)
    for _ in range(2):
        await send(database, territory=KALUGA, received_at=MONDAY - WEEK, deadline_on=LONG_OPEN)
    await send(
        database,
        organisation="housing-inspection",
        category="housing/roof",
        territory=DISTRICT,
        received_at=MONDAY,
        deadline_on=LONG_PAST,
    )
    today = datetime.now(UTC).date()
    await send(database, organisation=None, category=None, received_at=MONDAY, deadline_on=today + timedelta(days=1))


async def ask(hub: Hub, viewer: Viewer | None = None, *, since: str | None = None, **condition: Any) -> dict[str, Any]:
    answered = await hub.ask(
        "statistics", {"filter": {"from": since, **condition}}, viewer=viewer, operation="Dashboard"
    )
    return dict(answered["statistics"])


async def ask_body(
    hub: Hub, code: str, viewer: Viewer | None = None, *, since: str | None = None, **condition: Any
) -> dict[str, Any]:
    answered = await hub.ask(
        "statistics", {"code": code, "filter": {"from": since, **condition}}, viewer=viewer, operation="Body"
    )
    return dict(answered["organisation"]["statistics"])


def by_status(found: dict[str, Any]) -> dict[str, int]:
    return {one["status"]: one["count"] for one in found["byStatus"] if one["count"]}


async def fold_all(hub: Hub) -> None:
    async with hub.database.unit() as unit:
        assert await fold(unit) > 0


@pytest.fixture(params=["before a fold", "after a fold", "half and half"])
async def full(hub: Hub, request: pytest.FixtureRequest) -> Hub:
    """The messages, with their deltas open, folded, or some of each."""
    if request.param == "half and half":
        await fill(hub)
        await fold_all(hub)
        await send(
            hub.database, organisation="housing-inspection", received_at=MONDAY - 60 * WEEK, deadline_on=LONG_OPEN
        )
        return hub
    await fill(hub)
    if request.param == "after a fold":
        await fold_all(hub)
    return hub


async def test_the_whole_is_counted_by_status_and_lateness(full: Hub) -> None:
    found = await ask(full, to="2026-03-31", since="2026-02-01")
    assert found["total"] == 10
    assert by_status(found) == {"ROUTED": 4, "ON_MODERATION": 1, "ANSWERED": 5}
    assert [one["status"] for one in found["byStatus"]] == [status.value for status in Status]
    assert found["lateness"] == {"answeredInTime": 3, "answeredLate": 2, "openInTime": 2, "openNear": 1, "openLate": 2}
    everything = await ask(full)
    assert everything["total"] in (10, 11)


async def test_ratings_are_averaged_where_enough_were_given(full: Hub) -> None:
    found = (await ask(full))["ratings"]
    assert found["answer"] == {
        "average": 1.8,
        "count": 5,
        "distribution": [
            {"rating": one, "count": count} for one, count in zip(range(1, 6), (2, 2, 1, 0, 0), strict=True)
        ],
    }
    assert found["solution"] == {"average": 5, "count": 5}
    assert found["ratedShare"] == 1
    some = (await ask(full, to="2026-03-02", since="2026-03-02"))["ratings"]
    assert some["answer"] == {"average": None, "count": 2, "distribution": None}
    assert some["solution"] == {"average": None, "count": 2}


async def test_hot_spots_are_a_week_with_its_trend(full: Hub) -> None:
    spot = {"category": {"code": "roads/pothole", "name": "Potholes and road surface"}, "territory": {"code": KALUGA}}
    [found] = (await ask(full, to="2026-03-08"))["hotSpots"]
    assert found["category"]["code"] == spot["category"]["code"]
    assert (found["territory"], found["week"], found["count"]) == (spot["territory"], "2026-03-02", 6)
    assert (found["previousCount"], found["trend"]) == (None, None)
    assert (await ask(full, to="2026-03-15"))["hotSpots"] == []
    assert (await ask(full, to="2026-03-08", category="roads"))["hotSpots"] == [found]
    assert (await ask(full, to="2026-03-08", category="housing"))["hotSpots"] == []


async def test_the_last_whole_week_is_shown_unless_this_one_is_wanted(full: Hub) -> None:
    text = "query ($to: Date, $this: Boolean!) { statistics(filter: {to: $to}) { hotSpots(thisWeek: $this) { week count } } }"
    for to, this, weeks in (
        ("2026-03-08", False, ["2026-03-02"]),
        ("2026-03-07", False, []),
        ("2026-03-07", True, ["2026-03-02"]),
        ("2026-03-14", False, ["2026-03-02"]),
    ):
        result = await full.run(text, {"to": to, "this": this})
        assert result.data is not None
        assert [one["week"] for one in result.data["statistics"]["hotSpots"]] == weeks


async def test_staff_see_small_cells_of_their_own_body_and_nobody_else_does(full: Hub) -> None:
    staff = await full.official("boris", Role.ANALYST, "city-roads")
    stranger = await full.official("vera", Role.ANALYST, "housing-inspection")
    period = {"since": "2026-03-02", "to": "2026-03-02"}
    for viewer, average in ((staff, 1), (stranger, None), (None, None)):
        found = await ask_body(full, "city-roads", viewer, **period)
        assert found["ratings"]["answer"]["average"] == average
        assert (found["ratings"]["answer"]["distribution"] is None) is (average is None)
        same = await ask(full, viewer, organisation="city-roads", **period)
        assert same["ratings"] == found["ratings"]
    assert (await ask(full, staff, **period))["ratings"]["answer"]["average"] is None
    [spot] = (await ask_body(full, "city-roads", staff, to="2026-03-08"))["hotSpots"]
    assert (spot["count"], spot["previousCount"], spot["trend"]) == (6, 2, 2)
    assert [one["count"] for one in (await ask_body(full, "city-roads", staff, to="2026-03-01"))["hotSpots"]] == [2]
    assert (await ask_body(full, "city-roads", stranger, to="2026-03-01"))["hotSpots"] == []


async def test_a_message_counts_for_its_body_and_for_those_above_it(full: Hub) -> None:
    text = "query ($code: String!) { organisation(code: $code) { parent { code } } }"
    result = await full.run(text, {"code": "road-ministry"})
    assert result.data is not None
    above = result.data["organisation"]["parent"]["code"]
    await send(full.database, organisation="road-ministry", deadline_on=LONG_OPEN)
    assert (await ask_body(full, "city-roads"))["total"] == 8
    assert (await ask_body(full, "road-ministry"))["total"] == 1
    beside = (await ask_body(full, "housing-inspection"))["total"]
    assert (await ask_body(full, above))["total"] == 1 + beside
    assert (await ask(full, organisation=above, category="roads/pothole", to="2099-01-01"))["total"] >= 1
    assert (await ask_body(full, above, below=False))["total"] == 0
    assert (await ask(full, organisation=above, below=False))["total"] == 0
    assert (await ask(full, organisation="city-roads"))["lateness"] == {
        "answeredInTime": 3,
        "answeredLate": 2,
        "openInTime": 2,
        "openNear": 0,
        "openLate": 1,
    }
    assert (await ask(full, organisation="no-such-body"))["total"] == 0


@pytest.mark.parametrize(
    ("condition", "total"),
    [
        ({"territory": "29000000"}, 9),
        ({"territory": KALUGA}, 8),
        ({"category": "roads/pothole", "to": "2026-03-31", "since": "2026-01-01"}, 8),
        ({"category": "housing"}, 1),
        ({"category": "housing", "territory": KALUGA}, 0),
        ({"organisation": "city-roads", "since": "2026-03-03"}, 4),
        ({"organisation": "city-roads", "territory": KALUGA, "category": "roads", "to": "2026-03-02"}, 4),
        ({"since": "2026-03-05", "to": "2026-03-01"}, 0),
    ],
)
async def test_every_cut_and_their_combinations(hub: Hub, condition: dict[str, Any], total: int) -> None:
    await fill(hub)
    assert (await ask(hub, **condition))["total"] == total
    await fold_all(hub)
    assert (await ask(hub, **condition))["total"] == total


async def test_every_day_of_the_period_is_there(full: Hub) -> None:
    found = (await ask(full, to="2026-03-07", since="2026-03-01"))["byDay"]
    days = {one["day"]: (one["received"], one["answered"]) for one in found}
    assert list(days) == [f"2026-03-0{day}" for day in range(1, 8)]
    assert days["2026-03-02"] == (4, 0)
    assert days["2026-03-03"] == (2, 0)
    assert days["2026-03-07"] == (0, 3)
    assert len((await ask(full))["byDay"]) == 30
    assert len((await ask(full, to="2026-03-07"))["byDay"]) == 30
    assert len((await ask(full, since="2016-01-01"))["byDay"]) == 366
    body = (await ask_body(full, "housing-inspection", to="2026-03-07"))["byDay"]
    assert sum(one["received"] for one in body) == 1


async def test_a_dashboard_is_one_statement(full: Hub) -> None:
    with full.statements() as seen:
        await ask(full)
        await ask_body(full, "city-roads")
    assert len([one for one in seen if "statistics" in one]) <= 2


async def test_parts_can_be_asked_for_alone_and_under_other_names(full: Hub) -> None:
    text = """
        { a: statistics { __typename total t: total } b: statistics(filter: {organisation: "city-roads"}) { lateness { openLate __typename } }
          organisations(first: 3) { nodes { code statistics { total byDay { received } hotSpots { count } } } } }
    """
    result = await full.run(text)
    assert result.errors is None
    assert result.data is not None
    assert result.data["a"]["__typename"] == "Statistics"
    assert result.data["a"]["total"] == result.data["a"]["t"] >= 10
    assert result.data["b"] == {"lateness": {"openLate": 1, "__typename": "Lateness"}}
    assert len(result.data["organisations"]["nodes"]) == 3


async def test_too_many_hot_spots_are_a_fault(hub: Hub) -> None:
    result = await hub.run("{ statistics { hotSpots(first: 51) { count } } }")
    assert fault_of(result)["code"] == "BAD_REQUEST"


async def test_an_empty_installation_counts_nothing(hub: Hub) -> None:
    found = await ask(hub)
    assert found["total"] == 0
    assert by_status(found) == {}
    assert found["hotSpots"] == []
    assert found["ratings"]["ratedShare"] is None
    assert found["ratings"]["answer"] == {
        "average": None,
        "count": 0,
        "distribution": None,
    }
