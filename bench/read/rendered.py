"""Before lists are measured: every message is rendered in the shapes that the measured documents ask for, as a worker does it in its idle time."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psycopg

from bench.read.kept import Kept
from bench.read.load import Say
from bench.read.operations import Operation
from bench.read.statements import Planner, statements_of
from store.renderings import RenderedShapes, render_some
from store.unit import Database

_AT_ONCE = 2_000


async def render_lists(kept: Kept, operations: Iterable[Operation], say: Say) -> RenderedShapes:
    """Render what is not rendered yet. The first time takes some minutes for a million messages."""
    database = Database(kept.server.url, application="okno bench")
    try:
        shapes = await known_shapes(database)
        planner = Planner(shapes)
        for operation in operations:
            await statements_of(operation, planner)
        await shapes.refresh(database)
        began_at, rendered = time.perf_counter(), 0
        while True:
            async with database.unit() as unit:
                some = await render_some(unit, _AT_ONCE)
            if not some:
                break
            rendered += some
    finally:
        await database.close()
    if rendered:
        with psycopg.connect(kept.server.dsn, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE, FREEZE) rendering")
        say(f"  {rendered} renderings made in {time.perf_counter() - began_at:.0f} s")
    return shapes


async def known_shapes(database: Database) -> RenderedShapes:
    """The shapes that the database keeps."""
    shapes = RenderedShapes()
    await shapes.refresh(database)
    return shapes
