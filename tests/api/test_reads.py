"""Reads go through the plan: one statement, the answer GraphQL asks for, and nothing of anybody else's."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert
from uuid6 import uuid7

from domain.viewer import Viewer
from schema.plan.global_id import read_uuid_id, write_global_id
from store.tables import AnswerRow
from tests.api.hub import Hub, document, fault_of


async def test_a_whole_message_is_one_statement(hub: Hub, anna: Viewer) -> None:
    place = {"address": "Калуга, Ленина 1", "point": {"latitude": 54.51, "longitude": 36.26, "source": "GPS"}}
    sent = await hub.submit(anna, category="roads/pothole", place=place)
    with hub.statements() as statements:
        message = (await hub.ask("message", {"reference": sent["reference"]}, viewer=anna))["message"]
    assert len(statements) == 1
    assert message["text"] == "Яма на дороге"
    assert message["status"] == "ROUTED"
    assert datetime.fromisoformat(message["receivedAt"]) == hub.now
    assert message["category"]["english"] == "Potholes"
    assert message["category"]["name"] == "Ямы и выбоины на дороге"
    assert message["category"]["parent"] == {"code": "roads"}
    assert message["place"]["point"] == {"latitude": 54.51, "longitude": 36.26, "accuracy": None, "source": "GPS"}
    assert message["place"]["territory"]["kind"] in {"REGION", "MUNICIPAL_DISTRICT", "URBAN_OKRUG"}
    assert message["organisation"]["code"] == "city-roads"
    assert message["organisation"]["hasSystem"] is True
    assert message["route"]["rule"] == "roads-to-the-road-service"
    assert [(one["fromStatus"], one["toStatus"]) for one in message["history"]] == [
        (None, "RECEIVED"),
        ("RECEIVED", "ROUTED"),
    ]
    assert [(one["purpose"], one["state"]) for one in message["deliveries"]] == [("SUBMIT", "READY")]
    assert message["deliveries"][0]["english"] == "It will be sent shortly."
    assert message["answers"] == message["cases"] == message["attachments"] == []


async def test_a_message_without_a_place_has_none(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    message = (await hub.ask("message", {"reference": sent["reference"]}, viewer=anna))["message"]
    assert message["place"] is None


async def test_a_number_is_understood_as_people_say_it(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    spoken = sent["reference"].replace("-", " ")
    assert (await hub.ask("message", {"reference": spoken}, viewer=anna))["message"]["reference"] == sent["reference"]


@pytest.mark.parametrize(
    "reference", ["26-0001-2345-8", "", "nonsense", "26-0001-2345-9", "\ud800", "\x00", "9" * 5000]
)
async def test_an_unknown_number_is_null(hub: Hub, anna: Viewer, reference: str) -> None:
    assert (await hub.ask("message", {"reference": reference}, viewer=anna))["message"] is None


async def test_a_message_of_somebody_else_looks_like_none(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    sent = await hub.submit(anna)
    # First its owner, so that a plan that forgot its viewer would be found.
    assert (await hub.ask("message", {"reference": sent["reference"]}, viewer=anna))["message"] is not None
    for viewer in (boris, None):
        assert (await hub.ask("message", {"reference": sent["reference"]}, viewer=viewer))["message"] is None


async def test_nothing_of_a_message_is_reached_by_id_by_anybody_else(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    whole = f'{{ message(reference: "{sent["reference"]}") {{ id answers {{ id }} deliveries {{ id }} }} }}'
    async with hub.database.unit() as unit:
        message_id = await _message_id(hub, anna, sent["reference"])
        answer = {"message_id": message_id, "version": 1, "organisation_code": "city-roads", "text": "Сделано"}
        await unit.execute(insert(AnswerRow), {"id": uuid7(), **answer})
    message = (await hub.run(whole, viewer=anna)).data["message"]  # type: ignore[index]
    ids = [message["id"], message["answers"][0]["id"], message["deliveries"][0]["id"]]
    for one in ids:
        assert (await hub.ask("node", {"id": one}, viewer=anna))["node"]["id"] == one
        assert (await hub.ask("node", {"id": one}, viewer=boris))["node"] is None
        assert (await hub.ask("node", {"id": one}))["node"] is None


async def _message_id(hub: Hub, viewer: Viewer, reference: str) -> Any:
    result = await hub.run(f'{{ message(reference: "{reference}") {{ id }} }}', viewer=viewer)
    assert result.data is not None
    return read_uuid_id(result.data["message"]["id"], "Message")


@pytest.mark.parametrize(
    "given",
    ["", "x", "====", "\ud800", write_global_id("Message", UUID(int=7)), write_global_id("Message", "7"),
     write_global_id("Person", UUID(int=8)), write_global_id("Organisation", "no-such"), "A" * 100_000],
)  # fmt: skip
async def test_an_id_that_names_nothing_is_null(hub: Hub, anna: Viewer, given: str) -> None:
    assert (await hub.ask("node", {"id": given}, viewer=anna))["node"] is None


async def test_reference_data_is_for_everyone(hub: Hub) -> None:
    found = (await hub.ask("organisations", {"code": "city-roads"}, operation="Organisation"))["organisation"]
    assert found["timezone"] == "Europe/Moscow"
    node = (await hub.ask("node", {"id": found["id"]}))["node"]
    assert node == {"__typename": "Organisation", "id": found["id"], "code": "city-roads"}


@pytest.mark.parametrize("code", ["no-such", ""])
async def test_an_unknown_organisation_is_null(hub: Hub, code: str) -> None:
    assert (await hub.ask("organisations", {"code": code}, operation="Organisation"))["organisation"] is None


@pytest.mark.parametrize("code", ["\ud83d", "a\x00b"])
async def test_a_text_that_cannot_be_stored_is_a_bad_request(hub: Hub, code: str) -> None:
    result = await hub.run(document("organisations"), {"code": code}, operation="Organisation")
    assert fault_of(result) == {"code": "BAD_REQUEST"}
    assert "code" in result.errors[0].message  # type: ignore[index]


async def test_the_rubricator_comes_as_branches_with_their_topics(hub: Hub) -> None:
    with hub.statements() as statements:
        branches = (await hub.ask("categories", {"language": "EN"}))["categories"]
    assert len(statements) == 1
    assert branches[0]["code"] == "roads"
    assert branches[0]["name"] == "Roads"
    assert all(branch["parent"] is None for branch in branches)
    assert sum(len(branch["children"]) for branch in branches) >= 40
    assert (await hub.ask("categories"))["categories"][0]["name"] == "Дороги"


async def test_aliases_fragments_and_merged_fields_mean_what_graphql_says(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    text = """
        query ($reference: String!, $no: Boolean = false, $yes: Boolean = true) {
          one: message(reference: $reference) { ...A ... on Node { id } }
          two: message(reference: $reference) {
            kind: __typename
            reference @skip(if: $yes)
            left: text @include(if: $no)
            right: text @include(if: $yes) @skip(if: $no)
          }
        }
        fragment A on Message { organisation { code } ...B ... @include(if: $yes) { organisation { ru: name } } }
        fragment B on Message { organisation { en: name(language: EN) } ... on Node { id } }
    """
    result = await hub.run(text, {"reference": sent["reference"]}, viewer=anna)
    assert result.errors is None
    assert result.data is not None
    assert result.data == {
        "one": {
            "organisation": {
                "code": "city-roads",
                "en": "City Road Service",
                "ru": result.data["one"]["organisation"]["ru"],
            },
            "id": sent["id"],
        },
        "two": {"kind": "Message", "right": "Яма на дороге"},
    }
    assert list(result.data["one"]) == ["organisation", "id"]


async def test_a_plan_is_not_used_for_requests_of_another_shape(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    text = """
        query ($reference: String!, $text: Boolean!, $language: Language!) {
          message(reference: $reference) { reference text @include(if: $text) category { name(language: $language) } }
        }
    """
    seen = []
    for wanted, language in ((True, "RU"), (False, "RU"), (False, "EN"), (True, "EN"), (True, "RU")):
        variables = {"reference": sent["reference"], "text": wanted, "language": language}
        result = await hub.run(text, variables, viewer=anna)
        assert result.data is not None
        message = result.data["message"]
        seen.append(("text" in message, message["category"]["name"] == "Potholes"))
    assert seen == [(True, False), (False, False), (False, True), (True, True), (True, False)]


async def test_an_object_may_have_more_fields_than_postgresql_takes_arguments(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    many = " ".join(f"a{number}: status" for number in range(55))
    result = await hub.run(f'{{ message(reference: "{sent["reference"]}") {{ {many} text }} }}', viewer=anna)
    assert result.errors is None
    assert result.data is not None
    assert list(result.data["message"].values()) == [*["ROUTED"] * 55, "Яма на дороге"]


async def test_nobody_is_a_null_viewer(hub: Hub) -> None:
    with hub.statements() as statements:
        assert (await hub.ask("my_messages"))["viewer"] is None
    assert statements == []
