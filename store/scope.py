"""Who may see which rows: the one place that says so (P13). Every read that serves a person carries this condition in its statement.

A table nobody has thought about is visible to nobody: asking for it is an error, not an open door.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, FromClause, bindparam, exists, false, select, true
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from domain.reference import read_reference
from domain.viewer import Viewer
from store.tables import (
    AnswerRow,
    AttachmentRow,
    Base,
    CaseRow,
    CategoryRow,
    DeliveryRow,
    EventRow,
    MessageRow,
    OrganisationRow,
    TerritoryRow,
    VerdictRow,
)
from store.unit import Database

VIEWER = "viewer_id"
"""The name of the parameter that carries the viewer's `person_id`. It has no default: a statement run without it fails."""

_FOR_EVERYONE = frozenset({OrganisationRow, TerritoryRow, CategoryRow})
_PERSONAL = frozenset({MessageRow, AttachmentRow, VerdictRow})
_OF_A_MESSAGE = frozenset({EventRow, AnswerRow, CaseRow, DeliveryRow})


class Audience(StrEnum):
    """Kinds of viewers that need different statements; one statement serves everybody of a kind."""

    ANYONE = "ANYONE"
    """Nobody is signed in."""
    CITIZEN = "CITIZEN"
    """A person who sees what is their own."""


def audience_of(viewer: Viewer | None) -> Audience:
    return Audience.ANYONE if viewer is None else Audience.CITIZEN


def viewer_parameter() -> BindParameter[Any]:
    return bindparam(VIEWER, type_=PG_UUID(as_uuid=True))


def visible(
    audience: Audience, row: type[Base], table: FromClause, below: type[Base] | None = None
) -> ColumnElement[bool]:
    """The condition under which the audience sees a row of `table`, an alias of `row`'s table.

    `below` is the row class by whose foreign key the statement arrives, when its own rows are limited already: what hangs below a visible
    message need not ask again whose message it is. Raises LookupError for a table that is shown to nobody.
    """
    if row in _FOR_EVERYONE:
        return true()
    if row not in _PERSONAL | _OF_A_MESSAGE:
        message = f"store/scope.py does not say who may see {row.__tablename__}"
        raise LookupError(message)
    if audience is Audience.ANYONE:
        return false()
    if row in _PERSONAL:
        return table.c.person_id == viewer_parameter()
    if below is MessageRow:
        return true()
    message_of = MessageRow.__table__.alias()
    return exists().where(message_of.c.id == table.c.message_id, message_of.c.person_id == viewer_parameter())


async def find_message(database: Database, viewer: Viewer, spoken: str) -> UUID | None:
    """The key of the message with this number, if the viewer may see it."""
    reference = read_reference(spoken)
    if reference is None:
        return None
    table = MessageRow.__table__.alias()
    statement = select(table.c.id).where(
        table.c.reference == reference, visible(audience_of(viewer), MessageRow, table)
    )
    async with database.reader() as connection:
        found: UUID | None = await connection.scalar(statement, {VIEWER: viewer.person_id})
    return found
