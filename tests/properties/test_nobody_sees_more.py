"""P13 as a property: what a viewer may not see changes nothing in what they get.

Two worlds differ only in what one viewer may not see: in the second, the hidden messages do not exist and unknown authors are somebody else. Whatever
that viewer asks, both worlds answer alike: rows, counts, pages, cursors, fields and errors.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import build_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.rights import RIGHTS, Right
from domain.viewer import Viewer
from tests.api.hub import Hub
from tests.properties.conftest import World
from tests.properties.executor import KEYS, NODES, Snapshot
from tests.properties.operations import EXAMPLES, PARTS, Names, Operation, operations
from tests.properties.population import GHOST, Seed
from tests.properties.rows import global_id

WATCHED = ("nobody", "anna", "executor", "two-hats", "analyst")
PUBLIC = frozenset({"statistics", "live"})
"""Numbers over all messages are public, with a rule and a test of its own for the small ones; a live state is no stored row."""


@pytest.fixture(scope="session", params=WATCHED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
async def worlds(
    name: str, whole: Hub, world: World, viewers: dict[str, Viewer | None], above: dict[str, set[str]]
) -> tuple[Hub, Hub]:
    """The whole world, and the one in which nothing is hidden from this viewer because it is not there."""
    viewer = viewers[name]

    def holds(right: Right, body: str | None) -> bool:
        grants = () if viewer is None else viewer.grants
        return body is not None and any(right in RIGHTS[one.role] and one.organisation in above[body] for one in grants)

    def keep(seed: Seed) -> bool:
        return seed.citizen == name or holds(Right.MESSAGES, seed.body)

    def author(seed: Seed) -> str:
        return seed.citizen if seed.citizen == name or holds(Right.AUTHORS, seed.body) else GHOST

    return whole, await world(keep, author)


@pytest.fixture(scope="session")
async def above(whole: Hub) -> dict[str, set[str]]:
    """Each organisation's code with those of everything above it, climbed by hand."""
    snapshot = await Snapshot.of(whole.database)
    return {row["code"]: snapshot.above("Organisation", row["code"]) for row in snapshot.rows["Organisation"]}


@pytest.fixture(scope="session")
async def drawn(whole: Hub) -> st.SearchStrategy[Operation]:
    schema = build_schema(whole.schema.as_str())
    assert schema.query_type is not None
    snapshot = await Snapshot.of(whole.database)
    ids = [
        global_id(kind, str(row[KEYS.get(kind, "id")]))
        for kind in sorted(NODES)
        for row in snapshot.rows[kind][: 40 if kind in ("Message", "Answer") else 8]
    ]
    names = Names(
        {
            "reference": [row["reference"] for row in snapshot.rows["Message"]],
            "code": [row["code"] for row in snapshot.rows["Organisation"]],
            "id": ids,
        },
        {
            "below": ["kaluga-government", "29000000"],
            "category": ["roads", "roads/pothole", "roads/lighting"],
            "territory": ["29701000", "29000000"],
            "organisation": [row["code"] for row in snapshot.rows["Organisation"]],
            "organisationOrBelow": [row["code"] for row in snapshot.rows["Organisation"]],
            "reference": [row["reference"] for row in snapshot.rows["Message"]],
            "author": [global_id("Person", row["id"]) for row in snapshot.rows["Person"]],
        },
    )
    roots = [one for one in schema.query_type.fields if one not in PUBLIC | {"routePreview"}]
    return operations(schema, names, roots, without=PUBLIC)


@pytest.mark.parametrize("part", range(PARTS))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data())
async def test_two_worlds_that_differ_in_what_is_hidden_answer_alike(
    worlds: tuple[Hub, Hub],
    name: str,
    viewers: dict[str, Viewer | None],
    drawn: st.SearchStrategy[Operation],
    part: int,
    data: st.DataObject,
) -> None:
    operation = data.draw(drawn)
    answers = [await _answer(hub, operation, viewers[name]) for hub in worlds]
    assert answers[0] == answers[1]


async def _answer(hub: Hub, operation: Operation, viewer: Viewer | None) -> Any:
    result = await hub.run(operation.text, operation.variables, viewer=viewer)
    errors = [(one.path, one.message, one.extensions) for one in result.errors or ()]
    assert "INTERNAL" not in str(errors), errors
    return json.dumps(result.data), errors


async def test_the_two_worlds_do_differ(worlds: tuple[Hub, Hub], name: str) -> None:
    """A test of the test: somebody who sees everything would notice."""
    many = []
    for hub in worlds:
        async with hub.database.reader() as connection:
            many.append((await connection.execute(text("SELECT count(*) FROM message"))).scalar_one())
    assert many[0] > many[1], name
    assert many[1] > 0 or name in ("nobody", "analyst")
