"""What a federation gateway asks: entities by their keys, in one statement, for whoever is asking; and the text it composes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from graphql import parse

from domain.rights import Role
from domain.viewer import Viewer
from schema.federation import ALSO_BY, FederatedSchema, build_federated_schema
from schema.plan.entities import MOST_ENTITIES
from schema.plan.global_id import write_global_id
from schema.root import build_schema
from tests.api.hub import Hub, fault_of
from tests.api.sowing import sow

ENTITIES = """query ($named: [_Any!]!) {
  _entities(representations: $named) {
    __typename
    ... on Node { id }
    ... on Organisation { code title: name(language: EN) parent { code } }
    ... on Message { reference text to: organisation { code } answers { text } }
    ... on Category { code children { code } }
    ... on Territory { code }
    ... on Answer { text organisation { code } }
  }
}"""


@pytest.fixture(scope="module")
def schema() -> FederatedSchema:
    return build_federated_schema()


async def entities(hub: Hub, named: object, viewer: Viewer | None = None, text: str = ENTITIES) -> list[Any]:
    with hub.statements() as statements:
        result = await hub.run(text, {"named": named}, viewer=viewer)
    assert result.errors is None, result.errors
    assert result.data is not None
    assert len(statements) == 1
    found: list[Any] = result.data["_entities"]
    return found


async def refused(hub: Hub, named: object) -> tuple[str, str]:
    """The code and the words of the only error."""
    result = await hub.run(ENTITIES, {"named": named})
    assert result.data is None
    assert result.errors is not None
    return fault_of(result)["code"], result.errors[0].message


async def test_rows_of_several_types_come_in_the_order_of_their_keys_from_one_statement(hub: Hub, anna: Viewer) -> None:
    reference = await sow(hub, anna, answers=["Заделана."])
    named = [
        {"__typename": "Category", "code": "roads/pothole"},
        {"__typename": "Message", "reference": reference},
        {"__typename": "Organisation", "code": "city-roads"},
        {"__typename": "Category", "id": write_global_id("Category", "roads")},
        {"__typename": "Organisation", "code": "nowhere"},
        {"__typename": "Message", "reference": reference.replace("-", " ")},
        {"__typename": "Organisation", "code": "city-roads", "motto": "not ours"},
    ]
    found = await entities(hub, named, anna)
    kinds = ["Category", "Message", "Organisation", "Category", None, "Message", "Organisation"]
    assert [one and one["__typename"] for one in found] == kinds
    assert (found[0]["code"], found[3]["code"]) == ("roads/pothole", "roads")
    assert {"code": "roads/pothole"} in found[3]["children"]
    assert found[1] == found[5]
    assert (found[1]["reference"], found[1]["answers"]) == (reference, [{"text": "Заделана."}])
    assert found[2] == found[6]
    assert found[2]["title"]


async def test_nodes_are_found_by_their_ids(hub: Hub, anna: Viewer) -> None:
    place = {"point": {"latitude": 54.5138, "longitude": 36.2612}}
    await hub.submit(anna, category="roads/pothole", place=place)
    text = """{ messages { nodes {
      id author { id } deliveries { id } organisation { id } category { id } place { territory { id } }
    } } }"""
    found = await hub.run(text, viewer=anna)
    assert found.data is not None
    (message,) = found.data["messages"]["nodes"]
    ids = {
        "Message": message["id"],
        "Person": message["author"]["id"],
        "Delivery": message["deliveries"][0]["id"],
        "Organisation": message["organisation"]["id"],
        "Category": message["category"]["id"],
        "Territory": message["place"]["territory"]["id"],
    }
    named = [{"__typename": kind, "id": one} for kind, one in ids.items()]
    again = await entities(hub, named, anna)
    assert {one["__typename"]: one["id"] for one in again} == ids


async def test_every_node_can_be_asked_for(hub: Hub, schema: FederatedSchema, anna: Viewer) -> None:
    nodes = schema.plans.catalogue.nodes
    named = [{"__typename": kind, "id": write_global_id(kind, uuid4())} for kind in nodes]
    assert await entities(hub, named, anna) == [None] * len(nodes)
    assert len(nodes) > 8


async def test_what_a_viewer_may_not_see_looks_like_what_is_not_there(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    reference = await sow(hub, anna, answers=["Заделана."])
    (seen,) = await entities(hub, [{"__typename": "Message", "reference": reference}], anna)
    named = [{"__typename": "Message", "reference": reference}, {"__typename": "Message", "id": seen["id"]}]
    assert await entities(hub, named, boris) == [None, None]
    # Nobody is signed in: the statement has nothing to look for.
    assert await entities(hub, named, None) == [None, None]
    head = await hub.official("head", Role.HEAD, "city-roads")
    assert [one["id"] for one in await entities(hub, named, head)] == [seen["id"]] * 2
    stranger = await hub.official("stranger", Role.HEAD, "housing-inspection")
    assert await entities(hub, named, stranger) == [None, None]


async def test_keys_that_no_row_can_have_name_nothing(hub: Hub, anna: Viewer) -> None:
    keys = ["", "?", "0" * 400, write_global_id("Organisation", "city-roads"), write_global_id("Message", "no-uuid")]
    named = [{"__typename": "Message", "id": key} for key in keys]
    named += [{"__typename": "Message", "reference": key} for key in keys]
    named += [{"__typename": "Territory", "code": "' OR 1=1 --"}]
    assert await entities(hub, named, anna) == [None] * len(named)


async def test_no_representations_give_no_entities(hub: Hub) -> None:
    assert await entities(hub, []) == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"__typename": "Verdict", "id": "1"}, "representations[1].__typename"),
        ({"__typename": "Query"}, "representations[1].__typename"),
        ({"__typename": ["Organisation"], "code": "1"}, "representations[1].__typename"),
        ({"code": "city-roads"}, "representations[1].__typename"),
        ({"__typename": "Organisation"}, "representations[1]"),
        ({"__typename": "Organisation", "id": None}, "representations[1]"),
        ({"__typename": "Answer", "code": "city-roads"}, "representations[1]"),
        ({"__typename": "Organisation", "code": 7}, "representations[1].code"),
        ({"__typename": "Organisation", "code": {"eq": "city-roads"}}, "representations[1].code"),
        ({"__typename": "Organisation", "id": ["city-roads"]}, "representations[1].id"),
        ({"__typename": "Organisation", "code": "x" * 401}, "representations[1].code"),
        ({"__typename": "Organisation", "code": "half \ud83d"}, "representations[1].code"),
        ({"__typename": "Organisation", "code": "nul \x00"}, "representations[1].code"),
        ("Organisation", "representations[1]"),
        (["Organisation"], "representations[1]"),
        (1, "representations[1]"),
    ],
)
async def test_what_is_no_representation_is_refused_by_its_place(hub: Hub, wrong: object, place: str) -> None:
    code, words = await refused(hub, [{"__typename": "Organisation", "code": "city-roads"}, wrong])
    assert code == "BAD_REQUEST"
    assert words.startswith(f"{place}: ")


async def test_the_refusal_does_not_repeat_what_was_sent(hub: Hub) -> None:
    _, words = await refused(hub, [{"__typename": "Паспорт 1234", "id": "1"}])
    assert "Паспорт" not in words
    assert "Organisation" in words


async def test_more_representations_than_a_request_may_bring_are_too_costly(hub: Hub) -> None:
    one = {"__typename": "Organisation", "code": "city-roads"}
    assert len(await entities(hub, [one] * MOST_ENTITIES)) == MOST_ENTITIES
    assert (await refused(hub, [one] * (MOST_ENTITIES + 1)))[0] == "TOO_COSTLY"


async def test_the_cost_counts_every_representation(schema: FederatedSchema) -> None:
    operation = schema.documents.learn(ENTITIES).operation(None)
    one, ten = (operation.cost.of({"named": [{}] * count}) for count in (1, 10))
    assert ten - one == 9 * (one - 1)


async def test_a_wrong_representation_leaves_the_rest_of_the_answer_out_as_non_null_says(hub: Hub) -> None:
    text = (
        '{ organisation(code: "city-roads") { code } _entities(representations: [{__typename: "X"}]) { __typename } }'
    )
    result = await hub.run(text)
    assert result.data is None
    assert fault_of(result) == {"code": "BAD_REQUEST", "problem": "NO_REPRESENTATION"}
    assert result.errors is not None
    assert result.errors[0].path == ["_entities"]


async def test_keys_may_be_written_into_the_document_with_variables_in_them(hub: Hub) -> None:
    text = """query ($code: String!) {
      _entities(representations: [{__typename: "Organisation", code: $code}, {__typename: "Category", code: "roads"}]) {
        ... on Organisation { code }
        ... on Category { code }
      }
    }"""
    for code in ("city-roads", "housing-inspection"):
        result = await hub.run(text, {"code": code})
        assert result.errors is None
        assert result.data == {"_entities": [{"code": code}, {"code": "roads"}]}


async def test_fields_that_are_not_stored_are_answered_on_entities_too(hub: Hub, anna: Viewer) -> None:
    """Such as the state in another organisation's system: graphql-core finishes, and the rest is the same."""
    text = """query ($named: [_Any!]!) {
      _entities(representations: $named) { __typename ... on Organisation { code } ... on Case { live { __typename } } }
      routePreview(category: "roads/pothole") { __typename }
    }"""
    named = [{"__typename": "Organisation", "code": "nowhere"}, {"__typename": "Organisation", "code": "city-roads"}]
    assert await entities(hub, named, anna, text) == [None, {"__typename": "Organisation", "code": "city-roads"}]


async def test_both_endings_give_the_same_entities(hub: Hub, anna: Viewer) -> None:
    reference = await sow(hub, anna, answers=["Заделана."])
    named = [
        {"__typename": "Message", "reference": reference},
        {"__typename": "Territory", "code": "29701000"},
        {"__typename": "Message", "reference": "26-0000-0000-0"},
    ]
    finished = ENTITIES.rstrip()[:-1] + "  __schema { queryType { name } }\n}"
    assert await entities(hub, named, anna) == await entities(hub, named, anna, finished)


async def test_the_text_of_the_subgraph_is_the_public_schema_with_directives(schema: FederatedSchema, hub: Hub) -> None:
    result = await hub.run("{ _service { sdl } }")
    assert result.data is not None
    text = result.data["_service"]["sdl"]
    parse(text)
    assert text.startswith('extend schema @link(url: "https://specs.apollo.dev/federation/v2.9"')
    assert 'type Message implements Node @key(fields: "id") @key(fields: "reference") {' in text
    assert "type PageInfo @shareable {" in text
    assert "): Node @shareable @inaccessible" in text
    without = text.partition("\n\n")[2]
    for kind in schema.plans.catalogue.nodes:
        for key in ("id", *ALSO_BY.get(kind, ())):
            assert f'@key(fields: "{key}")' in without.partition(f"type {kind} ")[2].partition("{")[0]
    for directive in (
        '@key(fields: "id")',
        '@key(fields: "code")',
        '@key(fields: "reference")',
        "@shareable",
        "@inaccessible",
    ):
        without = without.replace(f" {directive}", "")
    assert "@" not in "".join(without.split('"""')[::2]).replace("@deprecated", "")
    assert build_schema().as_str().split() == without.split()


def test_the_public_schema_knows_nothing_of_it() -> None:
    names = set(build_schema()._schema.type_map)
    assert not {name for name in names if name.startswith("_") and not name.startswith("__")}
    assert "@key" not in build_schema().as_str()
