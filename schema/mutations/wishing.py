"""What the wishes for a message that is there have in common: whose message it is, the key, and what is said of where the wish goes.

One verb per file still: this one knows none of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from domain.actions.add_attachments import NOT_YOURS
from domain.actions.submit_message import check_key
from domain.bilingual import Bilingual
from domain.delivery import CANNOT, Purpose
from domain.problem import Problem, ProblemsFound
from domain.reference import read_reference
from domain.wish import NOBODY_HAS_IT
from schema.context import Context
from schema.errors import IdempotencyKeyReused, InvalidInput, NotFound, invalid, not_found
from schema.message import Message
from schema.plan.declare import by_key
from schema.signed_in import signed_in
from store.messages import AttachmentsNotYours, Earlier, find_by_key, lock_own
from store.tables import MessageRow
from store.unit import Unit
from store.wishes import Holder, claim_key, who_has

WishError: TypeAlias = "InvalidInput | IdempotencyKeyReused | NotFound"
CarryOut: TypeAlias = "Callable[[Unit, MessageRow], Awaitable[Holder | None]]"
"""Writes a wish for a message that is locked; who has the message. Raises ProblemsFound, and AttachmentsNotYours."""

PASSED_ON = (
    "Whether the organisation can be brought this: its system takes such a thing, or its people work on our own desk."
)
NOTICE = "What to know where it cannot be passed on, in your language; null where it can."


@dataclass(frozen=True, slots=True)
class Said:
    """What a payload says."""

    message: Message | None = None
    is_passed_on: bool = False
    notice: str | None = None
    errors: list[WishError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish of a citizen: `purposes` are what is brought to the organisation for it."""

    key: str
    fingerprint: bytes
    purposes: tuple[Purpose, ...]
    carry_out: CarryOut


async def wish(context: Context, spoken: str, make: Callable[[str], Wish]) -> Said:
    """Carry out a citizen's wish for their own message, once for each key. `make` is given the reference as it was read."""
    viewer = signed_in(context)
    reference = read_reference(spoken)
    if reference is None:
        return Said(errors=[not_found(context, "reference")])
    wanted = make(reference)
    bad_key = check_key(wanted.key)
    try:
        async with context.database.unit(viewer.person_id) as unit:
            message = await lock_own(unit, viewer.person_id, reference)
            if message is None:
                return Said(errors=[not_found(context, "reference")])
            if bad_key is not None:
                raise ProblemsFound(bad_key)
            if await claim_key(unit, viewer.person_id, wanted.key, wanted.fingerprint, message.id):
                holder = await wanted.carry_out(unit, message)
                return passed_on(context, message.id, holder, wanted.purposes)
            earlier = await find_by_key(unit, viewer.person_id, wanted.key)
            if earlier is not None and earlier.fingerprint != wanted.fingerprint:
                return Said(errors=[_reused(context, earlier)])
            # Said once more, and nothing is done twice.
            return passed_on(context, message.id, await who_has(unit, message.id), wanted.purposes)
    except AttachmentsNotYours:
        return Said(errors=list(invalid(context, [NOT_YOURS])))
    except ProblemsFound as found:
        return Said(errors=list(invalid(context, found.problems)))


def passed_on(context: Context, message_id: UUID, holder: Holder | None, purposes: tuple[Purpose, ...]) -> Said:
    """What is said of a wish that is kept."""
    missing = [] if holder is None or holder.on_desk else [one for one in purposes if not _takes(context, holder, one)]
    words: list[Bilingual] = [NOBODY_HAS_IT] if holder is None else [CANNOT[one] for one in missing]
    return Said(
        message=by_key(Message, message_id),
        is_passed_on=not words,
        notice=" ".join(context.say(one) for one in words) or None,
    )


def _takes(context: Context, holder: Holder, purpose: Purpose) -> bool:
    # Files that are added before anything was sent go with the message itself.
    with_it = holder.is_unsent and purpose is Purpose.ADD_ATTACHMENT
    asked = Purpose.SUBMIT if with_it else purpose
    return context.facts.organisation_takes(holder.organisation_code, asked)


def _reused(context: Context, earlier: Earlier) -> IdempotencyKeyReused:
    problem = Problem(
        "IDEMPOTENCY_KEY_REUSED",
        ("idempotencyKey",),
        f"С этим ключом вы уже отправили другое, по сообщению {earlier.reference}. Возьмите новый ключ.",
        f"You have sent something else with this key, for the message {earlier.reference}. Take a new key.",
    )
    return IdempotencyKeyReused(
        message=context.say(problem), code=problem.code, path=list(problem.path), reference=earlier.reference
    )
