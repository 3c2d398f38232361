"""The plan is the only implementation of a stored field. Here it is compared with another one, over thousands of operations nobody wrote."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.viewer import Viewer
from schema.plan.operation import Plans
from store.renderings import RenderedShapes, render_some
from tests.api.hub import Hub
from tests.properties.executor import NODES, Executor, Snapshot
from tests.properties.filters import NOT_DRAWN
from tests.properties.operations import EXAMPLES, PARTS, Names, Operation, operations
from tests.properties.population import CITIZENS, OFFICIALS
from tests.properties.rows import CURSOR, Cursor, global_id, read_global_id

VIEWERS = ("nobody", *CITIZENS[:2], *OFFICIALS)
ROOTS = ("message", "messages", "node", "viewer", "organisations", "organisation", "territories", "categories")
NOT_STORED = frozenset({"live", "statistics"})
Rendering = Callable[[], Awaitable[bool]]


@pytest.fixture(scope="session")
async def snapshot(whole: Hub) -> Snapshot:
    return await Snapshot.of(whole.database)


@pytest.fixture(scope="session")
async def cursors(whole: Hub, viewers: dict[str, Viewer | None]) -> dict[str, Cursor]:
    """Every cursor of every connection, with the row it stands at."""
    found: dict[str, Cursor] = {}
    connections = {
        "received": "viewer { messages(first: 100) { edges { cursor node { id } } } }",
        "code": "organisations(first: 100) { edges { cursor node { id } } }",
    }
    for viewer in viewers.values():
        for order, text in connections.items():
            result = await whole.run(f"{{ {text} }}", viewer=viewer)
            for edge in _edges(json.loads(json.dumps(result.data))):
                found[edge["cursor"]] = Cursor(order, _key(edge["node"]["id"]))
    return found


@pytest.fixture(scope="session")
def executors(
    whole: Hub, viewers: dict[str, Viewer | None], snapshot: Snapshot, cursors: dict[str, Cursor]
) -> dict[str, Executor]:
    sdl = whole.schema.as_str()
    return {name: Executor(sdl, snapshot, viewer, cursors) for name, viewer in viewers.items()}


def _edges(tree: Any) -> list[dict[str, Any]]:
    if isinstance(tree, dict):
        return tree["edges"] if "edges" in tree else [edge for part in tree.values() for edge in _edges(part)]
    return []


def _key(global_id: str) -> str:
    found = read_global_id(global_id)
    assert found is not None
    return found[1]


@pytest.fixture(scope="session")
def drawn(whole: Hub, snapshot: Snapshot, cursors: dict[str, Cursor]) -> st.SearchStrategy[Operation]:
    schema: GraphQLSchema = build_schema(whole.schema.as_str())
    keys = {"Organisation": "code", "Territory": "code", "Category": "code"}
    ids = [
        global_id(kind, str(row[keys.get(kind, "id")])) for kind in sorted(NODES) for row in snapshot.rows[kind][:25]
    ]
    names = Names(
        {
            "reference": [row["reference"] for row in snapshot.rows["Message"]],
            "code": [row["code"] for row in snapshot.rows["Organisation"]],
            "id": ids,
            "after": sorted(cursors),
            "before": sorted(cursors),
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
    return operations(schema, names, ROOTS, without=NOT_STORED, not_given=NOT_DRAWN)


def _same(planned: Any, expected: Any) -> bool:
    """Equal JSON, keys in the same order; where the executor says that there is a cursor, any cursor is right."""
    if expected == CURSOR:
        return isinstance(planned, str)
    if isinstance(expected, Mapping):
        return (
            isinstance(planned, Mapping)
            and list(planned) == list(expected)
            and all(_same(planned[name], value) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(planned, list)
            and len(planned) == len(expected)
            and all(_same(one, other) for one, other in zip(planned, expected, strict=True))
        )
    return bool(planned == expected) and type(planned) is type(expected)


def _errors(result: Any) -> set[tuple[str, bool]]:
    """Where something was refused. How many items of one list say so is left open, as the specification leaves it."""
    return {
        (".".join(str(step) for step in one.path or () if isinstance(step, str)), _is_refusal(one))
        for one in result.errors or ()
    }


def _is_refusal(error: Any) -> bool:
    return (error.extensions or {}).get("code") in ("BAD_REQUEST", "FORBIDDEN")


@pytest.fixture(scope="session")
async def rendering(whole: Hub) -> AsyncIterator[Rendering]:
    """Whatever the plans of the process want rendered is."""
    plans: Plans = whole.schema.plans  # type: ignore[attr-defined]  # HubSchema has them
    shapes = plans.rendered = RenderedShapes(most=10_000)
    plans.is_trusted = lambda _: True

    async def render() -> bool:
        known = shapes.generation
        await shapes.refresh(whole.database)
        async with whole.database.unit() as unit:
            while await render_some(unit):
                pass
        return shapes.generation != known

    yield render
    plans.rendered = None


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", VIEWERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data())
async def test_an_operation_gets_what_an_executor_would_give(
    whole: Hub,
    viewers: dict[str, Viewer | None],
    executors: dict[str, Executor],
    drawn: st.SearchStrategy[Operation],
    rendering: Rendering,
    name: str,
    part: int,
    data: st.DataObject,
) -> None:
    operation = data.draw(drawn)
    planned = await whole.run(operation.text, operation.variables, viewer=viewers[name])
    expected = executors[name].run(operation.text, operation.variables)
    assert _errors(planned) == _errors(expected), [str(one) for one in expected.errors or ()]
    assert _same(json.loads(json.dumps(planned.data)), expected.data), (planned.data, expected.data)
    if await rendering():
        # Its lists are rendered now, and that must make no difference.
        rendered = await whole.run(operation.text, operation.variables, viewer=viewers[name])
        assert (rendered.data, _errors(rendered)) == (planned.data, _errors(planned))
