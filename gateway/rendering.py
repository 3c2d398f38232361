"""Lists of trusted documents find the JSON of their messages ready; the worker makes it (`store/renderings.py`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from schema.root import HubSchema
from store.renderings import RenderedShapes
from store.unit import Database


@contextlib.asynccontextmanager
async def rendered_lists(schema: HubSchema, database: Database, *, wanted: bool) -> AsyncIterator[None]:
    """For the time of the block plans say which selections they would like rendered, and use those that are; unless `wanted`, nothing."""
    if not wanted:
        yield
        return
    shapes = RenderedShapes()
    schema.plans.rendered = shapes
    schema.plans.is_trusted = lambda digest: schema.documents.trusted(digest) is not None
    fresh = asyncio.create_task(shapes.keep_fresh(database), name="rendered shapes")
    try:
        yield
    finally:
        schema.plans.rendered = None
        fresh.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await fresh
