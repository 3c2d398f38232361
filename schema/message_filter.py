"""MessageFilter and MessageOrder: what messages can be looked for and ordered by. The input types and, beside them, what each field means in SQL.

A filter chooses among the messages the viewer may see anyway; nothing here widens that.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from domain.message import Channel, Regime
from domain.status import Status
from schema.message_conditions import CONDITIONS, MOST_METRES, ORDERS
from schema.plan.conditions import Filter, Orders
from schema.plan.filter_sql import MOST_CONDITIONS, MOST_DEPTH
from schema.plan.order_sql import MOST_KEYS


def _said(description: str) -> str | None:
    """A field of the filter: null means that it is not given."""
    field: str | None = strawberry.field(description=description, default=None)
    return field


@strawberry.input(description="A circle on the map.")
class NearInput:
    latitude: float = strawberry.field(description="Degrees north of its centre.")
    longitude: float = strawberry.field(description="Degrees east of its centre.")
    within_meters: int = strawberry.field(description=f"Its radius in metres, 1 to {MOST_METRES}.")


@strawberry.input(
    description=(
        "Which messages are wanted: those that meet all the conditions given. A field that is null or left out is no condition; an empty list is "
        f"an error. At most {MOST_CONDITIONS} conditions, and `any` and `none` at most {MOST_DEPTH} levels deep."
    )
)
class MessageFilter:
    status: list[Status] | None = strawberry.field(description="They stand in one of these statuses.", default=None)
    category: str | None = strawberry.field(
        description="The code of a topic, or of a branch, which includes its topics.", default=None
    )
    territory: str | None = strawberry.field(
        description="The code of a territory; those inside it are included.", default=None
    )
    organisation: str | None = strawberry.field(
        description="The code of the responsible organisation, without those below it.", default=None
    )
    organisation_or_below: str | None = strawberry.field(
        description="The code of an organisation; it or one below it is responsible.", default=None
    )
    received_from: datetime | None = strawberry.field(description="Received at this moment or later.", default=None)
    received_before: datetime | None = strawberry.field(description="Received before this moment.", default=None)
    deadline_from: date | None = strawberry.field(description="To be answered by this day or later.", default=None)
    deadline_before: date | None = strawberry.field(description="To be answered before this day.", default=None)
    overdue: bool | None = strawberry.field(
        description="Whether the deadline has passed, where the organisation is, without an answer or another end.",
        default=None,
    )
    has_answer: bool | None = strawberry.field(description="Whether there is an answer.", default=None)
    rated: bool | None = strawberry.field(description="Whether the citizen has rated an answer.", default=None)
    solution_rating_at_most: int | None = strawberry.field(
        description="The citizen rated a solution with this or less, 1 to 5.", default=None
    )
    channel: Channel | None = strawberry.field(description="They came this way.", default=None)
    regime: Regime | None = strawberry.field(description="They live by this law.", default=None)
    near: NearInput | None = strawberry.field(description="Their point lies in this circle.", default=None)
    place: str | None = strawberry.field(
        description="Their address resembles this, such as `Ленина 5`; small mistakes are forgiven.", default=None
    )
    reference: str | None = strawberry.field(
        description="Their number, or its first digits (four at least), with or without dashes and spaces.",
        default=None,
    )
    text: str | None = strawberry.field(
        description=(
            'Words of the text or the address, in any of their forms. `"…"` wants the words beside each other, `-word` leaves out, `or` is either.'
        ),
        default=None,
    )
    author: strawberry.ID | None = strawberry.field(
        description="The id of the Person who wrote them. Only for roles that may see authors; FORBIDDEN for others.",
        default=None,
    )
    any: list[MessageFilter] | None = strawberry.field(description="They meet at least one of these.", default=None)
    none: list[MessageFilter] | None = strawberry.field(description="They meet not one of these.", default=None)


@strawberry.enum(description="What messages can be ordered by.")
class MessageOrderField(Enum):
    RECEIVED_AT = strawberry.enum_value("RECEIVED_AT", description="When they were received. The fastest.")
    DEADLINE_ON = strawberry.enum_value("DEADLINE_ON", description="The last day for the answer.")
    STATUS_SINCE = strawberry.enum_value("STATUS_SINCE", description="Since when they stand where they stand.")
    RELEVANCE = strawberry.enum_value(
        "RELEVANCE",
        description="How well they fit the condition `text`, which must be given; DESC puts the best first.",
    )


@strawberry.enum(description="Which end comes first.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="The earliest or least first.")
    DESC = strawberry.enum_value("DESC", description="The latest or greatest first.")


@strawberry.input(description="One step of an order; a later step decides where the earlier ones are equal.")
class MessageOrder:
    field: MessageOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(description="Which end comes first.")


FilteredBy = Annotated[
    MessageFilter | None, strawberry.argument(description="Which messages; all you may see unless said.")
]
OrderedBy = Annotated[
    list[MessageOrder] | None,
    strawberry.argument(
        description=f"The order, 1 to {MOST_KEYS} steps; the newest first unless said. Cursors hold only under the order they were made in."
    ),
]

MESSAGE_FILTER = Filter(CONDITIONS)
MESSAGE_ORDERS = Orders(ORDERS)
