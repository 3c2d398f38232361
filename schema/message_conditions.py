"""The conditions and orders of messages as SQL, by the names that `message_filter.py` gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Exists,
    FromClause,
    Integer,
    Text,
    and_,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from domain.rights import Right
from domain.status import CLOSED_TO_AGENCIES
from schema.faults import filter_not_possible, filter_not_yours, list_too_long
from schema.plan.conditions import Condition, Given, Order
from schema.plan.global_id import read_uuid_id
from schema.plan.values import storable
from schema.searching import (
    MOST_METRES,
    near_condition,
    place_condition,
    reference_condition,
    relevance,
    text_condition,
    whole_reference,
)
from store.scope import sees_author
from store.tables import (
    AnswerRow,
    CategoryRow,
    OrganisationAboveRow,
    OrganisationRow,
    TerritoryAboveRow,
    VerdictRow,
)

__all__ = ["CONDITIONS", "MOST_METRES", "ORDERS"]
_MOST_VALUES = 20
_NOBODY = UUID(int=0)


def _code(given: Given) -> ColumnElement[Any]:
    return given.bind(Text(), lambda value: storable(f"filter.{given.name}", value))


def _equals(column: str) -> Condition:
    return Condition(lambda table, given: cast(table.c[column], Text) == given.bind(Text(), lambda value: value.value))


def _status(table: FromClause, given: Given) -> ColumnElement[bool]:
    def read(value: list[Any]) -> list[str]:
        if len(value) > _MOST_VALUES:
            raise list_too_long("filter.status", _MOST_VALUES)
        return [one.value for one in value]

    return cast(table.c.status, Text) == sql_any(given.bind(ARRAY(Text), read))


def _category(table: FromClause, given: Given) -> ColumnElement[bool]:
    inside = CategoryRow.__table__.alias()
    code = _code(given)
    return table.c.category_code.in_(
        select(inside.c.code).where(or_(inside.c.code == code, inside.c.parent_code == code))
    )


def _territory(table: FromClause, given: Given) -> ColumnElement[bool]:
    above = TerritoryAboveRow.__table__.alias()
    return table.c.territory_code.in_(select(above.c.territory_code).where(above.c.above_code == _code(given)))


def _below(table: FromClause, given: Given) -> ColumnElement[bool]:
    above = OrganisationAboveRow.__table__.alias()
    return table.c.organisation_code.in_(select(above.c.organisation_code).where(above.c.above_code == _code(given)))


def _overdue(table: FromClause, given: Given) -> ColumnElement[bool]:
    organisation = OrganisationRow.__table__.alias()
    zone = select(organisation.c.timezone).where(organisation.c.code == table.c.organisation_code).scalar_subquery()
    today = cast(func.timezone(func.coalesce(zone, literal_column("'UTC'")), func.now()), Date)
    ended = cast(table.c.status, Text).in_(
        [literal_column(f"'{status.value}'") for status in sorted(CLOSED_TO_AGENCIES)]
    )
    # It is never later anywhere than one day ahead of Greenwich; this bound is what an index can serve.
    tomorrow = cast(func.timezone(literal_column("'UTC'"), func.now()), Date) + literal_column("1")
    passed = and_(not_(ended), table.c.deadline_on < tomorrow, table.c.deadline_on < today)
    return passed if given.seen else not_(passed)


def _answered(table: FromClause) -> Exists:
    answer = AnswerRow.__table__.alias()
    return exists().where(answer.c.message_id == table.c.id)


def _rated(table: FromClause, *such: Callable[[FromClause], ColumnElement[bool]]) -> Exists:
    answer, verdict = AnswerRow.__table__.alias(), VerdictRow.__table__.alias()
    return exists().where(
        answer.c.message_id == table.c.id, verdict.c.answer_id == answer.c.id, *(one(verdict) for one in such)
    )


def _rating(table: FromClause, given: Given) -> ColumnElement[bool]:
    def read(value: int) -> int:
        if not 1 <= value <= 5:
            raise filter_not_possible(
                "filter.solutionRatingAtMost", "укажите число от 1 до 5.", "give a number from 1 to 5."
            )
        return value

    most = given.bind(Integer(), read)
    return _rated(table, lambda verdict: verdict.c.solution_rating <= most)


def _author(table: FromClause, given: Given) -> ColumnElement[bool]:
    if Right.AUTHORS not in given.audience.rights:
        raise filter_not_yours("filter.author")
    author = given.bind(PG_UUID(as_uuid=True), lambda value: read_uuid_id(value, "Person") or _NOBODY)
    # Only where the viewer may know the author: else the answer would tell who wrote other messages.
    return and_(table.c.person_id == author, sees_author(given.audience, table))


def _yes_or_no(condition: Callable[[FromClause], ColumnElement[bool]]) -> Condition:
    return Condition(lambda table, given: condition(table) if given.seen else not_(condition(table)), shape=bool)


CONDITIONS: Mapping[str, Condition] = {
    "status": Condition(_status),
    "category": Condition(_category),
    "territory": Condition(_territory),
    "organisation": Condition(lambda table, given: table.c.organisation_code == _code(given)),
    "organisationOrBelow": Condition(_below),
    "receivedFrom": Condition(lambda table, given: table.c.received_at >= given.bind(DateTime(timezone=True))),
    "receivedBefore": Condition(lambda table, given: table.c.received_at < given.bind(DateTime(timezone=True))),
    "deadlineFrom": Condition(lambda table, given: table.c.deadline_on >= given.bind(Date())),
    "deadlineBefore": Condition(lambda table, given: table.c.deadline_on < given.bind(Date())),
    "overdue": Condition(_overdue, shape=bool),
    "hasAnswer": _yes_or_no(_answered),
    "rated": _yes_or_no(_rated),
    "solutionRatingAtMost": Condition(_rating),
    "channel": _equals("channel"),
    "regime": _equals("regime"),
    "near": Condition(near_condition),
    "place": Condition(place_condition),
    "reference": Condition(reference_condition, shape=whole_reference),
    "text": Condition(text_condition),
    "author": Condition(_author),
}

ORDERS: Mapping[str, Order] = {
    "RECEIVED_AT": Order(lambda table, _: table.c.received_at),
    "DEADLINE_ON": Order(lambda table, _: table.c.deadline_on),
    "STATUS_SINCE": Order(lambda table, _: table.c.status_since),
    "RELEVANCE": Order(relevance, needs="text"),
}
