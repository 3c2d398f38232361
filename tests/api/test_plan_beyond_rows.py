"""Fields of stored types that Python computes, and rows of several types by their keys: both get their columns from one statement."""

from __future__ import annotations

from typing import Annotated, Any, cast

import pytest
import strawberry
from graphql import GraphQLResolveInfo

from schema.context import Context
from schema.extensions.by_plan import AnswerByPlan
from schema.plan.declare import All, Column, Computed, Link, RowValues, shows, stored
from schema.plan.reader import read_rows
from schema.plan.resolving import resolve_by_plan
from schema.relay import Node
from schema.root import HubSchema
from store.tables import CategoryRow, OrganisationRow
from tests.api.hub import Hub


@strawberry.type
class Spelling:
    letters: int
    of: str


def spell(row: strawberry.Parent[RowValues], backwards: bool = False) -> Spelling:
    code = row["code"]
    return Spelling(letters=len(code), of=code[::-1] if backwards else code)


async def shout(row: strawberry.Parent[RowValues], info: strawberry.Info[Context, None]) -> str:
    assert info.context.language == "en"
    return f"{row['name_en']}!".upper()


def fail(row: strawberry.Parent[RowValues]) -> str:
    message = f"nothing to say about {row['code']}"
    raise ValueError(message)


@stored(CategoryRow)
@strawberry.type
class Topic(Node):
    code: str
    children: list[Topic] = strawberry.field(metadata=shows(Link("children")))
    parent: Topic | None
    spelling: Spelling = strawberry.field(resolver=spell, metadata=shows(Computed(("code",))))
    loud: str = strawberry.field(resolver=shout, metadata=shows(Computed(("name_en", "code"))))
    broken: str | None = strawberry.field(resolver=fail, metadata=shows(Computed(("code",))))
    unsure: str = strawberry.field(metadata=shows(Column(lambda table: table.c.parent_code)))


@stored(OrganisationRow)
@strawberry.type
class Body(Node):
    code: str


Thing = Annotated[Topic | Body, strawberry.union("Thing")]


@strawberry.type
class Query:
    topics: list[Topic] = strawberry.field(
        metadata=shows(All(CategoryRow, "position", lambda table: table.c.parent_code.is_(None)))
    )

    @strawberry.field
    async def things(
        self, info: strawberry.Info[Context, None], topics: list[str], bodies: list[str]
    ) -> list[Thing | None]:
        raw: GraphQLResolveInfo[Context] = info._raw_info
        plans = cast("HubSchema", info.schema).plans
        return [*await read_rows(plans, raw, "Topic", topics), *await read_rows(plans, raw, "Body", bodies, "code")]


@pytest.fixture
def small(hub: Hub) -> Hub:
    """The hub under a small schema."""
    schema = HubSchema(query=Query, types=[Topic, Body], extensions=[AnswerByPlan])
    schema.plans = resolve_by_plan(schema._schema)
    hub.schema = schema
    return hub


async def ask(hub: Hub, text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    result = await hub.run(text, variables)
    assert result.errors is None, result.errors
    assert result.data is not None
    return result.data


async def test_a_computed_field_gets_its_columns_from_the_one_statement(small: Hub) -> None:
    text = """query ($with: Boolean!) {
      topics { ...Spelt children { loud parent { ...Spelt } } }
    }
    fragment Spelt on Topic { back: spelling(backwards: true) { of letters } spelling @include(if: $with) { of } }"""
    for wanted in (True, False):
        with small.statements() as statements:
            topics = (await ask(small, text, {"with": wanted}))["topics"]
        assert len(statements) == 1
        roads = topics[0]
        assert roads["back"] == {"of": "sdaor", "letters": 5}
        assert roads.get("spelling") == ({"of": "roads"} if wanted else None)
        assert list(roads) == (["back", "spelling", "children"] if wanted else ["back", "children"])
        assert roads["children"][0]["loud"] == roads["children"][0]["loud"].upper()
        assert roads["children"][0]["parent"]["back"]["of"] == "sdaor"


async def test_a_computed_field_that_fails_is_null_with_an_error_at_its_place(small: Hub) -> None:
    result = await small.run("{ topics { code broken } }")
    assert result.data is not None
    assert result.data["topics"][0] == {"code": "roads", "broken": None}
    assert result.errors is not None
    assert [error.path for error in result.errors[:2]] == [["topics", 0, "broken"], ["topics", 1, "broken"]]


async def test_null_where_the_schema_promises_a_value_is_found_and_carried_up(small: Hub) -> None:
    result = await small.run("{ topics { children { unsure parent { code unsure } } } }")
    assert result.errors is not None
    assert result.data is not None
    assert result.errors[0].path == ["topics", 0, "children", 0, "parent", "unsure"]
    assert "Cannot return null for non-nullable field Topic.unsure" in result.errors[0].message
    first = result.data["topics"][0]["children"][0]
    assert first == {"unsure": "roads", "parent": None}


async def test_rows_of_several_types_come_in_the_order_of_their_keys(small: Hub) -> None:
    text = """query ($topics: [String!]!, $bodies: [String!]!) {
      things(topics: $topics, bodies: $bodies) {
        __typename
        ... on Node { id }
        ... on Topic { code children { code } loud }
        ... on Body { code }
      }
    }"""
    with small.statements() as statements:
        wanted = {"topics": ["no", "roads/pothole", "roads", "roads"], "bodies": ["city-roads", "no"]}
        things = (await ask(small, text, wanted))["things"]
    assert len(statements) == 2, "one for each type"
    assert [thing and (thing["__typename"], thing["code"]) for thing in things] == [
        None,
        ("Topic", "roads/pothole"),
        ("Topic", "roads"),
        ("Topic", "roads"),
        ("Body", "city-roads"),
        None,
    ]
    assert things[2]["children"]
    assert "loud" not in things[4]


async def test_no_keys_are_no_rows(small: Hub) -> None:
    assert (await ask(small, "{ things(topics: [], bodies: []) { __typename } }"))["things"] == []
