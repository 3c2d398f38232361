"""Subscription: a message as it changes, its present state first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from schema.context import Context
from schema.faults import message_not_found
from schema.fields import subscription
from schema.message import Message
from schema.plan.declare import by_key
from schema.signed_in import signed_in
from store.watched import find_watched


@strawberry.type(description="What can be followed live, over WebSocket or server-sent events.")
class Subscription:
    @subscription(
        "One of your messages: at once as it is, and again after each change. Ends with an error when there is no such message."
    )
    async def message_changed(
        self,
        info: strawberry.Info[Context, None],
        reference: Annotated[str, strawberry.argument(description="The number of your message.")],
    ) -> AsyncIterator[Message]:
        context = info.context
        found = await find_watched(context.database, signed_in(context), reference)
        if found is None:
            raise message_not_found()
        # Watched before the first reading, so that no change falls between the two.
        async with context.changes.watch(found.message_id, found.seen) as changes:
            yield by_key(Message, found.message_id)
            async for _ in changes:
                yield by_key(Message, found.message_id)
