"""One attempt: from a delivery on disk to a call, from the reply to what is to be written down. No database here.

The sender decides which step is next, makes exactly one call for it, and turns whatever happens into a Settlement. It never repeats a step that is
done, and what it does not understand becomes *unknown*, never a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.adapter import Adapter, AttachmentContext, CannotBuild, Found, MessageContext, NotFound, Step
from connectors.base import Call, Connector, ConnectorError, Reply
from connectors.masking import mask_reply, mask_request
from domain.delivery import (
    AttemptedStep,
    DeliveryDecision,
    DeliveryState,
    Purpose,
    after_outcome,
    after_unclear_look_up,
)
from domain.outcome import Outcome, OutcomeKind
from domain.status import Status
from domain.subject import subject_of
from store.blobs import BlobDamaged, BlobMissing
from store.deliveries import LOOK_UP_STEP, Attempt, DueDelivery, StoredAttachment
from store.settlements import Settlement

SUBMIT_STEP = "submit"
WITHDRAW_STEP = "withdraw"
_ATTACHMENT = "attachment:"
_NO_CATEGORY = ("other/other", "Прочее")


class ReadsBlobs(Protocol):
    """Where the bytes of attachments are; `store.blobs.Blobs` is one. `read` blocks: it is called in a thread."""

    def read(self, sha256: str) -> bytes: ...


def next_step(delivery: DueDelivery) -> str:
    """The first step that is not done; a delivery whose outcome is unknown is looked up first."""
    if delivery.state is DeliveryState.LOOKING_UP:
        return LOOK_UP_STEP
    if delivery.purpose is Purpose.WITHDRAW:
        return WITHDRAW_STEP
    if SUBMIT_STEP not in delivery.steps_done:
        return SUBMIT_STEP
    return next(name for name in map(_attachment_step, delivery.attachments) if name not in delivery.steps_done)


def _attachment_step(attachment: StoredAttachment) -> str:
    return f"{_ATTACHMENT}{attachment.id}"


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What the journal keeps of one call: no citizen's words, no secret (P9)."""

    http_status: int | None = None
    request_extract: str | None = None
    reply_extract: str | None = None


class Sender:
    """Makes attempts for one agency. `owner` is who must look when a person is needed."""

    def __init__(
        self,
        adapter: Adapter,
        connector: Connector,
        blobs: ReadsBlobs,
        *,
        owner: str,
        secrets: tuple[str, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._adapter = adapter
        self._connector = connector
        self._blobs = blobs
        self._owner = owner
        self._secrets = secrets
        self._clock = clock

    async def carry_out(self, attempt: Attempt) -> Settlement:
        """Make the call this attempt stands for. Raises nothing but cancellation."""
        if attempt.step == LOOK_UP_STEP:
            return await self._look_up(attempt)
        step = _kind_of(attempt.step)
        if step is Step.WITHDRAW and not (self._adapter.supports(Step.WITHDRAW) and attempt.delivery.case_ids):
            return self._cannot_withdraw(attempt)
        try:
            reply = await self._connector.send(await self._call(attempt, step))
        except (ConnectorError, CannotBuild) as error:
            return self.settle(attempt, self._adapter.outcome_of(error, step), self._failed(error))
        read = {
            Step.SUBMIT: self._adapter.read_submit,
            Step.ATTACHMENT: self._adapter.read_attachment,
            Step.WITHDRAW: self._adapter.read_withdraw,
        }
        return self.settle(attempt, read[step](reply), self._answered(reply))

    def settle_lost(self, attempt: Attempt, why: str = "the worker stopped before the answer was seen") -> Settlement:
        """An attempt whose answer nobody saw or could read: the outcome is unknown."""
        lost = Outcome(OutcomeKind.UNKNOWN, f"{attempt.step}: {why}")
        if attempt.step == LOOK_UP_STEP:
            return self._look_again(attempt, lost.text, _Exchange())
        return self.settle(attempt, lost, _Exchange())

    def settle(self, attempt: Attempt, outcome: Outcome, exchange: _Exchange) -> Settlement:
        """What an outcome makes of the delivery."""
        if outcome.kind is OutcomeKind.ACCEPTED:
            return self._step_done(attempt, outcome, exchange)
        decision = after_outcome(outcome, self._circumstances(attempt))
        refused = decision.state is DeliveryState.REFUSED and attempt.delivery.purpose is Purpose.SUBMIT
        if refused and attempt.step != SUBMIT_STEP:
            # The case stands; one file was not wanted. The delivery goes on without it, and the loss is said aloud.
            return self._file_refused(attempt, outcome, exchange)
        return self._settlement(
            attempt,
            outcome,
            exchange,
            decision,
            message_to=Status.ON_MODERATION if refused else None,
            note=outcome.text if refused else None,
        )

    def _circumstances(self, attempt: Attempt) -> AttemptedStep:
        delivery = attempt.delivery
        return AttemptedStep(
            attempts=attempt.number,
            first_attempt_at=delivery.first_attempt_at or attempt.started_at,
            now=self._clock(),
            seed=str(delivery.id),
            operator=self._owner,
            when_answer_is_lost=self._adapter.when_lost(_kind_of(attempt.step)),
            settles_within_s=self._adapter.settles_within_s,
        )

    def _step_done(self, attempt: Attempt, outcome: Outcome, exchange: _Exchange) -> Settlement:
        delivery = attempt.delivery
        name = SUBMIT_STEP if attempt.step == LOOK_UP_STEP else attempt.step
        done: dict[str, Mapping[str, object]] = {
            name: {"case_ids": outcome.case_ids, "already_there": outcome.already_there}
        }
        notes: list[str] = []
        if delivery.purpose is Purpose.SUBMIT:
            for position, file in enumerate(delivery.attachments):
                reason = self._adapter.why_not_attach(file.media_type, file.size_bytes, position)
                if reason is not None and _attachment_step(file) not in delivery.steps_done:
                    done[_attachment_step(file)] = {"left_out": reason}
                    notes.append(f"{file.file_name}: {reason}")
        finished = set(delivery.steps_done) | set(done)
        more = delivery.purpose is Purpose.SUBMIT and any(
            _attachment_step(file) not in finished for file in delivery.attachments
        )
        decision = DeliveryDecision(
            DeliveryState.READY if more else DeliveryState.DELIVERED, self._clock() if more else None, outcome.text
        )
        case_is_new = delivery.purpose is Purpose.SUBMIT and name == SUBMIT_STEP
        return self._settlement(
            attempt,
            outcome,
            exchange,
            decision,
            finished_steps=done,
            case_ids=outcome.case_ids if case_is_new else None,
            message_to=Status.DELIVERED if case_is_new else None,
            note="; ".join(notes) or None,
        )

    def _file_refused(self, attempt: Attempt, outcome: Outcome, exchange: _Exchange) -> Settlement:
        delivery = attempt.delivery
        finished = {*delivery.steps_done, attempt.step}
        more = any(_attachment_step(file) not in finished for file in delivery.attachments)
        decision = DeliveryDecision(
            DeliveryState.READY if more else DeliveryState.DELIVERED, self._clock() if more else None, outcome.text
        )
        return self._settlement(
            attempt,
            outcome,
            exchange,
            decision,
            finished_steps={attempt.step: {"refused": outcome.text}},
            note=f"the agency did not take one attachment: {outcome.text}",
        )

    def _cannot_withdraw(self, attempt: Attempt) -> Settlement:
        text = (
            "the agency's system has no way to take a message back"
            if attempt.delivery.case_ids
            else "there is no case at the agency to take back"
        )
        outcome = Outcome(OutcomeKind.REFUSED, text)
        decision = DeliveryDecision(DeliveryState.CANCELLED, None, text)
        return self._settlement(attempt, outcome, _Exchange(), decision, note=text, note_is_public=True)

    async def _look_up(self, attempt: Attempt) -> Settlement:
        message = message_context(attempt.delivery)
        call = self._adapter.look_up_call(message)
        if call is None or SUBMIT_STEP in attempt.delivery.steps_done:
            text = "the outcome is unknown and the agency cannot be asked"
            decision = DeliveryDecision(DeliveryState.WAITS_FOR_PERSON, None, text, self._owner)
            return self._settlement(attempt, Outcome(OutcomeKind.UNKNOWN, text), _Exchange(), decision)
        try:
            reply = await self._connector.send(call)
        except ConnectorError as error:
            return self._look_again(attempt, f"look_up: {error.text}", self._failed(error))
        found = self._adapter.read_look_up(reply, message)
        if isinstance(found, Found):
            outcome = Outcome(
                OutcomeKind.ACCEPTED, "the agency has the case", case_ids=found.case_ids, already_there=True
            )
            return self._step_done(attempt, outcome, self._answered(reply))
        if isinstance(found, NotFound):
            text = "the agency has no case with our reference: it will be sent again"
            decision = DeliveryDecision(DeliveryState.READY, self._clock(), text)
            return self._settlement(attempt, Outcome(OutcomeKind.ACCEPTED, text), self._answered(reply), decision)
        return self._look_again(attempt, f"look_up: {found.reason}", self._answered(reply))

    def _look_again(self, attempt: Attempt, text: str, exchange: _Exchange) -> Settlement:
        decision = after_unclear_look_up(text, self._circumstances(attempt))
        return self._settlement(attempt, Outcome(OutcomeKind.UNKNOWN, text), exchange, decision)

    async def _call(self, attempt: Attempt, step: Step) -> Call:
        delivery = attempt.delivery
        message = message_context(delivery)
        if step is Step.SUBMIT:
            return self._adapter.submit_call(message)
        if step is Step.WITHDRAW:
            call = self._adapter.withdraw_call(message, delivery.case_ids)
            if call is None:
                raise CannotBuild("there is no such step in the agency's file")
            return call
        file = next(one for one in delivery.attachments if _attachment_step(one) == attempt.step)
        try:
            content = await asyncio.to_thread(self._blobs.read, file.sha256)
        except (BlobMissing, BlobDamaged, OSError) as error:
            raise CannotBuild(f"the stored file of an attachment cannot be read ({type(error).__name__})") from error
        item = AttachmentContext(str(file.id), file.file_name, file.media_type, file.size_bytes, file.sha256, content)
        return self._adapter.attachment_call(message, delivery.case_ids, item)

    def _settlement(
        self,
        attempt: Attempt,
        outcome: Outcome,
        exchange: _Exchange,
        decision: DeliveryDecision,
        *,
        finished_steps: Mapping[str, Mapping[str, object]] | None = None,
        case_ids: Mapping[str, str] | None = None,
        message_to: Status | None = None,
        note: str | None = None,
        note_is_public: bool = False,
    ) -> Settlement:
        return Settlement(
            attempt=attempt,
            outcome=outcome.kind,
            text=decision.reason,
            state=decision.state,
            next_attempt_at=decision.next_attempt_at,
            owner=decision.owner,
            foreign_code=outcome.code,
            http_status=exchange.http_status,
            request_extract=exchange.request_extract,
            reply_extract=exchange.reply_extract,
            finished_steps=finished_steps or {},
            case_ids=case_ids,
            message_to=message_to,
            note=note,
            note_is_public=note_is_public,
        )

    def _answered(self, reply: Reply) -> _Exchange:
        names = self._adapter.safe_names
        return _Exchange(
            reply.status,
            mask_request(reply.request, safe_names=names, secrets=self._secrets),
            mask_reply(reply.status, reply.headers, reply.raw, safe_names=names, secrets=self._secrets),
        )

    def _failed(self, error: ConnectorError | CannotBuild) -> _Exchange:
        if isinstance(error, CannotBuild):
            return _Exchange()
        names = self._adapter.safe_names
        request = mask_request(error.request, safe_names=names, secrets=self._secrets) if error.request else None
        extract = None
        if error.status is not None:
            extract = mask_reply(error.status, {}, error.raw, safe_names=names, secrets=self._secrets)
        return _Exchange(error.status, request, extract)


def _kind_of(step: str) -> Step:
    """The kind of write a step is; a look-up is about the submission whose answer was lost."""
    if step.startswith(_ATTACHMENT):
        return Step.ATTACHMENT
    return Step.SUBMIT if step == LOOK_UP_STEP else Step(step)


def message_context(delivery: DueDelivery) -> MessageContext:
    """The message in the words an agency file may use."""
    row = delivery.message
    received_at: datetime = row["received_at"]
    return MessageContext(
        reference=row["reference"],
        id=str(row["id"]),
        subject=subject_of(row["text"]),
        text=row["text"],
        category=row["category_code"] or _NO_CATEGORY[0],
        category_name=row["category_name"] or _NO_CATEGORY[1],
        received_at=received_at,
        latitude=row["latitude"],
        longitude=row["longitude"],
        accuracy_m=row["accuracy_m"],
        address=row["address"],
        territory=row["territory_code"],
        attachments_count=len(delivery.attachments),
        channel=row["channel"].value.lower(),
    )
