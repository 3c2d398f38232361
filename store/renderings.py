"""Renderings: the JSON that lists show of a message, made once for each selection (a shape) and kept beside it.

A list of the plan takes a message's rendering where there is one and makes the JSON anew where there is none, in one statement either way. So nobody
waits for a rendering, and none is ever wrong. Promises: the transaction that changes a message forgets its renderings (triggers of migration 0007); a
renamed organisation, category or territory makes all of them old at once; a rendering is made from a snapshot that no unfinished change is missing
from, because who renders holds a lock that every change of the message holds until its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CursorResult, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.exc import SQLAlchemyError

from store.tables import (
    AnswerRow,
    AttachmentRow,
    CaseRow,
    CategoryRow,
    EventRow,
    MessageRow,
    OrganisationRow,
    ReadVersionRow,
    RenderedShapeRow,
    TerritoryRow,
    VerdictRow,
)
from store.unit import Database, Unit

RENDERABLE: Final = frozenset(
    row.__tablename__
    for row in (
        AnswerRow,
        AttachmentRow,
        CaseRow,
        CategoryRow,
        EventRow,
        MessageRow,
        OrganisationRow,
        TerritoryRow,
        VerdictRow,
    )
)
"""The tables that a shape may read: those on which the triggers stand."""

MESSAGE_LOCK: Final = 3139
"""The class of the advisory locks of messages. The second number of a lock is one of 1024 that a message's key falls to."""
_RENDERING_LOCK: Final = 3140
"""Held by the one process that renders."""
AT_ONCE: Final = 200
"""Messages of one transaction."""
MOST_SHAPES: Final = 32
_UNWANTED_AFTER: Final = timedelta(days=7)
_WANTED_EVERY: Final = timedelta(hours=1)
_REFRESH_EVERY_S: Final = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shape:
    """One selection. `statement` gives `id` and `body` of every message, and `digest` is the SHA-256 of it."""

    digest: bytes
    statement: str


class RenderedShapes:
    """What one process knows of the shapes that are kept, and which ones it would like to be kept."""

    def __init__(self, most: int = MOST_SHAPES) -> None:
        self.generation = 0
        """Grows whenever other shapes are kept than before."""
        self._most = most
        self._numbers: Mapping[bytes, int] = {}
        self._wanted: dict[bytes, Shape] = {}

    def number(self, shape: Shape) -> int | None:
        """Under which number the shape is kept; None as long as it is not, and it is noted as wanted."""
        if len(self._wanted) < self._most:
            self._wanted.setdefault(shape.digest, shape)
        return self._numbers.get(shape.digest)

    async def refresh(self, database: Database) -> None:
        """Say what is wanted and learn what is kept. Raises SQLAlchemyError."""
        wanted = [shape for shape in self._wanted.values() if shape.digest not in self._numbers]
        async with database.unit() as unit:
            await _note_wanted(unit, wanted, self._most)
            await _note_in_use(unit, list(self._wanted))
            kept = (await unit.execute(select(RenderedShapeRow))).all()
        numbers = {bytes(one.digest): int(one.number) for one in kept}
        if numbers != self._numbers:
            self._numbers = numbers
            self.generation += 1

    async def keep_fresh(self, database: Database) -> None:
        """`refresh` every few seconds, until cancelled. A database that is away is tried again."""
        while True:
            try:
                await self.refresh(database)
            except SQLAlchemyError as error:
                log.warning("the rendered shapes cannot be read: %s", type(error).__name__)
            await asyncio.sleep(_REFRESH_EVERY_S)


async def _note_wanted(unit: Unit, wanted: Sequence[Shape], most: int) -> None:
    """Shapes beyond the most that are kept stay wanted; what nobody wants any more makes room."""
    if not wanted:
        return
    kept = int((await unit.execute(select(func.count()).select_from(RenderedShapeRow))).scalar_one())
    rows = [{"digest": one.digest, "statement": one.statement, "version": -1} for one in wanted[: max(0, most - kept)]]
    if rows:
        await unit.execute(insert(RenderedShapeRow).on_conflict_do_nothing(), rows)


async def _note_in_use(unit: Unit, digests: Sequence[bytes]) -> None:
    await unit.execute(
        update(RenderedShapeRow)
        .where(RenderedShapeRow.digest.in_(digests), RenderedShapeRow.wanted_at < func.now() - _WANTED_EVERY)
        .values(wanted_at=func.now())
    )


async def render_some(unit: Unit, most: int = AT_ONCE) -> int:
    """Render what is due, else what was never rendered; how many messages it was. None are when somebody else is at it.

    Whoever changes one of these messages meanwhile waits: for `AT_ONCE` of them some milliseconds.
    """
    if not (await unit.execute(select(func.pg_try_advisory_xact_lock(_RENDERING_LOCK)))).scalar_one():
        return 0
    # Lost with a crash, a rendering is made again.
    await unit.execute(text("SET LOCAL synchronous_commit = off"))
    shapes = (await unit.execute(select(RenderedShapeRow).order_by(RenderedShapeRow.number))).all()
    due = list((await unit.execute(_TAKE_DUE, {"most": most})).scalars())
    if due:
        await _render(unit, shapes, due)
        return len(due)
    version = int((await unit.execute(_VERSION)).scalar_one())
    for shape in shapes:
        filled = await _fill(unit, shape, version, most)
        if filled:
            return filled
    return 0


async def _render(unit: Unit, shapes: Sequence[Any], messages: Sequence[UUID]) -> None:
    free = set((await unit.execute(_LOCK, {"ids": messages})).scalars())
    busy = set(messages) - free
    if busy:
        await unit.execute(_PUT_OFF, {"ids": sorted(busy)})
    # The snapshots of the following statements begin after the locks were taken.
    for shape in shapes:
        await _run(unit, _rendering(shape.number, shape.statement, sorted(free)))


async def _fill(unit: Unit, shape: Any, version: int, most: int) -> int:  # noqa: ANN401 - a row of rendered_shape
    """The next messages of a shape, from the newest on; once more from the beginning when names have changed."""
    if shape.is_filled and shape.version == version:
        return 0
    beginning = shape.version != version
    down_to = None if beginning else shape.down_to
    newest_first = select(MessageRow.id).order_by(MessageRow.id.desc()).limit(most)
    wanted = newest_first if down_to is None else newest_first.where(MessageRow.id < down_to)
    messages = list((await unit.execute(wanted)).scalars())
    if messages:
        await _render(unit, [shape], messages)
    await unit.execute(
        update(RenderedShapeRow)
        .where(RenderedShapeRow.number == shape.number)
        .values(version=version, is_filled=not messages, down_to=messages[-1] if messages else down_to)
    )
    return len(messages)


def _rendering(number: int, statement: str, messages: Sequence[UUID]) -> str:
    """The statement that keeps the JSON of these messages. Its keys come from the database; the shape's own text was made by the plan."""
    keys = ",".join(str(key) for key in messages)
    return (
        "INSERT INTO rendering AS kept (message_id, shape, version, body) "  # noqa: S608 - see above
        f"SELECT made.id, {number}, (SELECT version FROM read_version WHERE name = 'names'), made.body "
        f"FROM ({statement}) AS made WHERE made.id = ANY('{{{keys}}}'::uuid[]) "
        "ON CONFLICT (message_id, shape) DO UPDATE SET version = excluded.version, body = excluded.body"
    )


async def _run(unit: Unit, statement: str) -> CursorResult[Any]:
    """A statement as it is: neither percent signs nor colons in it mean anything."""
    return await unit.connection.exec_driver_sql(statement)


async def forget_unwanted(unit: Unit) -> int:
    """Forget one shape that no process has wanted for a week; how many renderings of it there were."""
    unwanted = select(RenderedShapeRow.number).where(RenderedShapeRow.wanted_at < func.now() - _UNWANTED_AFTER).limit(1)
    number = (await unit.execute(unwanted)).scalar_one_or_none()
    if number is None:
        return 0
    # Millions of rows that nobody looks at.
    await unit.execute(text("SET LOCAL statement_timeout = '10min'"))
    await unit.execute(delete(RenderedShapeRow).where(RenderedShapeRow.number == number))
    return (await unit.execute(text("DELETE FROM rendering WHERE shape = :number"), {"number": number})).rowcount


async def render_until(database: Database, stopping: asyncio.Event, *, share: float = 0.3, nap_s: float = 1.0) -> None:
    """Render whatever is to be rendered until `stopping`, with at most `share` of the time; look every `nap_s` when there is nothing."""
    while not stopping.is_set():
        began_at = time.monotonic()
        try:
            async with database.unit() as unit:
                rendered = await render_some(unit) or await forget_unwanted(unit)
        except SQLAlchemyError as error:
            log.warning("lists are not rendered: %s", type(error).__name__)
            rendered = 0
        pause_s = (time.monotonic() - began_at) * (1 / share - 1) if rendered else nap_s
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause_s)


_IDS = bindparam("ids", type_=ARRAY(PG_UUID(as_uuid=True)))
_TAKE_DUE = text(
    "DELETE FROM rendering_due WHERE ctid = ANY(ARRAY(SELECT ctid FROM rendering_due LIMIT :most)) RETURNING message_id"
)
_LOCK = text(
    f"SELECT id FROM unnest(:ids) AS id WHERE pg_try_advisory_xact_lock({MESSAGE_LOCK}, uuid_hash(id) & 1023)"  # noqa: S608 - a number
).bindparams(_IDS)
_PUT_OFF = text("INSERT INTO rendering_due SELECT * FROM unnest(:ids)").bindparams(_IDS)
_VERSION = select(ReadVersionRow.version).where(ReadVersionRow.name == "names")
