"""reopenMessage: the citizen does not take the answer and asks for another consideration. No rating ever does this (P10)."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from domain.actions.reopen_message import ReopenMessage, reopen_message
from domain.delivery import Purpose
from domain.event import EventKind
from domain.status import Mover, Status
from schema.context import Context
from schema.errors import IdempotencyKeyReused, InvalidInput, NotFound
from schema.message import Message
from schema.mutations.add_attachments import bring_files
from schema.mutations.wishing import NOTICE, PASSED_ON, Wish, wish
from schema.plan.global_id import read_uuid_id
from store.messages import NewEvent, record_events
from store.tables import MessageRow
from store.unit import Unit
from store.wishes import Holder, begin_round, count_files, last_verdict, queue_wish

ReopenMessageError = Annotated[
    InvalidInput | IdempotencyKeyReused | NotFound,
    strawberry.union("ReopenMessageError", description="Why a message was not reopened."),
]


@strawberry.input(description="Why a message of yours needs another consideration.")
class ReopenMessageInput:
    reference: str = strawberry.field(description="The number of your message.")
    reason: str = strawberry.field(
        description="Why you do not take the answer, at most 4 000 characters. Kept unaltered."
    )
    attachments: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The ids of files from `uploadAttachment` that show it, at most 10."
    )
    idempotency_key: str = strawberry.field(
        description="A fresh word (best a UUID) for each reopening. Sent again with the same words, it changes nothing."
    )


@strawberry.type(description="The reopened message, or what is wrong.")
class ReopenMessagePayload:
    message: Message | None = strawberry.field(description="The message; null when there are errors.")
    is_passed_on: bool = strawberry.field(description=PASSED_ON)
    notice: str | None = strawberry.field(description=NOTICE)
    errors: list[ReopenMessageError] = strawberry.field(description="Why it was not reopened; then nothing changes.")


async def reopen(context: Context, given: ReopenMessageInput) -> ReopenMessagePayload:
    """Begin the next round. The deadline stays the one it was (P12)."""

    def make(reference: str) -> Wish:
        files = tuple(read_uuid_id(one, "Attachment") for one in given.attachments)
        command = ReopenMessage(reference, given.reason, files)
        purposes = (Purpose.REOPEN, *([Purpose.ADD_ATTACHMENT] if files else []))

        async def carry_out(unit: Unit, message: MessageRow) -> Holder | None:
            return await _begin(context, unit, message, command)

        return Wish(given.idempotency_key, command.fingerprint(), purposes, carry_out)

    said = await wish(context, given.reference, make)
    return ReopenMessagePayload(
        message=said.message, is_passed_on=said.is_passed_on, notice=said.notice, errors=said.errors
    )


async def _begin(context: Context, unit: Unit, message: MessageRow, command: ReopenMessage) -> Holder | None:
    files = reopen_message(command, message.status, message.round, await count_files(unit, message.id))
    now, following = context.clock(), message.round + 1
    await begin_round(unit, message.id, following, now)
    asked = NewEvent(
        message.id,
        EventKind.STATUS,
        Mover.CITIZEN,
        from_status=message.status,
        to_status=Status.ROUTED,
        note=command.reason,
        note_is_public=True,
        occurred_at=now,
    )
    await record_events(unit, [asked])
    body: dict[str, Any] = {"text": command.reason, "round": following}
    if (verdict := await last_verdict(unit, message.id)) is not None:
        body["reason"] = verdict.value
    holder = await queue_wish(unit, message.id, Purpose.REOPEN, now, body)
    if files:
        await bring_files(unit, message, files, now)
    return holder
