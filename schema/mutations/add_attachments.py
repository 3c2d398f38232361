"""addAttachments: the citizen adds files to a message that is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from domain.actions.add_attachments import AddAttachments, add_attachments
from domain.delivery import Purpose
from domain.event import EventKind
from domain.status import Mover
from schema.context import Context
from schema.errors import IdempotencyKeyReused, InvalidInput, NotFound
from schema.message import Message
from schema.mutations.wishing import NOTICE, PASSED_ON, Wish, wish
from schema.plan.global_id import read_uuid_id
from store.messages import NewEvent, record_events
from store.tables import MessageRow
from store.unit import Unit
from store.wishes import Holder, add_files, count_files, queue_wish, who_has

AddAttachmentsError = Annotated[
    InvalidInput | IdempotencyKeyReused | NotFound,
    strawberry.union("AddAttachmentsError", description="Why files were not added."),
]


@strawberry.input(description="Files for a message of yours.")
class AddAttachmentsInput:
    reference: str = strawberry.field(description="The number of your message.")
    attachments: list[strawberry.ID] = strawberry.field(
        description="The ids of files from `uploadAttachment`, at most 10 at once and 30 for a message."
    )
    idempotency_key: str = strawberry.field(
        description="A fresh word (best a UUID) for each addition. Sent again with the same files, it adds nothing."
    )


@strawberry.type(description="The message with its new files, or what is wrong.")
class AddAttachmentsPayload:
    message: Message | None = strawberry.field(description="The message; null when there are errors.")
    is_passed_on: bool = strawberry.field(description=PASSED_ON)
    notice: str | None = strawberry.field(description=NOTICE)
    errors: list[AddAttachmentsError] = strawberry.field(description="Why nothing was added; then nothing is stored.")


async def attach(context: Context, given: AddAttachmentsInput) -> AddAttachmentsPayload:
    """Add the files and queue them for the organisation."""

    def make(reference: str) -> Wish:
        ids = tuple(read_uuid_id(one, "Attachment") for one in given.attachments)
        command = AddAttachments(reference, ids)

        async def carry_out(unit: Unit, message: MessageRow) -> Holder | None:
            files = add_attachments(command, message.status, await count_files(unit, message.id))
            return await bring_files(unit, message, files, context.clock())

        return Wish(given.idempotency_key, command.fingerprint(), (Purpose.ADD_ATTACHMENT,), carry_out)

    said = await wish(context, given.reference, make)
    return AddAttachmentsPayload(
        message=said.message, is_passed_on=said.is_passed_on, notice=said.notice, errors=said.errors
    )


async def bring_files(unit: Unit, message: MessageRow, files: Sequence[UUID], now: datetime) -> Holder | None:
    """Add files to a message that is locked: with its submission where nothing was sent yet, else by a delivery of their own."""
    names = await add_files(unit, message.person_id, message.id, files)
    added = NewEvent(
        message.id, EventKind.ATTACHMENT, Mover.CITIZEN, note="; ".join(names), note_is_public=True, occurred_at=now
    )
    await record_events(unit, [added])
    holder = await who_has(unit, message.id)
    if holder is None or holder.is_unsent:
        return holder
    return await queue_wish(unit, message.id, Purpose.ADD_ATTACHMENT, now, files=files)
