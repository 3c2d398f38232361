"""submitMessage: a citizen's message is accepted and gets its number (P1, P2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.actions.add_attachments import NOT_YOURS
from domain.actions.submit_message import AcceptedMessage, SubmitMessage, check_key, submit_message
from domain.delivery import DeliveryState
from domain.message import Channel
from domain.problem import Problem, ProblemsFound
from domain.viewer import Viewer
from schema.context import Context
from schema.errors import IdempotencyKeyReused, InvalidInput, invalid
from schema.message import Message
from schema.place_input import PlaceInput, place_given
from schema.plan.declare import by_key
from schema.plan.global_id import read_uuid_id
from schema.signed_in import signed_in
from store.messages import AttachmentsNotYours, Earlier, NewMessage, accept, find_by_key

SubmitMessageError = Annotated[
    InvalidInput | IdempotencyKeyReused,
    strawberry.union("SubmitMessageError", description="Why a message was not accepted."),
]


@strawberry.input(description="A new message.")
class SubmitMessageInput:
    idempotency_key: str = strawberry.field(
        description="A fresh word (best a UUID) for each new message. Sent again with the same words, it gives the same message."
    )
    text: str = strawberry.field(description="What happened, at most 10 000 characters. Kept unaltered.")
    category: str | None = strawberry.field(
        default=None, description="The code of a topic; without one the service looks for it in the text."
    )
    place: PlaceInput | None = strawberry.field(default=None, description="Where it is.")
    organisation: str | None = strawberry.field(
        default=None, description="The code of an organisation, to choose it oneself."
    )
    attachments: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The ids of files from `uploadAttachment`, at most 10."
    )
    channel: Channel = strawberry.field(default=Channel.PORTAL, description="How the message comes.")


@strawberry.type(description="The accepted message, or what is wrong.")
class SubmitMessagePayload:
    message: Message | None = strawberry.field(description="The message; null when there are errors.")
    errors: list[SubmitMessageError] = strawberry.field(description="Why it was not accepted; then nothing is stored.")


async def submit(context: Context, given: SubmitMessageInput) -> SubmitMessagePayload:
    """Accept a message, or say everything that is wrong with the form at once."""
    viewer = signed_in(context)
    attachments = [read_uuid_id(one, "Attachment") for one in given.attachments]
    known = tuple(one for one in attachments if one is not None)
    command = _command(given, known)
    problems = [NOT_YOURS] if len(known) < len(attachments) else []
    try:
        accepted = submit_message(command, context.facts, context.clock())
    except ProblemsFound as found:
        problems = [*found.problems, *problems]
    if not problems:
        return await _store(context, viewer, command, accepted)
    return await _refused(context, viewer, command, problems)


def _command(given: SubmitMessageInput, attachments: tuple[UUID, ...]) -> SubmitMessage:
    return SubmitMessage(
        idempotency_key=given.idempotency_key,
        text=given.text,
        category=given.category,
        place=place_given(given.place),
        organisation=given.organisation,
        attachments=attachments,
        channel=given.channel,
    )


async def _store(
    context: Context, viewer: Viewer, command: SubmitMessage, accepted: AcceptedMessage
) -> SubmitMessagePayload:
    now = context.clock()
    new = NewMessage(
        person_id=viewer.person_id,
        key=command.idempotency_key,
        fingerprint=command.fingerprint(),
        received_at=now,
        fields=_fields(command, accepted, await context.references.take(now)),
        delivery_state=_delivery_state(context, accepted),
        attachments=command.attachments,
    )
    try:
        async with context.database.unit(viewer.person_id) as unit:
            message_id = await accept(unit, new)
            earlier = None if message_id else await find_by_key(unit, viewer.person_id, command.idempotency_key)
    except AttachmentsNotYours:
        return SubmitMessagePayload(message=None, errors=list(invalid(context, [NOT_YOURS])))
    if earlier is not None:
        return _repeated(context, command, earlier)
    return SubmitMessagePayload(message=by_key(Message, message_id), errors=[])


async def _refused(
    context: Context, viewer: Viewer, command: SubmitMessage, problems: Sequence[Problem]
) -> SubmitMessagePayload:
    """A repeat of an accepted message stays that message, even when the rules have changed since."""
    if check_key(command.idempotency_key) is None:
        async with context.database.unit(viewer.person_id) as unit:
            earlier = await find_by_key(unit, viewer.person_id, command.idempotency_key)
        if earlier is not None and earlier.fingerprint == command.fingerprint():
            return SubmitMessagePayload(message=by_key(Message, earlier.message_id), errors=[])
    return SubmitMessagePayload(message=None, errors=list(invalid(context, problems)))


def _repeated(context: Context, command: SubmitMessage, earlier: Earlier) -> SubmitMessagePayload:
    if earlier.fingerprint == command.fingerprint():
        return SubmitMessagePayload(message=by_key(Message, earlier.message_id), errors=[])
    problem = Problem(
        "IDEMPOTENCY_KEY_REUSED",
        ("idempotencyKey",),
        f"С этим ключом вы уже отправили другое сообщение, {earlier.reference}. Для нового сообщения возьмите новый ключ.",
        f"You have sent another message with this key, {earlier.reference}. Take a new key for a new message.",
    )
    reused = IdempotencyKeyReused(
        message=context.say(problem), code=problem.code, path=list(problem.path), reference=earlier.reference
    )
    return SubmitMessagePayload(message=None, errors=[reused])


def _delivery_state(context: Context, accepted: AcceptedMessage) -> DeliveryState | None:
    if accepted.route is None:
        return None
    connected = context.facts.organisation_has_system(accepted.route.organisation)
    return DeliveryState.READY if connected else DeliveryState.ON_DESK


def _fields(command: SubmitMessage, accepted: AcceptedMessage, reference: str) -> dict[str, Any]:
    """The columns of the message; see `store.messages.NewMessage`."""
    place, route = command.place, accepted.route
    warning = None if route is None else route.warning
    return {
        "reference": reference,
        "text": command.text,
        "regime": accepted.regime,
        "channel": command.channel,
        "category_code": accepted.category,
        "category_source": accepted.category_source,
        "category_confidence": accepted.category_confidence,
        "rubricator_version": accepted.rubricator_version,
        # A point is stored whole or not at all.
        **(
            {}
            if place is None or place.latitude is None
            else {"latitude": place.latitude, "longitude": place.longitude}
        ),
        **(
            {}
            if place is None
            else {"accuracy_m": place.accuracy_m, "place_source": place.source, "address": place.address}
        ),
        "territory_code": accepted.territory,
        "organisation_code": None if route is None else route.organisation,
        "chosen_organisation_code": command.organisation,
        "route_rule": None if route is None else route.rule_id,
        "route_reason_ru": None if route is None else route.reason.ru,
        "route_reason_en": None if route is None else route.reason.en,
        "route_warning_ru": None if warning is None else warning.ru,
        "route_warning_en": None if warning is None else warning.en,
        "status": accepted.status,
        "deadline_on": accepted.deadline.date,
        "deadline_rule": accepted.deadline.rule_id,
    }
