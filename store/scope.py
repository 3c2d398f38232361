"""Who may see which rows: the one place that says so (P13). Every read that serves a person carries this condition in its statement.

A person sees what is their own. Somebody with a role sees, besides, the messages of the organisations in its subtree, as `domain/rights.py` says.
A table nobody has thought about is visible to nobody: asking for it is an error, not an open door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    exists,
    false,
    or_,
    select,
    true,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from domain.rights import Right
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
    OrganisationAboveRow,
    OrganisationRow,
    PersonRow,
    TerritoryRow,
    VerdictRow,
)

VIEWER = "viewer_id"
"""The name of the parameter that carries the viewer's `person_id`. It has no default: a statement run without it fails."""

_VIEWERS_KEPT = 20_000
"""Viewers whose audience and parameters a process keeps ready: they follow from the viewer alone."""

_FOR_EVERYONE = frozenset({OrganisationRow, TerritoryRow, CategoryRow})
_OF_A_MESSAGE = frozenset({EventRow, AnswerRow, CaseRow, DeliveryRow})


@dataclass(frozen=True, slots=True)
class Audience:
    """Viewers that one statement serves: signed in or not, and with which rights. The organisations they hold them on are bound, not compiled."""

    signed_in: bool
    rights: frozenset[Right] = frozenset()


ANYONE = Audience(signed_in=False)
CITIZEN = Audience(signed_in=True)


@lru_cache(maxsize=_VIEWERS_KEPT)
def audience_of(viewer: Viewer | None) -> Audience:
    return ANYONE if viewer is None else Audience(signed_in=True, rights=viewer.rights)


def viewer_parameter() -> BindParameter[Any]:
    return bindparam(VIEWER, type_=PG_UUID(as_uuid=True))


def organisations_parameter(right: Right) -> BindParameter[Any]:
    """The codes of the organisations on which the viewer holds a right, as an array of text."""
    return bindparam(_organisations_name(right), type_=ARRAY(Text))


@lru_cache(maxsize=_VIEWERS_KEPT)
def viewer_parameters(viewer: Viewer | None) -> Mapping[str, Any]:
    """Every parameter this module puts into statements, for one viewer. Names that a statement does not use do no harm."""
    return MappingProxyType(
        {
            VIEWER: None if viewer is None else viewer.person_id,
            **{_organisations_name(right): [] if viewer is None else viewer.organisations(right) for right in Right},
        }
    )


PARAMETERS = frozenset({VIEWER, *(f"viewer_{right.value}_at" for right in Right)})
"""The names of these parameters."""


def holds(audience: Audience, right: Right, organisation_code: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition under which the viewer holds a right at an organisation, itself or through one above it."""
    if right not in audience.rights:
        return false()
    above = OrganisationAboveRow.__table__.alias()
    found = exists().where(
        above.c.organisation_code == organisation_code, above.c.above_code == sql_any(organisations_parameter(right))
    )
    return found.correlate_except(above)  # the organisation's code may come from any row around this one


def reached_organisations(right: Right) -> Select[Any]:
    """The codes of the organisations at which the viewer holds a right, each once."""
    above = OrganisationAboveRow.__table__.alias()
    return (
        select(above.c.organisation_code)
        .where(above.c.above_code == sql_any(organisations_parameter(right)))
        .distinct()
    )


def visible(
    audience: Audience,
    row: type[Base],
    table: FromClause,
    below: type[Base] | None = None,
    at: ColumnElement[Any] | None = None,
) -> ColumnElement[bool]:
    """The condition under which the audience sees a row of `table`, an alias of `row`'s table.

    `below` is the row class by whose foreign key the statement arrives, when its own rows are limited already: what hangs below a visible
    message need not ask again whose message it is. `at` is the code of the organisation whose messages alone the statement lists: whether the
    viewer holds a right there is then asked once and not for each message. Raises LookupError for a table that is shown to nobody.
    """
    if row in _FOR_EVERYONE:
        return true()
    if row not in _OF_A_MESSAGE | {MessageRow, AttachmentRow, VerdictRow, PersonRow}:
        message = f"store/scope.py does not say who may see {row.__tablename__}"
        raise LookupError(message)
    if not audience.signed_in:
        return false()
    if row is MessageRow:
        return _sees_message(audience, table, at)
    if row is PersonRow:
        return _sees_person(audience, table)
    if row is VerdictRow:
        return true() if below is AnswerRow else _sees_verdict(audience, table)
    if below is MessageRow:
        return true()
    of_message = _message_visible(audience, table.c.message_id)
    # A file belongs to its giver before it belongs to a message.
    return or_(table.c.person_id == viewer_parameter(), of_message) if row is AttachmentRow else of_message


def _sees_message(audience: Audience, table: FromClause, at: ColumnElement[Any] | None = None) -> ColumnElement[bool]:
    own = table.c.person_id == viewer_parameter()
    if Right.MESSAGES not in audience.rights:
        return own
    return or_(own, holds(audience, Right.MESSAGES, table.c.organisation_code if at is None else at))


def _sees_person(audience: Audience, table: FromClause) -> ColumnElement[bool]:
    """Themselves; and the authors of messages at organisations where the viewer may know them."""
    own = table.c.id == viewer_parameter()
    if Right.AUTHORS not in audience.rights:
        return own
    written = MessageRow.__table__.alias()
    return or_(
        own,
        exists().where(written.c.person_id == table.c.id, holds(audience, Right.AUTHORS, written.c.organisation_code)),
    )


def sees_author(audience: Audience, message: FromClause) -> ColumnElement[bool]:
    """The condition under which the viewer of a visible message may know who wrote it."""
    own = message.c.person_id == viewer_parameter()
    return or_(own, holds(audience, Right.AUTHORS, message.c.organisation_code)) if audience.signed_in else false()


def _sees_verdict(audience: Audience, table: FromClause) -> ColumnElement[bool]:
    answer = AnswerRow.__table__.alias()
    of_answer = exists().where(answer.c.id == table.c.answer_id, _message_visible(audience, answer.c.message_id))
    return or_(table.c.person_id == viewer_parameter(), of_answer)


def _message_visible(audience: Audience, message_id: ColumnElement[Any]) -> ColumnElement[bool]:
    message = MessageRow.__table__.alias()
    seen = _sees_message(audience, message)
    if Right.MESSAGES not in audience.rights:
        return exists().where(message.c.id == message_id, seen)
    # Not EXISTS, which PostgreSQL would join: of a long list that is walked in its order only the first rows are looked at.
    return select(seen).where(message.c.id == message_id).scalar_subquery()


def _organisations_name(right: Right) -> str:
    return f"viewer_{right.value}_at"
