"""Finding the message somebody wants to watch, and what a reading made now would show of its events.

Promises: a message that the viewer may not see is not found; one statement, on the primary, because a replica may not have the message yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import psycopg

from domain.reference import read_reference
from domain.viewer import Viewer
from store.reading import ReadStatement, read_statement
from store.scope import Audience, audience_of, viewer_parameters, visible
from store.tables import MessageRow
from store.unit import Database

_DIALECT: Any = psycopg.dialect


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions were over at one moment, as PostgreSQL's `pg_snapshot` says it: whatever they wrote, any later reading shows.

    Numbers alone would not tell: a transaction may have begun long before others and commit after them.
    """

    xmin: int
    """All below are over."""
    xmax: int
    """None from here on is over."""
    running: frozenset[int]
    """Those between the two that are not over."""

    @classmethod
    @lru_cache(maxsize=4096)
    def read(cls, text: str) -> Snapshot:
        """From PostgreSQL's text, such as `100:104:100,102`."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(one) for one in running.split(",") if one))

    def shows(self, tx: int) -> bool:
        """Whether this transaction was over."""
        return tx < self.xmin or (tx < self.xmax and tx not in self.running)


@dataclass(frozen=True, slots=True)
class Found:
    """A message that may be watched; `seen` is what whoever reads it from now on has seen at least."""

    message_id: UUID
    seen: Snapshot


async def find_watched(database: Database, viewer: Viewer, spoken: str) -> Found | None:
    """The message with this number, if the viewer may see it."""
    reference = read_reference(spoken)
    if reference is None:
        return None
    statement, constants = _statement(audience_of(viewer))
    parameters = {**constants, **viewer_parameters(viewer), "reference": reference}
    text = await database.reads.json_text(statement, parameters)
    if text is None:
        return None
    message_id, seen = json.loads(text)
    return Found(UUID(message_id), Snapshot.read(seen))


@cache
def _statement(audience: Audience) -> tuple[ReadStatement, Mapping[str, Any]]:
    table = MessageRow.__table__.alias()
    found = func.json_build_array(table.c.id, cast(func.pg_current_snapshot(), Text))
    statement = select(found).where(
        table.c.reference == bindparam("reference", type_=Text), visible(audience, MessageRow, table)
    )
    compiled = statement.compile(dialect=_DIALECT())
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return read_statement(str(compiled)), constants
