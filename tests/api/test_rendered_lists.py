"""Lists find the JSON of their messages ready. Rendered or not, an answer has the same bytes, and a change is seen at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import strawberry
from sqlalchemy import delete, func, insert, select, text, update

from domain.event import EventKind
from domain.rights import Role
from domain.viewer import Viewer
from schema.root import build_schema
from store.renderings import forget_unwanted, render_some, render_until
from store.statistics import verifying
from store.tables import (
    RENDERING_DUE,
    AnswerRow,
    CategoryRow,
    EventRow,
    MessageRow,
    OrganisationRow,
    RenderedShapeRow,
    RenderingRow,
)
from store.unit import libpq_address
from tests.api.hub import Hub
from tests.api.lists import MINE, OF_A_BODY, PLACE, Lists
from tests.delivery.installation import until


@pytest.fixture
def schema() -> strawberry.Schema:
    """One of its own: whether its lists are rendered is nobody else's business."""
    return build_schema()


@pytest.fixture
async def lists(hub: Hub) -> Lists:
    return Lists(hub, hub.schema.plans)  # type: ignore[attr-defined]  # HubSchema has them


async def test_a_list_reads_what_was_rendered(lists: Lists, hub: Hub, anna: Viewer) -> None:
    message = await hub.submit(anna)
    anew = await lists.ask(MINE, anna)
    await lists.settle()
    assert await lists.count() == 1
    assert await lists.ask(MINE, anna) == anew

    # A rendering that says something else shows that it is what is read.
    await lists.change(update(RenderingRow).values(body={"reference": "rendered"}))
    assert (await lists.ask(MINE, anna))["viewer"]["messages"]["nodes"] == [{"reference": "rendered"}]
    assert (await lists.ask_anew(MINE, anna))["viewer"]["messages"]["nodes"][0]["reference"] == message["reference"]


async def test_one_statement_answers_a_rendered_list(lists: Lists, hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.settle()
    with hub.statements() as statements:
        await lists.ask(MINE, anna)
    assert len(statements) == 1
    assert "rendering" in statements[0]


async def test_edges_are_rendered_too_and_officials_and_citizens_share_them(
    lists: Lists, hub: Hub, anna: Viewer
) -> None:
    message = await hub.submit(anna, category="roads/pothole", place=PLACE)
    code = message["organisation"]["code"]
    head = await hub.official("head", Role.HEAD, code)
    anew = await lists.ask(OF_A_BODY, head, code=code)
    await lists.settle()
    assert await lists.ask(OF_A_BODY, head, code=code) == anew
    assert await lists.ask(OF_A_BODY, anna, code=code) == anew
    assert await lists.count() == 1


CHANGES: dict[str, Callable[[UUID], Any]] = {
    "a move": lambda key: update(MessageRow).where(MessageRow.id == key).values(status="IN_PROGRESS"),
    "an event": lambda key: insert(EventRow).values(
        message_id=key,
        actor="agency",
        kind=EventKind.STATUS,
        to_status="IN_PROGRESS",
        note="note",
        note_is_public=True,
        applied=True,
    ),
    "an answer": lambda key: insert(AnswerRow).values(
        id=func.gen_random_uuid(), message_id=key, version=1, organisation_code="city-roads", text="Сделано."
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_seen_at_once_and_rendered_again(lists: Lists, hub: Hub, anna: Viewer, change: str) -> None:
    await hub.submit(anna)
    before = await lists.ask(MINE, anna)
    await lists.settle()
    async with hub.database.unit() as unit:
        key = (await unit.execute(select(MessageRow.id))).scalar_one()
    await lists.change(CHANGES[change](key))
    after = await lists.ask(MINE, anna)
    assert after == await lists.ask_anew(MINE, anna) != before
    assert await lists.count() == 0
    await lists.settle()
    assert await lists.count() == 1
    assert await lists.ask(MINE, anna) == after


@pytest.mark.parametrize(
    ("row", "code"), [(CategoryRow, "roads/pothole"), (OrganisationRow, "city-roads")], ids=["category", "organisation"]
)
async def test_a_new_name_is_seen_at_once_and_rendered_again(
    lists: Lists, hub: Hub, anna: Viewer, row: Any, code: str
) -> None:
    await hub.submit(anna, category="roads/pothole", place=PLACE)
    await lists.ask(MINE, anna)
    await lists.settle()
    await lists.change(update(row).where(row.code == code).values(name_ru="Новое имя", name_en="A new name"))
    after = await lists.ask(MINE, anna)
    assert "имя" in str(after) or "A new name" in str(after)
    await lists.settle()
    assert await lists.ask(MINE, anna) == after


async def test_a_name_that_stays_what_it_is_leaves_the_renderings_alone(lists: Lists, hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.settle()
    await lists.change(update(CategoryRow).values(name_ru=CategoryRow.name_ru))
    assert await lists.render() == 0


async def test_what_depends_on_the_request_or_the_viewer_is_not_rendered(lists: Lists, hub: Hub, anna: Viewer) -> None:
    varying = {
        "a variable": "query Q($last: Int) { viewer { messages { nodes { history(last: $last) { kind } } } } }",
        "a directive": "query Q($with: Boolean! = true) { viewer { messages { nodes { id text @include(if: $with) } } } }",
        "the author": "{ viewer { messages { nodes { author { id } } } } }",
        "deliveries": "{ viewer { messages { nodes { deliveries { state } } } } }",
        "other messages": "{ viewer { messages { nodes { organisation { messages { nodes { id } } } } } } }",
        "statistics": "{ viewer { messages { nodes { organisation { statistics { total } } } } } }",
    }
    lists.plans.is_trusted = lambda _: True
    await hub.submit(anna)
    for document in varying.values():
        await lists.ask(document, anna)
    await lists.shapes.refresh(hub.database)
    async with hub.database.unit() as unit:
        kept = (await unit.execute(select(RenderedShapeRow.statement))).scalars().all()
    # Of the list within a list, the inner one has a shape of its own.
    assert len(kept) == 1
    assert "organisation" not in kept[0]


async def test_documents_that_nobody_trusts_are_not_rendered(lists: Lists, hub: Hub, anna: Viewer) -> None:
    lists.plans.is_trusted = lambda _: False
    await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.settle()
    assert await lists.count() == 0


async def test_a_message_under_change_is_rendered_after_the_change(lists: Lists, hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.shapes.refresh(hub.database)
    async with hub.database.unit() as writer:
        await writer.execute(update(MessageRow).values(status="IN_PROGRESS"))
        # The renderer meets the message, and must not keep what it sees now.
        assert await lists.render() == 1
        assert await lists.count() == 0
    await lists.settle()
    assert await lists.ask(MINE, anna) == await lists.ask_anew(MINE, anna)
    async with hub.database.unit() as unit:
        assert (await unit.execute(select(RenderingRow.body))).scalar_one()["status"] == "IN_PROGRESS"


async def test_who_changes_waits_for_a_rendering_under_way_and_then_forgets_it(
    lists: Lists, hub: Hub, anna: Viewer
) -> None:
    await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.shapes.refresh(hub.database)
    async with hub.database.unit() as renderer:
        assert await render_some(renderer) == 1
        async with hub.database.unit() as writer:
            await writer.execute(text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                await writer.execute(update(MessageRow).values(status="IN_PROGRESS"))
            await writer.connection.rollback()
    await lists.change(update(MessageRow).values(status="IN_PROGRESS"))
    assert await lists.count() == 0


async def test_messages_are_not_changed_under_an_old_snapshot(hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    async with hub.database.engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        with pytest.raises(Exception, match="READ COMMITTED"):
            await connection.execute(update(MessageRow).values(status="IN_PROGRESS"))


async def test_two_never_render_at_once(lists: Lists, hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.shapes.refresh(hub.database)
    async with hub.database.unit() as one:
        assert await render_some(one) == 1
        assert await lists.render() == 0


async def test_a_removed_rendering_costs_time_and_nothing_else(lists: Lists, hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    anew = await lists.ask(MINE, anna)
    await lists.settle()
    await lists.change(delete(RenderingRow))
    assert await lists.ask(MINE, anna) == anew


async def test_nothing_is_due_while_no_shape_is_kept(hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    async with hub.database.unit() as unit:
        assert (await unit.execute(select(func.count()).select_from(RENDERING_DUE))).scalar_one() == 0


async def test_verify_finds_a_rendering_that_lies_and_mend_forgets_it(lists: Lists, hub: Hub, anna: Viewer) -> None:
    message = await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.settle()

    def wrong() -> list[str]:
        with psycopg.connect(libpq_address(hub.database.url)) as connection:
            return [line for one in verifying.verify(connection) for line in one.examples]

    assert await asyncio.to_thread(wrong) == []
    await lists.change(update(RenderingRow).values(body={"reference": "wrong"}))
    (found,) = await asyncio.to_thread(wrong)
    assert found.startswith(f"{message['reference']}: rendered in shape")

    def mend() -> None:
        with psycopg.connect(libpq_address(hub.database.url)) as connection:
            verifying.mend(connection)

    await asyncio.to_thread(mend)
    assert await lists.count() == 0
    await lists.settle()
    assert await lists.count() == 1
    assert await asyncio.to_thread(wrong) == []


async def test_a_worker_renders_what_a_gateway_wants(lists: Lists, hub: Hub, anna: Viewer) -> None:
    for _ in range(3):
        await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.shapes.refresh(hub.database)
    stopping = asyncio.Event()
    worker = asyncio.create_task(render_until(hub.database, stopping, nap_s=0.01))
    await until(lists.are_three)
    await lists.change(update(MessageRow).values(status="IN_PROGRESS"))
    await until(lists.are_three)
    stopping.set()
    await worker
    assert "IN_PROGRESS" in str(await lists.ask(MINE, anna))


async def test_a_shape_that_nobody_wants_for_a_week_is_forgotten(lists: Lists, hub: Hub, anna: Viewer) -> None:
    await hub.submit(anna)
    await lists.ask(MINE, anna)
    await lists.settle()
    assert await _forget(hub) == 0
    await lists.change(update(RenderedShapeRow).values(wanted_at=func.now() - timedelta(days=8)))
    assert await _forget(hub) == 1
    assert await lists.count() == 0


async def _forget(hub: Hub) -> int:
    async with hub.database.unit() as unit:
        return await forget_unwanted(unit)
