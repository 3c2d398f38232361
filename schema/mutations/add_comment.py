"""addComment: the citizen adds words to a message that is there."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import strawberry

from domain.actions.add_comment import AddComment, add_comment
from domain.delivery import Purpose
from domain.event import EventKind
from domain.status import Mover
from schema.context import Context
from schema.errors import IdempotencyKeyReused, InvalidInput, NotFound
from schema.message import Message
from schema.mutations.wishing import NOTICE, PASSED_ON, Wish, wish
from store.messages import NewEvent, record_events
from store.tables import MessageRow
from store.unit import Unit
from store.wishes import Holder, count_comments, queue_wish

AddCommentError = Annotated[
    InvalidInput | IdempotencyKeyReused | NotFound,
    strawberry.union("AddCommentError", description="Why words were not added."),
]


@strawberry.input(description="Words for a message of yours.")
class AddCommentInput:
    reference: str = strawberry.field(description="The number of your message.")
    text: str = strawberry.field(description="What you want to add, at most 4 000 characters. Kept unaltered.")
    idempotency_key: str = strawberry.field(
        description="A fresh word (best a UUID) for each comment. Sent again with the same words, it adds nothing."
    )


@strawberry.type(description="The message with the new words in its history, or what is wrong.")
class AddCommentPayload:
    message: Message | None = strawberry.field(description="The message; null when there are errors.")
    is_passed_on: bool = strawberry.field(description=PASSED_ON)
    notice: str | None = strawberry.field(description=NOTICE)
    errors: list[AddCommentError] = strawberry.field(description="Why nothing was added; then nothing is stored.")


async def comment(context: Context, given: AddCommentInput) -> AddCommentPayload:
    """Keep the words and queue them for the organisation."""

    def make(reference: str) -> Wish:
        command = AddComment(reference, given.text)

        async def carry_out(unit: Unit, message: MessageRow) -> Holder | None:
            add_comment(command, message.status, await count_comments(unit, message.id))
            now = context.clock()
            said = NewEvent(
                message.id, EventKind.COMMENT, Mover.CITIZEN, note=command.text, note_is_public=True, occurred_at=now
            )
            await record_events(unit, [said])
            body = {"id": str(uuid4()), "text": command.text, "at": now.isoformat()}
            return await queue_wish(unit, message.id, Purpose.ADD_COMMENT, now, body)

        return Wish(given.idempotency_key, command.fingerprint(), (Purpose.ADD_COMMENT,), carry_out)

    said = await wish(context, given.reference, make)
    return AddCommentPayload(
        message=said.message, is_passed_on=said.is_passed_on, notice=said.notice, errors=said.errors
    )
