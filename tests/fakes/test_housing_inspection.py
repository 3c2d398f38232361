"""The housing inspection's machine side keeps its word: the real process over real HTTP."""

import asyncio
import hashlib
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from tests.fakes.housing_client import MODULE, Client, a_request
from tests.fakes.housing_inspection.case_rules import KINDS, MOVES
from tests.fakes.serving import AgencyProcess

DESCRIPTION = Path(__file__).resolve().parents[2] / "config/agencies/housing-inspection/openapi.yaml"


@pytest_asyncio.fixture(scope="module")
async def agency(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess(MODULE).start(tmp_path_factory.mktemp("housing"))
    yield process
    await process.stop()


@pytest_asyncio.fixture(scope="module")
async def client(agency: AgencyProcess) -> Client:
    return await Client(agency.origin).sign_in()


# --- signing in ------------------------------------------------------------------------------------------------------


async def test_a_token_is_given_for_basic_and_for_form_credentials(agency: AgencyProcess) -> None:
    asking = Client(agency.origin)
    basic = {"Authorization": aiohttp.encode_basic_auth("okno", "housing-secret")}
    form = {"grant_type": "client_credentials"}
    status, issued = await asking.call("POST", "/oauth/token", data=form, headers=basic)
    assert (status, issued["token_type"], issued["expires_in"]) == (200, "Bearer", 300)
    assert (await asking.sign_in()).token != issued["access_token"]


@pytest.mark.parametrize(
    "credentials", [{}, {"client_id": "okno"}, {"client_id": "okno", "client_secret": "wrong"}, {"client_id": "é"}]
)
async def test_wrong_credentials_get_invalid_client(agency: AgencyProcess, credentials: dict[str, str]) -> None:
    form = {"grant_type": "client_credentials", **credentials}
    assert await Client(agency.origin).call("POST", "/oauth/token", data=form) == (401, {"error": "invalid_client"})


async def test_another_grant_type_is_refused(agency: AgencyProcess) -> None:
    form = {"grant_type": "password", "client_id": "okno", "client_secret": "housing-secret"}
    answer = await Client(agency.origin).call("POST", "/oauth/token", data=form)
    assert answer == (400, {"error": "unsupported_grant_type"})


@pytest.mark.parametrize("authorization", ["", "Bearer made-up", "Basic b2tubzpob3VzaW5nLXNlY3JldA=="])
async def test_the_api_wants_a_token_of_its_own(agency: AgencyProcess, authorization: str) -> None:
    headers = {"Authorization": authorization}
    status, body = await Client(agency.origin).call("GET", "/api/v1/changes", headers=headers)
    assert (status, body["error"]["code"]) == (401, "token_expired")


async def test_a_token_stops_working_when_its_time_is_over(tmp_path: Path) -> None:
    process = await AgencyProcess(MODULE).start(tmp_path, arguments=["--token-lifetime-s", "1"])
    try:
        signed_in = await Client(process.origin).sign_in()
        assert (await signed_in.call("GET", "/api/v1/changes"))[0] == 200
        await asyncio.sleep(1.1)
        status, body = await signed_in.call("GET", "/api/v1/changes")
        assert (status, body["error"]["code"]) == (401, "token_expired")
    finally:
        await process.stop()


# --- requests --------------------------------------------------------------------------------------------------------


async def test_a_request_becomes_a_case_that_holds_every_word(agency: AgencyProcess, client: Client) -> None:
    request = a_request()
    status, case = await client.call("POST", "/api/v1/requests", json=request)
    assert status == 201
    assert re.fullmatch(r"HI-\d{4}-\d{6}", case["id"])
    assert (case["external_id"], case["state"]) == (request["external_id"], "new")
    (held,) = await agency.operator.cases(request["external_id"])
    assert {name: held[name] for name in ("id", "state", "kind", "title", "text", "received_at")} == {
        "id": case["id"],
        "state": "new",
        "kind": "heating",
        "title": request["title"],
        "text": request["description"],
        "received_at": request["received_at"],
    }
    assert held["place"] == {**request["location"], "address": request["address"], "territory": "29701000"}


async def test_what_is_optional_may_be_left_out(client: Client) -> None:
    assert (await client.create(location=..., address=..., territory_oktmo=...))[0] == 201


async def test_a_repeated_create_returns_the_first_case_and_makes_nothing(
    agency: AgencyProcess, client: Client
) -> None:
    first = await client.made(external_id="repeated")
    before = await agency.operator.counts()
    status, body = await client.create(external_id="repeated", title="Other words")
    assert (status, body["error"]["code"], body["error"]["id"]) == (409, "already_exists", first)
    assert await agency.operator.counts() == before


async def test_creates_that_race_make_one_case(agency: AgencyProcess, client: Client) -> None:
    answers = await asyncio.gather(*(client.create(external_id="race") for _ in range(8)))
    assert sorted(status for status, _ in answers) == [201] + [409] * 7
    assert len(await agency.operator.cases("race")) == 1


async def test_an_unknown_kind_is_named(client: Client) -> None:
    status, body = await client.create(kind="pothole")
    assert (status, body["error"]["code"], body["error"]["fields"][0]["field"]) == (422, "unknown_kind", "kind")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"external_id": ...}, "external_id"),
        ({"external_id": "x" * 41}, "external_id"),
        ({"external_id": 7}, "external_id"),
        ({"title": "x" * 201}, "title"),
        ({"title": ""}, "title"),
        ({"description": "x" * 10_001}, "description"),
        ({"location": {"lat": 91.0, "lon": 0.0}}, "location.lat"),
        ({"location": {"lat": "54.5", "lon": 0.0}}, "location.lat"),
        ({"location": None}, "location"),
        ({"address": None}, "address"),
        ({"territory_oktmo": "2970100"}, "territory_oktmo"),
        ({"received_at": ...}, "received_at"),
        ({"received_at": "2026-11-22T17:16:05Z"}, "received_at"),
        ({"received_at": "2026-11-22T17:16:05.120+03:00"}, "received_at"),
        ({"received_at": "2026-13-22T17:16:05.120Z"}, "received_at"),
        ({"citizen_phone": "+7"}, "citizen_phone"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(client: Client, changes: dict[str, Any], field: str) -> None:
    status, body = await client.create(**changes)
    assert (status, body["error"]["code"]) == (422, "validation_failed")
    assert [fault["field"] for fault in body["error"]["fields"]] == [field]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"{", "application/json", 400),
        (b'{"title": "\\ud800"}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b'"' + b"x" * 1_100_000 + b'"', "application/json", 413),
    ],
)
async def test_a_body_that_is_no_request_is_refused(
    client: Client, body: bytes, content_type: str, expected: int
) -> None:
    headers = {"Content-Type": content_type}
    status, reply = await client.call("POST", "/api/v1/requests", data=io.BytesIO(body), headers=headers)
    assert status == expected
    assert set(reply["error"]) == {"code", "message", "fields"}


async def test_a_case_is_found_by_the_senders_id(client: Client) -> None:
    case_id = await client.made(external_id="to find")
    status, found = await client.call("GET", "/api/v1/requests", params={"external_id": "to find"})
    assert (status, [item["id"] for item in found["items"]]) == (200, [case_id])
    assert set(found["items"][0]) == {"id", "external_id", "state", "changed_at"}
    assert await client.call("GET", "/api/v1/requests", params={"external_id": "nobody"}) == (200, {"items": []})
    assert (await client.call("GET", "/api/v1/requests"))[0] == 422
    assert (await client.call("GET", "/api/v1/requests", params={"external_id": "a", "filter": "b"}))[0] == 422


# --- files -----------------------------------------------------------------------------------------------------------


async def test_a_case_is_read_as_it_stands_now(agency: AgencyProcess, client: Client) -> None:
    case_id = await client.made(external_id="READ-1")
    status, case = await client.call("GET", f"/api/v1/requests/{case_id}")
    assert status == 200
    assert (case["id"], case["external_id"], case["state"], case["comment"]) == (case_id, "READ-1", "new", None)
    await agency.operator.move(case_id, "accepted", "взято")
    _, later = await client.call("GET", f"/api/v1/requests/{case_id}")
    assert (later["state"], later["comment"]) == ("accepted", "взято")
    assert later["changed_at"] > case["changed_at"]
    assert (await client.call("GET", "/api/v1/requests/HI-2026-999999"))[0] == 404


async def test_a_file_is_kept_once(agency: AgencyProcess, client: Client) -> None:
    case_id = await client.made(external_id="with a photo")
    status, kept = await client.attach(case_id, b"photo")
    assert status == 201
    status, body = await client.attach(case_id, b"photo")
    assert (status, body["error"]["code"], body["error"]["id"]) == (409, "already_exists", kept["file_id"])
    assert (await client.attach(case_id, b"another photo"))[0] == 201
    (held,) = await agency.operator.cases("with a photo")
    assert held["files"][0] == {
        "name": "подъезд.jpg",
        "sha256": hashlib.sha256(b"photo").hexdigest(),
        "size_bytes": 5,
    }
    assert len(held["files"]) == 2


async def test_a_wrong_file_is_refused(client: Client) -> None:
    case_id = await client.made()
    assert (await client.attach(case_id, b"photo", sha256="0" * 64))[0] == 422
    assert (await client.attach(case_id, b"photo", sha256="short"))[0] == 422
    assert (await client.attach(case_id, b""))[0] == 422
    assert (await client.attach(case_id, b"photo", comment="extra"))[0] in {400, 422}
    assert (await client.attach("HI-2026-999999", b"photo"))[0] == 404
    assert (await client.call("POST", f"/api/v1/requests/{case_id}/files", json={}))[0] == 415


async def test_eight_megabytes_are_kept_and_one_byte_more_is_not(client: Client) -> None:
    case_id = await client.made()
    assert (await client.attach(case_id, bytes(8 * 1024 * 1024)))[0] == 201
    assert (await client.attach(case_id, bytes(8 * 1024 * 1024 + 1)))[0] == 413
    assert (await client.attach(case_id, bytes(9 * 1024 * 1024)))[0] == 413


# --- withdrawal ------------------------------------------------------------------------------------------------------


async def test_an_open_case_is_withdrawn_once(client: Client) -> None:
    case_id = await client.made()
    path = f"/api/v1/requests/{case_id}/withdrawal"
    assert (await client.call("POST", path, json={}))[0] == 422
    assert await client.call("POST", path, json={"reason": "Исправили"}) == (200, {"state": "withdrawn"})
    status, body = await client.call("POST", path, json={"reason": "Исправили"})
    assert (status, body["error"]["code"]) == (409, "already_exists")
    assert (await client.changes_of(case_id))[-1]["comment"] == "Исправили"


async def test_an_answered_case_cannot_be_withdrawn(agency: AgencyProcess, client: Client) -> None:
    case_id = await client.made()
    await agency.operator.answer(case_id, "Сделано")
    status, body = await client.call("POST", f"/api/v1/requests/{case_id}/withdrawal", json={"reason": "x"})
    assert (status, body["error"]["code"]) == (409, "already_answered")


# --- the feed --------------------------------------------------------------------------------------------------------


async def test_the_feed_tells_the_whole_way_of_a_case(agency: AgencyProcess, client: Client) -> None:
    case_id = await client.made(external_id="whole way")
    await agency.operator.move(case_id, "accepted")
    await agency.operator.move(case_id, "need_info", "Какой этаж?")
    await agency.operator.move(case_id, "in_work")
    await agency.operator.answer(case_id, "Батареи горячие", decision="resolved", responsible="Иванова А. А.")
    items = await client.changes_of(case_id)
    assert [item["state"] for item in items] == ["new", "accepted", "need_info", "in_work", "done"]
    assert [item["comment"] for item in items] == [None, None, "Какой этаж?", None, None]
    assert [item["answer"] for item in items[:-1]] == [None] * 4
    assert items[-1]["answer"] == {
        "text": "Батареи горячие",
        "decision": "resolved",
        "responsible": "Иванова А. А.",
        "files": [],
    }
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["changed_at"]) for item in items)
    assert {item["external_id"] for item in items} == {"whole way"}
    assert len({item["event_id"] for item in items}) == 5


async def test_pages_of_the_feed_join_without_gap_or_repeat(agency: AgencyProcess, client: Client) -> None:
    for _ in range(5):
        await client.made()
    total = (await agency.operator.counts())["changes"]
    seen: list[str] = []
    wish = {"limit": "2"}
    more = True
    while more:
        _, page = await client.call("GET", "/api/v1/changes", params=wish)
        assert len(page["items"]) <= 2
        seen += [item["event_id"] for item in page["items"]]
        wish["cursor"], more = page["next_cursor"], page["has_more"]
    assert seen == sorted(set(seen))
    assert len(seen) == total
    assert (await client.call("GET", "/api/v1/changes", params=wish))[1]["items"] == []
    case_id = await client.made()
    _, page = await client.call("GET", "/api/v1/changes", params=wish)
    assert [(item["request_id"], item["state"]) for item in page["items"]] == [(case_id, "new")]


@pytest.mark.parametrize("cursor", ["", "1", "MTIzNA==", "не курсор", "MS4wMDAwMDAwMA=="])
async def test_a_cursor_that_was_never_given_is_refused(client: Client, cursor: str) -> None:
    status, body = await client.call("GET", "/api/v1/changes", params={"cursor": cursor})
    assert (status, body["error"]["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "201", "ten", "-1", "", "1.5"])
async def test_a_page_size_out_of_range_is_refused(client: Client, limit: str) -> None:
    assert (await client.call("GET", "/api/v1/changes", params={"limit": limit}))[0] == 422


# --- the description -------------------------------------------------------------------------------------------------


async def test_the_description_says_what_the_agency_does(agency: AgencyProcess, client: Client) -> None:
    description = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    schemas = description["components"]["schemas"]
    assert set(schemas["Kind"]["enum"]) == KINDS
    assert schemas["State"]["enum"] == list(MOVES)
    (change,) = await client.changes_of(await client.made())
    assert set(change) == set(schemas["Change"]["required"]) == set(schemas["Change"]["properties"])
    assert set(a_request()) == set(schemas["NewRequest"]["properties"])
    for path, item in description["paths"].items():
        for method in set(item) & {"get", "post"}:
            status, _ = await Client(agency.origin).call(method.upper(), path.replace("{id}", "x"))
            assert status == 401, f"{method} {path} is described but not guarded"
