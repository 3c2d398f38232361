"""Lists of messages: what every connection has, and the groups of the whole list."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, Date, FromClause, Integer, cast, null
from sqlalchemy.types import TypeEngine

from domain.status import Status
from schema.category import Category
from schema.fields import field
from schema.message import Message
from schema.organisation import Organisation
from schema.plan.declare import Column, Expression, planned, shows, stored
from schema.plan.totals_sql import COUNT, MONTH, MOST_COUNTED, MOST_GROUPS
from schema.relay import Connection
from schema.territory import Territory
from store.tables import MessageRow


def _of_group(name: str, kind: TypeEngine[Any]) -> Expression:
    """A column that groups have and messages have not."""

    def expression(table: FromClause) -> ColumnElement[Any]:
        column = table.c.get(name)
        return cast(null(), kind) if column is None else column

    return expression


@strawberry.enum(description="What messages can be grouped by.")
class MessageGrouping(Enum):
    STATUS = strawberry.enum_value("STATUS", description="Where they stand.")
    CATEGORY = strawberry.enum_value("CATEGORY", description="What they are about.")
    TERRITORY = strawberry.enum_value("TERRITORY", description="Where the matter lies.")
    ORGANISATION = strawberry.enum_value("ORGANISATION", description="The responsible organisation.")
    MONTH = strawberry.enum_value("MONTH", description="The month in which they were received.")


@stored(MessageRow)
@strawberry.type(
    description="Messages that have something in common. Of its fields, `count` and the one that was grouped by are given."
)
class MessageGroup:
    count: int = strawberry.field(
        description="How many there are.",
        metadata=shows(Column(_of_group(COUNT, Integer()), sure="a count of at most ten thousand")),
    )
    status: Status | None = strawberry.field(description="Where they stand.")
    category: Category | None = strawberry.field(description="What they are about; null also for those without.")
    territory: Territory | None = strawberry.field(
        description="Where the matter lies; null also for those without a place."
    )
    organisation: Organisation | None = strawberry.field(
        description="The responsible organisation; null also for those without."
    )
    month: date | None = strawberry.field(
        description="The first day of the month in which they were received, by Greenwich.",
        metadata=shows(Column(_of_group(MONTH, Date()))),
    )


@stored(None)
@strawberry.type(description="One page of a list of messages.")
class MessageConnection(Connection[Message]):
    @field(
        "How many messages of the list share something, the largest group first: "
        f"{MOST_GROUPS} groups at most, of the newest {MOST_COUNTED} messages.",
    )
    def groups(
        self, by: Annotated[MessageGrouping, strawberry.argument(description="What they share.")]
    ) -> list[MessageGroup]:
        planned()
