"""Filters: each condition finds what it says, all of them hold together, and none of them shows what the viewer may not see."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.message import Channel, Regime
from domain.rights import Role
from domain.status import Status
from domain.viewer import Viewer
from schema.plan import rows_sql
from schema.plan.global_id import write_global_id
from tests.api.hub import Hub, fault_of
from tests.api.sowing import LIST, listed, sow

LONG_AGO, FAR_AHEAD = date(2020, 1, 1), date(2099, 1, 1)
EARLY, LATE = datetime(2026, 1, 5, 12, tzinfo=UTC), datetime(2026, 2, 5, 12, tzinfo=UTC)


async def _two(hub: Hub, author: Viewer, one: dict[str, Any], other: dict[str, Any]) -> tuple[str, str]:
    return await sow(hub, author, **one), await sow(hub, author, **other)


@pytest.mark.parametrize(
    ("wanted", "one", "other"),
    [
        ({"status": ["ANSWERED", "SOLVED"]}, {"status": Status.SOLVED}, {"status": Status.ROUTED}),
        ({"category": "roads/pothole"}, {"category_code": "roads/pothole"}, {"category_code": "roads/sign"}),
        ({"category": "roads"}, {"category_code": "roads/pothole"}, {"category_code": None}),
        ({"organisation": "city-roads"}, {}, {"organisation_code": "housing-inspection"}),
        ({"organisationOrBelow": "kaluga-government"}, {"organisation_code": "housing-inspection"}, {}),
        ({"receivedFrom": LATE.isoformat()}, {"received_at": LATE}, {"received_at": EARLY}),
        ({"receivedBefore": LATE.isoformat()}, {"received_at": EARLY}, {"received_at": LATE}),
        ({"deadlineFrom": "2099-01-01"}, {"deadline_on": FAR_AHEAD}, {"deadline_on": LONG_AGO}),
        ({"deadlineBefore": "2099-01-01"}, {"deadline_on": LONG_AGO}, {"deadline_on": FAR_AHEAD}),
        ({"overdue": True}, {"deadline_on": LONG_AGO}, {"deadline_on": LONG_AGO, "status": Status.ANSWERED}),
        ({"overdue": True}, {"deadline_on": LONG_AGO}, {"deadline_on": FAR_AHEAD}),
        ({"overdue": False}, {"deadline_on": FAR_AHEAD}, {"deadline_on": LONG_AGO}),
        ({"hasAnswer": True}, {"answers": ["Сделаем"]}, {}),
        ({"hasAnswer": False}, {}, {"answers": ["Сделаем"]}),
        ({"rated": True}, {"answers": ["Сделаем"], "rating": 5}, {"answers": ["Сделаем"]}),
        ({"rated": False}, {"answers": ["Сделаем"]}, {"answers": ["Сделаем"], "rating": 5}),
        ({"solutionRatingAtMost": 2}, {"answers": ["а"], "rating": 2}, {"answers": ["а"], "rating": 3}),
        ({"channel": "MFC"}, {"channel": Channel.MFC}, {}),
        ({"regime": "APPEAL_59FZ"}, {"regime": Regime.APPEAL_59FZ}, {}),
        ({"any": [{"channel": "MFC"}, {"channel": "POST"}]}, {"channel": Channel.POST}, {}),
        ({"none": [{"channel": "PORTAL"}, {"channel": "POST"}]}, {"channel": Channel.MFC}, {}),
        ({"channel": "PORTAL", "status": ["ROUTED"]}, {}, {"channel": Channel.MFC}),
        ({"none": [{"any": [{"status": ["SOLVED"]}]}]}, {}, {"status": Status.SOLVED}),
    ],
    ids=str,
)
async def test_a_condition_finds_what_meets_it_and_nothing_else(
    hub: Hub, anna: Viewer, wanted: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    fitting, _ = await _two(hub, anna, one, other)
    assert await listed(hub, anna, filter=wanted) == [fitting]


async def test_a_territory_includes_those_inside_it(hub: Hub, anna: Viewer) -> None:
    data = (await hub.run("{ territories(first: 100) { nodes { code parent { code } } } }")).data
    assert data is not None
    inside, around = next((one["code"], one["parent"]["code"]) for one in data["territories"]["nodes"] if one["parent"])
    fitting, _ = await _two(hub, anna, {"territory_code": inside}, {})
    assert await listed(hub, anna, filter={"territory": inside}) == [fitting]
    assert await listed(hub, anna, filter={"territory": around}) == [fitting]


async def test_null_is_no_condition(hub: Hub, anna: Viewer) -> None:
    both = await _two(hub, anna, {}, {"status": Status.SOLVED})
    for wanted in (None, {}, {"status": None}, {"any": None, "text": None}):
        assert sorted(await listed(hub, anna, filter=wanted)) == sorted(both)


async def test_variables_inside_a_filter_count_like_one_variable(hub: Hub, anna: Viewer) -> None:
    fitting, _ = await _two(hub, anna, {"status": Status.SOLVED}, {"channel": Channel.MFC})
    text = """query($s: [Status!], $c: Channel, $no: Channel) {
      viewer { messages(filter: {status: $s, any: [{channel: $c}], none: {channel: $no}}) { nodes { reference } } } }"""
    result = await hub.run(text, {"s": ["SOLVED"], "c": "PORTAL", "no": "MFC"}, viewer=anna)
    assert result.data == {"viewer": {"messages": {"nodes": [{"reference": fitting}]}}}, result.errors
    assert (await hub.run(text, {"no": "PORTAL"}, viewer=anna)).data != result.data


@pytest.mark.parametrize(
    "wanted",
    [
        {"status": []},
        {"any": []},
        {"none": [{"status": []}]},
        {"any": [{"any": [{"any": [{"channel": "MFC"}]}]}]},
        {"any": [{"channel": "MFC"}] * 21},
        {"status": ["ROUTED"] * 21},
        {"solutionRatingAtMost": 0},
        {"category": "\x00"},
        {"near": {"latitude": 91, "longitude": 0, "withinMeters": 5}},
        {"near": {"latitude": 0, "longitude": 0, "withinMeters": 5001}},
    ],
    ids=str,
)
async def test_a_filter_that_cannot_be_meant_is_a_fault_that_names_its_field(
    hub: Hub, anna: Viewer, wanted: dict[str, Any]
) -> None:
    result = await hub.run(LIST, {"filter": wanted}, viewer=anna)
    assert fault_of(result)["code"] == "BAD_REQUEST"
    assert "ilter" in str(result.errors)


async def test_a_filter_shows_nobody_elses_messages(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    theirs = await sow(hub, boris, status=Status.SOLVED)
    for wanted in ({"status": ["SOLVED"]}, {"reference": theirs}, {"any": [{"text": "яма"}, {"hasAnswer": False}]}):
        assert await listed(hub, anna, filter=wanted) == []
        assert await listed(hub, None, filter=wanted) == []


async def test_an_official_lists_the_messages_of_their_subtree_and_their_own(hub: Hub, anna: Viewer) -> None:
    here, elsewhere = await _two(hub, anna, {"organisation_code": "housing-inspection"}, {"organisation_code": None})
    head = await hub.official("head", Role.HEAD, "housing-inspection")
    own = await sow(hub, head, organisation_code="city-roads")
    assert await listed(hub, head) == [own, here]
    assert elsewhere not in await listed(hub, head, filter={"none": [{"organisation": "city-roads"}]})


@pytest.mark.parametrize("looked_into", [0, 64])
async def test_both_ways_to_an_officials_messages_lead_to_the_same(
    hub: Hub, anna: Viewer, monkeypatch: pytest.MonkeyPatch, looked_into: int
) -> None:
    monkeypatch.setattr(rows_sql, "MOST_LOOKED_INTO", looked_into)
    head = await hub.official("head", Role.HEAD, "kaluga-government")
    here = [await sow(hub, anna, organisation_code=code) for code in ("kaluga-government", "housing-inspection") * 3]
    own = await sow(hub, head, organisation_code=None)
    both = await sow(hub, head, organisation_code="housing-inspection")
    await sow(hub, anna, organisation_code=None)
    text = f"""query Ways{looked_into}($after: String) {{
      messages(first: 3, after: $after) {{ nodes {{ reference }} totalCount pageInfo {{ endCursor }} groups(by: STATUS) {{ count }} }} }}"""
    found: list[str] = []
    after = None
    for _ in range(3):
        data = (await hub.run(text, {"after": after}, viewer=head)).data
        assert data is not None
        found += [one["reference"] for one in data["messages"]["nodes"]]
        assert (data["messages"]["totalCount"], data["messages"]["groups"]) == (8, [{"count": 8}])
        after = data["messages"]["pageInfo"]["endCursor"]
    assert found == [both, own, *here[::-1]]


async def test_an_organisation_lists_only_what_the_viewer_may_see_of_it(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    own, other = await sow(hub, anna), await sow(hub, boris)
    head = await hub.official("head-of-roads", Role.HEAD, "city-roads")
    stranger = await hub.official("head-of-housing", Role.HEAD, "housing-inspection")
    text = '{ organisation(code: "city-roads") { messages { nodes { reference } totalCount } } }'
    for viewer, seen in ((anna, {own}), (boris, {other}), (head, {own, other}), (stranger, set()), (None, set())):
        result = await hub.run(text, viewer=viewer)
        assert result.data is not None, result.errors
        page = result.data["organisation"]["messages"]
        assert {node["reference"] for node in page["nodes"]} == seen
        assert page["totalCount"] == len(seen)


async def test_messages_under_each_organisation_are_its_own_and_come_in_one_statement(hub: Hub, anna: Viewer) -> None:
    roads = [await sow(hub, anna) for _ in range(3)]
    housing = await sow(hub, anna, organisation_code="housing-inspection")
    text = "{ organisations(first: 100) { nodes { code messages(first: 2) { nodes { reference } totalCount } } } }"
    result = await hub.run(text, viewer=anna)
    assert result.data is not None, result.errors
    found = {one["code"]: one["messages"] for one in result.data["organisations"]["nodes"]}
    assert found.pop("city-roads") == {"nodes": [{"reference": one} for one in roads[:0:-1]], "totalCount": 3}
    assert found.pop("housing-inspection") == {"nodes": [{"reference": housing}], "totalCount": 1}
    assert all(one == {"nodes": [], "totalCount": 0} for one in found.values())


async def test_the_author_is_for_those_who_may_know(hub: Hub, anna: Viewer) -> None:
    reference = await sow(hub, anna)
    mine = write_global_id("Person", anna.person_id)
    head = await hub.official("head", Role.HEAD, "city-roads")
    controller = await hub.official("controller", Role.CONTROLLER, "city-roads")
    text = "query($r: String!) { message(reference: $r) { author { id issuer } } }"
    for viewer, author in ((anna, mine), (controller, mine), (head, None)):
        data = (await hub.run(text, {"r": reference}, viewer=viewer)).data
        assert data is not None
        assert (data["message"]["author"] or {"id": None})["id"] == author
    assert await listed(hub, controller, filter={"author": mine}) == [reference]
    assert await listed(hub, controller, filter={"author": "nonsense"}) == []
    for viewer in (head, anna):
        for value in (mine, "nonsense"):
            assert fault_of(await hub.run(LIST, {"filter": {"author": value}}, viewer=viewer))["code"] == "FORBIDDEN"


async def test_the_author_cannot_be_guessed_where_the_role_does_not_reach(hub: Hub, anna: Viewer) -> None:
    await sow(hub, anna, organisation_code="housing-inspection")
    both = await hub.official("both", Role.CONTROLLER, "city-roads")
    head = await hub.official("both", Role.HEAD, "housing-inspection")
    both = Viewer(both.person_id, both.issuer, both.subject, (*both.grants, *head.grants))
    assert len(await listed(hub, both)) == 1
    assert await listed(hub, both, filter={"author": write_global_id("Person", anna.person_id)}) == []


async def test_organisations_and_territories_are_found_by_name_kind_and_place_in_the_tree(hub: Hub) -> None:
    text = "query($f: OrganisationFilter) { organisations(filter: $f, first: 100) { nodes { code kind parent { code } } } }"
    found: dict[str, set[str]] = {}
    for name, wanted in {
        "name": {"name": "дорожн"},
        "english": {"name": "Housing inspection"},
        "kind": {"kind": "INSPECTION"},
        "below": {"below": "kaluga-government"},
        "both": {"below": "kaluga-government", "kind": "INSPECTION"},
    }.items():
        data = (await hub.run(text, {"f": wanted})).data
        assert data is not None
        found[name] = {one["code"] for one in data["organisations"]["nodes"]}
    assert "housing-inspection" in found["english"]
    assert found["kind"] >= {"housing-inspection"}
    assert "housing-inspection" in found["below"]
    assert "kaluga-government" not in found["below"]
    assert found["both"] == found["below"] & found["kind"]
    territories = (await hub.run("{ territories(filter: {kind: REGION}) { nodes { kind } } }")).data
    assert territories is not None
    assert {one["kind"] for one in territories["territories"]["nodes"]} == {"REGION"}


async def test_categories_are_found_by_name_in_both_languages(hub: Hub) -> None:
    for text in ("ямы и выбоины", "pothole"):
        data = (await hub.run("query($t: String) { categories(text: $t) { code } }", {"t": text})).data
        assert data is not None
        assert "roads/pothole" in {one["code"] for one in data["categories"]}
    assert fault_of(await hub.run('{ categories(text: "--") { code } }'))["code"] == "BAD_REQUEST"
