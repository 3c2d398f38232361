"""While several change messages and names, and several render, no reader ever sees a rendering that is not what the message says."""

from __future__ import annotations

import asyncio
import random

import pytest
import strawberry
from sqlalchemy import insert, select, text, update

from domain.viewer import Viewer
from schema.root import build_schema
from store.renderings import render_some
from store.tables import CategoryRow, EventRow, MessageRow, OrganisationRow
from tests.api.hub import Hub
from tests.api.lists import MINE, PLACE, Lists

MESSAGES = 12
CHANGES = 60
WRITERS = 3


@pytest.fixture
def schema() -> strawberry.Schema:
    return build_schema()


class Changes:
    """Random changes, each a transaction of its own that takes its time or comes to nothing."""

    def __init__(self, hub: Hub, seed: int) -> None:
        self._hub = hub
        self._random = random.Random(seed)

    async def write(self, count: int) -> None:
        for number in range(count):
            await self._change(number)

    async def _change(self, number: int) -> None:
        chance = self._random
        async with self._hub.database.engine.connect() as connection:
            keys = sorted((await connection.execute(select(MessageRow.id))).scalars())
            # In the order of their keys, so that writers wait for each other and not in a circle.
            for key in sorted(chance.sample(keys, 2)):
                note = {"note": str(number), "note_is_public": True, "applied": False, "actor": "agency"}
                await connection.execute(insert(EventRow).values(message_id=key, kind="NOTE", **note))
                await connection.execute(
                    update(MessageRow).where(MessageRow.id == key).values(text=f"{number} {chance.random()}")
                )
                await asyncio.sleep(chance.choice((0, 0, 0.002, 0.01)))
            if chance.random() < 0.1:
                row = chance.choice((CategoryRow, OrganisationRow))
                await connection.execute(update(row).values(name_ru=f"{number}", name_en=f"{number}"))
            if chance.random() < 0.2:
                await connection.rollback()
            else:
                await connection.commit()


async def test_no_reader_sees_a_rendering_that_lies(hub: Hub, anna: Viewer) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    lists = Lists(hub, hub.schema.plans)  # type: ignore[attr-defined]  # HubSchema has them
    for _ in range(MESSAGES):
        await hub.submit(anna, category="roads/pothole", place=PLACE)
    await lists.ask(MINE, anna)
    await lists.settle()
    async with hub.database.reader() as connection:
        shapes = (await connection.execute(text("SELECT number, statement FROM rendered_shape"))).all()
    ((number, statement),) = shapes
    lies = (
        f"SELECT kept.body, made.body FROM rendering kept JOIN ({statement}) AS made ON made.id = kept.message_id "
        f"WHERE kept.shape = {number} AND kept.version = (SELECT version FROM read_version WHERE name = 'names') "
        "AND kept.body::text <> made.body::text"
    )
    over = asyncio.Event()
    found = {"renderings": 0}

    async def render() -> None:
        while not over.is_set():
            async with hub.database.unit() as unit:
                found["renderings"] += await render_some(unit, 5)
            await asyncio.sleep(0)

    async def look() -> None:
        async with hub.database.reader() as connection:
            while not over.is_set():
                assert (await connection.exec_driver_sql(lies)).all() == []

    helpers = [asyncio.create_task(what()) for what in (render, render, look, look)]
    try:
        async with asyncio.timeout(120):
            await asyncio.gather(*(Changes(hub, seed + one).write(CHANGES // WRITERS) for one in range(WRITERS)))
    finally:
        over.set()
        await asyncio.gather(*helpers)
    assert found["renderings"] > MESSAGES
    await lists.settle()
    assert await lists.count() == MESSAGES
    assert await lists.ask(MINE, anna) == await lists.ask_anew(MINE, anna)
