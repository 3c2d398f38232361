"""Plans are compiled once per document, operation, audience and shape, and their memory is bounded."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from domain.rights import Grant, Role
from domain.viewer import Viewer
from schema.extensions.known_documents import digest_of
from schema.plan.operation import PreparedOperation
from schema.plan.statement import PlanCache
from schema.root import HubSchema, build_schema
from tests.api.hub import Hub

_MESSAGES = "query ($first: Int, $with: Boolean = true) { viewer { messages(first: $first) { nodes { id text @include(if: $with) } } } }"


@pytest.fixture
def fresh(hub: Hub) -> HubSchema:
    """A schema whose memory of plans is empty."""
    hub.schema = build_schema()
    return hub.schema


def prepare(schema: HubSchema, text: str) -> PreparedOperation:
    operation = schema.plans.prepare(parse(text), digest_of(text), None)
    assert operation is not None
    return operation


async def answer(hub: Hub, schema: HubSchema, text: str, variables: dict[str, Any], viewer: Viewer | None) -> None:
    operation = prepare(schema, text)
    coerced = operation.coerce(variables)
    assert isinstance(coerced, dict)
    await operation.answer(hub.context(viewer), coerced)


async def test_the_same_document_is_compiled_once_for_all_citizens(
    hub: Hub, fresh: HubSchema, anna: Viewer, boris: Viewer
) -> None:
    for viewer in (anna, boris):
        for first in (1, 2, 3):
            await answer(hub, fresh, _MESSAGES, {"first": first}, viewer)
    info = fresh.plans.plan_cache_info()
    assert (info.plans, info.misses, info.hits) == (1, 1, 5)
    assert info.sql_chars > 100
    assert 0 < info.compile_s < 5


async def test_another_shape_or_audience_is_another_plan(hub: Hub, fresh: HubSchema, anna: Viewer) -> None:
    staff = Viewer(anna.person_id, anna.issuer, anna.subject, (Grant(Role.CONTROLLER, "city-roads"),))
    for viewer in (anna, staff, None):
        for wanted in (True, False):
            await answer(hub, fresh, _MESSAGES, {"first": 1, "with": wanted}, viewer)
    # Nobody's answer is null whatever is asked below.
    assert fresh.plans.plan_cache_info().plans == 5


async def test_a_faulty_request_has_a_plan_of_its_own_and_does_not_push_out_the_others(
    hub: Hub, fresh: HubSchema, anna: Viewer
) -> None:
    for first in (1, 0, 1, 0, 2, 1000):
        await answer(hub, fresh, _MESSAGES, {"first": first}, anna)
    info = fresh.plans.plan_cache_info()
    assert (info.plans, info.misses) == (2, 2), "0 and 1000 are the same fault"


async def test_the_least_recently_used_plans_are_forgotten(hub: Hub, fresh: HubSchema) -> None:
    cache = fresh.plans.cache = PlanCache(most_plans=3)
    for number in range(6):
        await answer(hub, fresh, f"{{ a{number}: organisations {{ nodes {{ code }} }} }}", {}, None)
        await answer(hub, fresh, "{ organisations { nodes { code } } }", {}, None)
    assert cache.info.plans == 3
    assert cache.info.misses == 7, "the one in use stayed"
    await answer(hub, fresh, "{ a0: organisations { nodes { code } } }", {}, None)
    assert cache.info.misses == 8


async def test_the_length_of_the_sql_is_bounded(hub: Hub, fresh: HubSchema) -> None:
    cache = fresh.plans.cache = PlanCache(most_chars=5_000)
    for number in range(20):
        await answer(hub, fresh, f"{{ a{number}: organisations {{ nodes {{ code name }} }} }}", {}, None)
    assert 0 < cache.info.sql_chars <= 5_000


async def test_a_plan_too_long_to_keep_still_answers(hub: Hub, fresh: HubSchema) -> None:
    fresh.plans.cache = PlanCache(most_chars=10)
    result = await hub.run('{ organisation(code: "city-roads") { code } }')
    assert result.data == {"organisation": {"code": "city-roads"}}
    assert fresh.plans.plan_cache_info().plans == 0


async def test_only_what_a_request_brings_is_a_parameter(hub: Hub, fresh: HubSchema, anna: Viewer) -> None:
    text = "{ viewer { messages(first: 3) { nodes { deliveries { reason } organisation { kind } } } } }"
    with hub.statements() as statements:
        await answer(hub, fresh, text, {}, anna)
    [statement] = statements
    assert "'EXECUTIVE_BODY'" not in statement
    assert statement.count("'It will be sent shortly.'") == 0
    assert "'Будет отправлено в ближайшее время.'" in statement, "a constant is written out"
