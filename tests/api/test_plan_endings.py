"""Every query is one statement, and its answer is the same whether the bytes of PostgreSQL are the answer or graphql-core finishes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import parse

from domain.viewer import Viewer
from schema.extensions.known_documents import digest_of
from schema.plan.operation import PreparedOperation
from schema.root import HubSchema
from store.reading import ReadsAway
from tests.api.hub import Hub, document, fault_of

_BESIDE = "beside: __schema { queryType { name } }"
"""Something the database does not know: whoever asks for it, too, has graphql-core finish the answer."""


def prepared(hub: Hub, text: str, operation: str | None = None) -> PreparedOperation | None:
    assert isinstance(hub.schema, HubSchema)
    return hub.schema.plans.prepare(parse(text), digest_of(text), operation)


async def passed(hub: Hub, text: str, variables: dict[str, Any], viewer: Viewer | None = None) -> Any:
    """The body that goes out without graphql-core, parsed; None when it does not."""
    operation = prepared(hub, text)
    assert operation is not None
    coerced = operation.coerce(variables)
    assert isinstance(coerced, dict), coerced
    body = await operation.answer(hub.context(viewer), coerced)
    return None if body is None else json.loads(body)


async def both(hub: Hub, fields: str, viewer: Viewer | None = None) -> Any:
    """The answer to a query of these root fields, which must be the same with both endings."""
    first = await passed(hub, f"{{ {fields} }}", {}, viewer)
    assert first is not None, "the bytes did not pass"
    finished = await hub.run(f"{{ {fields} {_BESIDE} }}", viewer=viewer)
    assert finished.errors is None
    assert finished.data is not None
    data = json.loads(json.dumps(finished.data))
    assert data.pop("beside") == {"queryType": {"name": "Query"}}
    assert json.dumps(first["data"]) == json.dumps(data), "values or the order of the keys differ"
    return data


async def a_message(hub: Hub, viewer: Viewer) -> str:
    place = {"address": "Калуга, Ленина 1", "point": {"latitude": 54.51, "longitude": 36.26, "source": "GPS"}}
    sent = await hub.submit(viewer, category="roads/pothole", place=place)
    return str(sent["reference"])


async def test_a_whole_message_goes_out_as_postgresql_wrote_it(hub: Hub, anna: Viewer) -> None:
    reference = await a_message(hub, anna)
    body = await passed(hub, document("message"), {"reference": reference}, anna)
    assert body is not None
    assert body["data"]["message"]["reference"] == reference
    assert (await hub.run(document("message"), {"reference": reference}, viewer=anna)).data == body["data"]


@pytest.mark.parametrize(
    "fields",
    [
        "viewer { messages(first: 2) { edges { cursor node { id reference } } nodes { text } pageInfo { hasNextPage } } }",
        "viewer { __typename messages { __typename edges { __typename } pageInfo { __typename endCursor } } }",
        "viewer { messages { nodes { place { point { latitude longitude accuracy source } territory { kind } } } } }",
        "viewer { messages { nodes { route { rule reason ru: reason(language: RU) } history { kind at note } } } }",
        "viewer { messages { nodes { deliveries { state reason since } organisation { kind level } } } }",
        "again: viewer { messages(last: 1) { nodes { id } } } viewer { messages(first: 1) { nodes { id } } }",
        "organisations(first: 3) { nodes { code parent { code } territory { code kind } } }",
        "organisation(code: \"city-roads\") { code name en: name(language: EN) } __typename none: organisation(code: \"no\") { code }",
        "categories { code children { ... on Node { id } ...{ code } } }",
        "a: organisation(code: \"city-roads\") { ... on Organisation { code } } a: organisation(code: \"city-roads\") { code level }",
        "viewer { messages { nodes { category { parent { code } } category { parent { name } code } } } }",
    ],
)  # fmt: skip
async def test_both_endings_give_the_same_answer(hub: Hub, anna: Viewer, fields: str) -> None:
    for _ in range(2):
        await a_message(hub, anna)
    await both(hub, fields, anna)
    await both(hub, fields)


async def test_a_node_passes_without_a_mark_and_is_finished_with_one(hub: Hub, anna: Viewer) -> None:
    reference = await a_message(hub, anna)
    found = await both(hub, f'message(reference: "{reference}") {{ id category {{ id }} }}', anna)
    for one in (found["message"]["id"], found["message"]["category"]["id"]):
        fields = f'node(id: "{one}") {{ __typename id ... on Message {{ text }} ... on Category {{ code }} }}'
        node = (await both(hub, fields, anna))["node"]
        assert node["__typename"] in {"Message", "Category"}
        assert node.keys() - {"__typename", "id"} in ({"text"}, {"code"})


async def test_all_stored_roots_of_an_operation_are_one_statement(hub: Hub, anna: Viewer) -> None:
    reference = await a_message(hub, anna)
    text = f"""{{
      one: message(reference: "{reference}") {{ status }}
      viewer {{ messages {{ nodes {{ status }} }} }}
      two: message(reference: "{reference}") {{ text history {{ kind }} }}
      organisations(first: 1) {{ nodes {{ code }} }}
      categories {{ code }}
      {_BESIDE}
    }}"""
    with hub.statements() as statements:
        result = await hub.run(text, viewer=anna)
    assert result.errors is None
    assert result.data is not None
    assert list(result.data) == ["one", "viewer", "two", "organisations", "categories", "beside"]
    assert len(statements) == 1


async def test_what_is_not_stored_is_answered_beside_the_one_statement(hub: Hub, anna: Viewer) -> None:
    reference = await a_message(hub, anna)
    text = f"""{{
      routePreview(category: "roads/pothole") {{ rule organisation {{ code }} }}
      message(reference: "{reference}") {{ organisation {{ code }} }}
    }}"""
    with hub.statements() as statements:
        result = await hub.run(text, viewer=anna)
    assert result.errors is None
    assert result.data == {
        "routePreview": {"rule": "roads-to-the-road-service", "organisation": {"code": "city-roads"}},
        "message": {"organisation": {"code": "city-roads"}},
    }
    assert len(statements) == 2, "one for the query, one for the row that the preview names"


async def test_an_answer_that_needs_no_row_needs_no_statement(hub: Hub) -> None:
    with hub.statements() as statements:
        assert await passed(hub, "{ __typename viewer { messages { nodes { id } } } }", {}) == {
            "data": {"__typename": "Query", "viewer": None}
        }
    assert statements == []


async def test_a_wrong_argument_is_an_error_in_its_place_and_the_rest_is_there(hub: Hub, anna: Viewer) -> None:
    await a_message(hub, anna)
    text = """query ($first: Int, $after: String, $code: String!) {
      viewer { messages(first: $first, after: $after) { nodes { text } } }
      organisation(code: $code) { code }
    }"""
    wrong: list[dict[str, Any]] = [{"first": 1000}, {"first": 0}, {"first": 1, "after": "nonsense"}]
    for variables in (*wrong, *wrong):
        assert await passed(hub, text, {**variables, "code": "city-roads"}, anna) is None
        with hub.statements() as statements:
            result = await hub.run(text, {**variables, "code": "city-roads"}, viewer=anna)
        assert fault_of(result)["code"] == "BAD_REQUEST"
        assert result.errors is not None
        assert result.errors[0].path == ["viewer", "messages"]
        assert result.data == {"viewer": None, "organisation": {"code": "city-roads"}}
        assert len(statements) == 1
    result = await hub.run(text, {"code": "\ud800"}, viewer=anna)
    assert result.errors is not None
    assert result.errors[0].path == ["organisation"]
    assert result.data is not None
    assert result.data["organisation"] is None
    assert len(result.data["viewer"]["messages"]["nodes"]) == 1
    right = await passed(hub, text, {"first": 1, "code": "city-roads"}, anna)
    assert len(right["data"]["viewer"]["messages"]["nodes"]) == 1


async def test_a_wrong_argument_inside_a_list_is_an_error_at_each_item(hub: Hub, anna: Viewer) -> None:
    for _ in range(2):
        await a_message(hub, anna)
    text = "{ viewer { messages { nodes { text history(last: 0) { kind } } } } }"
    result = await hub.run(text, viewer=anna)
    assert result.data == {"viewer": None}, "history, its message, the list and the connection must not be null"
    assert result.errors is not None
    assert result.errors[0].path == ["viewer", "messages", "nodes", 0, "history"]
    assert (result.errors[0].extensions or {})["code"] == "BAD_REQUEST"


async def test_both_wrong_arguments_of_two_fields_are_told(hub: Hub, anna: Viewer) -> None:
    text = "{ a: viewer { messages(first: 0) { nodes { id } } } b: viewer { messages(first: 1, last: 1) { nodes { id } } } }"
    result = await hub.run(text, viewer=anna)
    assert result.errors is not None
    assert sorted(map(str, (error.path for error in result.errors))) == ["['a', 'messages']", "['b', 'messages']"]
    assert result.data == {"a": None, "b": None}


async def test_null_for_what_must_not_be_null_is_graphqls_own_error(hub: Hub) -> None:
    text = """query ($code: String = "city-roads", $wanted: Boolean = true) {
      organisation(code: $code) { code }
      other: organisation(code: "city-roads") { code @include(if: $wanted) }
    }"""
    result = await hub.run(text, {"code": None})
    assert result.errors is not None
    assert result.errors[0].path == ["organisation"]
    assert "non-null type" in result.errors[0].message
    assert result.data == {"organisation": None, "other": {"code": "city-roads"}}
    result = await hub.run(text, {"wanted": None})
    assert result.errors is not None
    assert result.data is None or result.data["other"] is None
    assert (await hub.run(text)).errors is None


async def test_a_database_that_is_away_is_an_error_of_each_root(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> bytes:
        raise ReadsAway("nobody is there")

    monkeypatch.setattr(hub.database.reads, "json_text", away)
    result = await hub.run('{ organisation(code: "a") { code } b: organisation(code: "b") { code } __typename }')
    assert result.data == {"organisation": None, "b": None, "__typename": "Query"}
    assert [(error.path, (error.extensions or {})["code"]) for error in result.errors or ()] == [
        (["organisation"], "UNAVAILABLE"),
        (["b"], "UNAVAILABLE"),
    ]


async def test_what_is_no_stored_query_is_not_prepared(hub: Hub) -> None:
    for text in (
        "mutation { withdrawMessage(reference: \"1\") { errors { code } } }",
        "{ __schema { queryType { name } } }",
        "{ ...F } fragment F on Query { viewer { __typename } routePreview { rule } }",
        "query A { viewer { __typename } } query B { viewer { __typename } }",
    ):  # fmt: skip
        assert prepared(hub, text) is None, text
    assert prepared(hub, "query A { viewer { __typename } } query B { viewer { __typename } }", "B") is not None


async def test_wrong_variables_give_the_errors_of_graphql_core(hub: Hub, anna: Viewer) -> None:
    text = "query ($first: Int!, $after: String) { viewer { messages(first: $first, after: $after) { nodes { id } } } }"
    operation = prepared(hub, text)
    assert operation is not None
    for variables in ({}, {"first": "1"}, {"first": None}, {"first": 1, "after": 7}, {"first": 2**40}):
        errors = operation.coerce(variables)
        assert isinstance(errors, list)
        result = await hub.run(text, variables, viewer=anna)
        assert result.data is None
        assert [error.message for error in errors] == [error.message for error in result.errors or ()]
    assert operation.coerce({"first": 1, "more": 1}) == {"first": 1}
    assert operation.coerce({"first": 1, "after": None}) == {"first": 1, "after": None}
