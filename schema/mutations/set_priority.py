"""setPriority: an official says how urgent a message at their organisation is."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.actions.set_priority import set_priority
from domain.delivery import Purpose
from domain.event import EventKind
from domain.message import Priority
from domain.problem import ProblemsFound
from domain.reference import read_reference
from domain.rights import Right
from domain.status import Mover
from schema.context import Context
from schema.errors import InvalidInput, NotFound, invalid, not_found
from schema.faults import priority_not_yours
from schema.message import Message
from schema.mutations.wishing import NOTICE, PASSED_ON, Said, passed_on
from schema.signed_in import signed_in
from store.messages import NewEvent, record_events
from store.unit import Unit
from store.wishes import Holder, SeenMessage, lock_seen, note_priority, queue_wish, who_has

SetPriorityError = Annotated[
    InvalidInput | NotFound,
    strawberry.union("SetPriorityError", description="Why the priority was not set."),
]


@strawberry.input(description="How urgent a message is.")
class SetPriorityInput:
    reference: str = strawberry.field(description="The number of a message at your organisation or one below it.")
    priority: Priority = strawberry.field(description="How urgent it is.")
    reason: str = strawberry.field(
        description="Why, at most 500 characters. Whoever sees the message reads it, its author too."
    )


@strawberry.type(description="The message with its priority, or what is wrong.")
class SetPriorityPayload:
    message: Message | None = strawberry.field(description="The message; null when there are errors.")
    is_passed_on: bool = strawberry.field(description=PASSED_ON)
    notice: str | None = strawberry.field(description=NOTICE)
    errors: list[SetPriorityError] = strawberry.field(description="Why nothing was set; then nothing changes.")


async def prioritise(context: Context, given: SetPriorityInput) -> SetPriorityPayload:
    """Set a priority. The one that stands already is no change."""
    viewer = signed_in(context)
    if Right.MESSAGES not in viewer.rights:
        # The same whatever the number: who works nowhere learns nothing of whose message it is (P13).
        raise priority_not_yours()
    reference = read_reference(given.reference)
    if reference is None:
        return _payload(Said(errors=[not_found(context, "reference")]))
    try:
        async with context.database.unit(viewer.person_id) as unit:
            message = await lock_seen(unit, viewer, reference)
            if message is None:
                return _payload(Said(errors=[not_found(context, "reference")]))
            if not message.is_theirs:
                raise priority_not_yours()
            holder = await _set(context, unit, message, given)
    except ProblemsFound as found:
        return _payload(Said(errors=list(invalid(context, found.problems))))
    return _payload(passed_on(context, message.id, holder, (Purpose.SET_PRIORITY,)))


async def _set(context: Context, unit: Unit, message: SeenMessage, given: SetPriorityInput) -> Holder | None:
    if not set_priority(given.priority, given.reason, message.priority, message.status):
        return await who_has(unit, message.id)
    now = context.clock()
    await note_priority(unit, message.id, given.priority)
    said = NewEvent(
        message.id,
        EventKind.PRIORITY,
        Mover.OFFICIAL,
        note=f"{given.priority.value}: {given.reason}",
        note_is_public=True,
        occurred_at=now,
    )
    await record_events(unit, [said])
    return await queue_wish(unit, message.id, Purpose.SET_PRIORITY, now, {"value": given.priority.value.lower()})


def _payload(said: Said) -> SetPriorityPayload:
    errors = [one for one in said.errors if isinstance(one, InvalidInput | NotFound)]
    return SetPriorityPayload(message=said.message, is_passed_on=said.is_passed_on, notice=said.notice, errors=errors)
