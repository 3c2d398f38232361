"""withdrawMessage: the citizen takes a message back."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.actions.withdraw_message import withdraw_message
from domain.problem import ProblemsFound
from domain.reference import read_reference
from schema.context import Context
from schema.errors import InvalidInput, NotFound, invalid, not_found
from schema.message import Message
from schema.plan.declare import by_key
from schema.signed_in import signed_in
from store.messages import lock_own
from store.withdrawals import record_withdrawal

WithdrawMessageError = Annotated[
    InvalidInput | NotFound,
    strawberry.union("WithdrawMessageError", description="Why a message was not withdrawn."),
]


@strawberry.type(description="The withdrawn message, or what is wrong.")
class WithdrawMessagePayload:
    message: Message | None = strawberry.field(description="The message; null when there are errors.")
    errors: list[WithdrawMessageError] = strawberry.field(description="Why it was not withdrawn; then nothing changes.")


async def withdraw(context: Context, spoken: str) -> WithdrawMessagePayload:
    """Withdraw a message. A second time changes nothing."""
    viewer = signed_in(context)
    reference = read_reference(spoken)
    if reference is None:
        return WithdrawMessagePayload(message=None, errors=[not_found(context, "reference")])
    try:
        async with context.database.unit(viewer.person_id) as unit:
            message = await lock_own(unit, viewer.person_id, reference)
            if message is None:
                return WithdrawMessagePayload(message=None, errors=[not_found(context, "reference")])
            if withdraw_message(message.status) is not message.status:
                await record_withdrawal(unit, message, context.clock())
    except ProblemsFound as found:
        return WithdrawMessagePayload(message=None, errors=list(invalid(context, found.problems)))
    return WithdrawMessagePayload(message=by_key(Message, message.id), errors=[])
