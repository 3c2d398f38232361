"""Viewer: the person who is signed in."""

from __future__ import annotations

import strawberry

from schema.arguments import After, Before, First, Last
from schema.fields import field
from schema.message_filter import MESSAGE_FILTER, MESSAGE_ORDERS, FilteredBy, OrderedBy
from schema.message_list import MessageConnection
from schema.plan.declare import Pages, planned, stored
from store.scope import viewer_parameter
from store.tables import MessageRow


@stored(None)
@strawberry.type(description="The person who is signed in.")
class Viewer:
    @field(
        "The person's own messages, newest first.",
        Pages(
            MessageRow,
            order=("received_at", "id"),
            newest_first=True,
            where=lambda table: table.c.person_id == viewer_parameter(),
            filter=MESSAGE_FILTER,
            orders=MESSAGE_ORDERS,
        ),
    )
    def messages(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: FilteredBy = None,  # noqa: A002 - what it is called in GraphQL
        order_by: OrderedBy = None,
    ) -> MessageConnection:
        planned()
