"""One attempt: from a delivery on disk to a call, from the reply to what is to be written down. No database here.

The sender decides which step is next, makes exactly one call for it, and turns whatever happens into a Settlement. It never repeats a step that is
done, and what it does not understand becomes *unknown*, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from adapters.adapter import (
    Adapter,
    CannotBuild,
    Circumstances,
    Found,
    MessageContext,
    NotFound,
    NotSupported,
    Step,
)
from connectors.base import Connector, ConnectorError, Reply
from connectors.masking import mask_reply, mask_request
from delivery import steps
from delivery.calling import TOO_LARGE, CallMaker, DoesNotFit, MakesLinks, NotRead, ReadsBlobs, upload_refused
from delivery.steps import ATTACHMENT, CASE_STEP, NOTHING_LEFT, RESEND, SUBMIT_STEP, UPLOAD, message_context
from domain.bilingual import Bilingual
from domain.delivery import (
    CANNOT,
    NO_CASE,
    NOT_TAKEN,
    AttemptedStep,
    DeliveryDecision,
    DeliveryState,
    Purpose,
    after_outcome,
    after_unclear_look_up,
)
from domain.outcome import Outcome, OutcomeKind, WhenAnswerIsLost
from domain.status import Status
from store.deliveries import LOOK_UP_STEP, Attempt, DueDelivery, StoredAttachment
from store.settlements import Settlement


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
        links: MakesLinks | None = None,
    ) -> None:
        self._adapter = adapter
        self._connector = connector
        self._owner = owner
        self._secrets = secrets
        self._clock = clock
        self._maker = CallMaker(adapter, connector, blobs, clock, links)

    def next_step(self, delivery: DueDelivery) -> str:
        """The step to be made next."""
        return steps.next_step(self._adapter, delivery)

    async def carry_out(self, attempt: Attempt) -> Settlement:
        """Make the call this attempt stands for. Raises nothing but cancellation."""
        if attempt.step in (LOOK_UP_STEP, CASE_STEP):
            return await self._look_up(attempt)
        if attempt.step == NOTHING_LEFT:
            return self._nothing_left(attempt)
        purpose = attempt.delivery.purpose
        if purpose is not Purpose.SUBMIT and not (self._adapter.supports(purpose) and attempt.delivery.case_ids):
            return self._cannot_do(attempt)
        try:
            message, circumstances = await self._maker.message(attempt), await self._maker.circumstances(attempt)
            reply = await self._connector.send(await self._maker.call(attempt, message, circumstances))
        except NotRead as error:
            return self.settle(attempt, error.outcome, self._answered(error.reply) if error.reply else _Exchange())
        except (ConnectorError, CannotBuild) as error:
            return self.settle(attempt, self._adapter.outcome_of(error, _kind_of(attempt.step)), self._failed(error))
        except DoesNotFit:
            return self._file_refused(attempt, Outcome(OutcomeKind.REFUSED, TOO_LARGE), _Exchange())
        self._maker.their_clock.note(reply.headers.get("date"), self._clock())
        outcome = self._adapter.read_write(attempt.step, reply, message, circumstances)
        if outcome.kind is not OutcomeKind.ACCEPTED and (
            again := self._resent(attempt, reply, outcome, message, circumstances)
        ):
            return again
        return self.settle(attempt, outcome, self._answered(reply))

    def _resent(
        self, attempt: Attempt, reply: Reply, outcome: Outcome, message: MessageContext, circumstances: Circumstances
    ) -> Settlement | None:
        """The same step once more, changed as the file says (Q11); None when it does not say so, or it was done before."""
        if RESEND + attempt.step in attempt.delivery.steps_done:
            return None
        rule = self._adapter.resend_rule(attempt.step, reply, message, circumstances)
        if rule is None:
            return None
        text = f"{outcome.text}; it is sent once more, changed by rule {rule + 1} of `resend_once`"
        decision = DeliveryDecision(DeliveryState.READY, self._clock(), text)
        done = {RESEND + attempt.step: {"rule": rule}}
        return self._settlement(attempt, outcome, self._answered(reply), decision, finished_steps=done)

    def settle_lost(self, attempt: Attempt, why: str = "the worker stopped before the answer was seen") -> Settlement:
        """An attempt whose answer nobody saw or could read: the outcome is unknown."""
        if attempt.step == NOTHING_LEFT:
            return self._nothing_left(attempt)
        lost = Outcome(OutcomeKind.UNKNOWN, f"{attempt.step}: {why}")
        if attempt.step in (LOOK_UP_STEP, CASE_STEP):
            return self._look_again(attempt, lost.text, _Exchange())
        return self.settle(attempt, lost, _Exchange())

    def _nothing_left(self, attempt: Attempt) -> Settlement:
        outcome = Outcome(OutcomeKind.ACCEPTED, "nothing is left to be sent")
        decision = DeliveryDecision(DeliveryState.DELIVERED, None, outcome.text)
        return self._settlement(attempt, outcome, _Exchange(), decision)

    def settle_found(self, attempt: Attempt, case_ids: Mapping[str, str]) -> Settlement:
        """A look-up that needed no call: what came back from the agency told of the case by our reference (Q10)."""
        text = "what came back from the agency tells of the case"
        found = Outcome(OutcomeKind.ACCEPTED, text, case_ids=dict(case_ids), already_there=True)
        return self._step_done(attempt, found, _Exchange())

    def settle(self, attempt: Attempt, outcome: Outcome, exchange: _Exchange) -> Settlement:
        """What an outcome makes of the delivery."""
        if outcome.kind is OutcomeKind.ACCEPTED:
            return self._step_done(attempt, outcome, exchange)
        own = steps.named_step(self._adapter, attempt.step)
        if own is not None and own.go_on:
            return self._gone_on(attempt, outcome, exchange)
        decision = after_outcome(outcome, self._circumstances(attempt))
        purpose = attempt.delivery.purpose
        refused = decision.state is DeliveryState.REFUSED
        of_the_case = purpose is Purpose.SUBMIT and (
            attempt.step == SUBMIT_STEP or attempt.step.startswith(steps.BEFORE)
        )
        if refused and not of_the_case and purpose in (Purpose.SUBMIT, Purpose.ADD_ATTACHMENT):
            # The case stands, or can be made; one file or link was not wanted. The delivery goes on without it, and the loss is said aloud.
            return self._file_refused(attempt, outcome, exchange)
        return self._settlement(
            attempt,
            outcome,
            exchange,
            decision,
            message_to=Status.ON_MODERATION if refused and purpose in _NEEDS_A_BODY else None,
            note=(outcome.text if purpose is Purpose.SUBMIT else _both(NOT_TAKEN[purpose])) if refused else None,
            note_is_public=refused and purpose is not Purpose.SUBMIT,
        )

    def _circumstances(self, attempt: Attempt) -> AttemptedStep:
        delivery = attempt.delivery
        return AttemptedStep(
            attempts=attempt.number,
            first_attempt_at=delivery.first_attempt_at or attempt.started_at,
            now=self._clock(),
            seed=str(delivery.id),
            operator=self._owner,
            when_answer_is_lost=self._when_lost(attempt.step),
            settles_within_s=self._adapter.settles_within_s,
        )

    def _when_lost(self, step: str) -> WhenAnswerIsLost:
        try:
            return self._adapter.when_lost(SUBMIT_STEP if step in (LOOK_UP_STEP, CASE_STEP) else step)
        except NotSupported:
            # The file that described this step was changed since: nobody knows any more what a repeat would do.
            return WhenAnswerIsLost.ASK_A_PERSON

    def _step_done(self, attempt: Attempt, outcome: Outcome, exchange: _Exchange) -> Settlement:
        delivery = attempt.delivery
        name = attempt.step
        if name == LOOK_UP_STEP:
            name = CASE_STEP if SUBMIT_STEP in delivery.steps_done else SUBMIT_STEP
        result: dict[str, object] = {"case_ids": outcome.case_ids, "already_there": outcome.already_there}
        done: dict[str, Mapping[str, object]] = {name: result | ({"kept": outcome.kept} if outcome.kept else {})}
        submitted = delivery.purpose is Purpose.SUBMIT and name == SUBMIT_STEP
        notes: list[str] = []
        if submitted:
            reasons = steps.left_out(self._adapter, delivery)
            too_large = self._maker.too_large.pop(delivery.id, frozenset())
            for file in delivery.attachments:
                reason = reasons.get(file.id) or _dropped(delivery, file, too_large)
                if reason is not None and ATTACHMENT + str(file.id) not in delivery.steps_done:
                    done[ATTACHMENT + str(file.id)] = {"left_out": reason}
                    notes.append(f"{file.file_name}: {reason}")
        return self._settlement(
            attempt,
            outcome,
            exchange,
            self._goes_on(replace(delivery, case_ids=outcome.case_ids or delivery.case_ids), done, outcome.text),
            finished_steps=done,
            case_ids=outcome.case_ids or None if submitted or name == CASE_STEP else None,
            message_to=Status.DELIVERED if submitted or delivery.purpose is Purpose.REOPEN else None,
            note="; ".join(notes) or None,
        )

    def _goes_on(self, delivery: DueDelivery, done: Mapping[str, Mapping[str, object]], text: str) -> DeliveryDecision:
        """What becomes of a delivery one of whose steps is done."""
        after = replace(delivery, state=DeliveryState.READY, steps_done={**delivery.steps_done, **done})
        left = next(steps.steps_left(self._adapter, after, after.steps_done), None)
        if left is None:
            return DeliveryDecision(DeliveryState.DELIVERED, None, text)
        if left == CASE_STEP:
            settled_at = self._clock() + timedelta(seconds=self._adapter.settles_within_s)
            return DeliveryDecision(
                DeliveryState.LOOKING_UP, settled_at, "the agency will give the case a number later"
            )
        return DeliveryDecision(DeliveryState.READY, self._clock(), text)

    def _gone_on(self, attempt: Attempt, outcome: Outcome, exchange: _Exchange) -> Settlement:
        """A step of the file's own that failed and that nothing waits for (Q40)."""
        done = {attempt.step: {"gone_on": outcome.text}}
        decision = self._goes_on(attempt.delivery, done, f"{attempt.step}: {outcome.text}; the rest goes on without it")
        note = f"{attempt.step} failed and the rest went on without it: {outcome.text}"
        return self._settlement(attempt, outcome, exchange, decision, finished_steps=done, note=note)

    def _file_refused(self, attempt: Attempt, outcome: Outcome, exchange: _Exchange) -> Settlement:
        done = {attempt.step: {"refused": outcome.text}}
        decision = self._goes_on(attempt.delivery, done, outcome.text)
        what = "one attachment" if attempt.step.startswith((ATTACHMENT, UPLOAD)) else attempt.step
        note = f"the agency did not take {what}: {outcome.text}"
        return self._settlement(attempt, outcome, exchange, decision, finished_steps=done, note=note)

    def _cannot_do(self, attempt: Attempt) -> Settlement:
        """What the citizen wished and the agency's system cannot: said to the citizen, not swallowed."""
        delivery = attempt.delivery
        said = CANNOT[delivery.purpose] if delivery.case_ids else NO_CASE
        text = _both(said)
        outcome = Outcome(OutcomeKind.REFUSED, text)
        decision = DeliveryDecision(DeliveryState.CANCELLED, None, text)
        # Nobody works on a message whose reopening went nowhere: a person must find who does (P3).
        to = Status.ON_MODERATION if delivery.purpose is Purpose.REOPEN else None
        return self._settlement(attempt, outcome, _Exchange(), decision, message_to=to, note=text, note_is_public=True)

    async def _look_up(self, attempt: Attempt) -> Settlement:
        delivery = attempt.delivery
        message = message_context(delivery)
        is_late = SUBMIT_STEP in delivery.steps_done
        if is_late and delivery.case_ids:
            # The feed was quicker.
            known = Outcome(
                OutcomeKind.ACCEPTED, "the agency has the case", dict(delivery.case_ids), already_there=True
            )
            return self._step_done(attempt, known, _Exchange())
        try:
            circumstances = await self._maker.circumstances(attempt)
            call = self._adapter.look_up_call(message, circumstances)
        except CannotBuild as error:
            return self._look_again(attempt, f"look_up: {error.text}", _Exchange())
        if call is None or (is_late and not self._adapter.case_id_comes_later):
            text = "the outcome is unknown and the agency cannot be asked"
            decision = DeliveryDecision(DeliveryState.WAITS_FOR_PERSON, None, text, self._owner)
            return self._settlement(attempt, Outcome(OutcomeKind.UNKNOWN, text), _Exchange(), decision)
        try:
            reply = await self._connector.send(call)
        except ConnectorError as error:
            return self._look_again(attempt, f"look_up: {error.text}", self._failed(error))
        self._maker.their_clock.note(reply.headers.get("date"), self._clock())
        found = self._adapter.read_look_up(reply, message, circumstances)
        if isinstance(found, Found):
            outcome = Outcome(
                OutcomeKind.ACCEPTED, "the agency has the case", case_ids=found.case_ids, already_there=True
            )
            return self._step_done(attempt, outcome, self._answered(reply))
        if isinstance(found, NotFound) and is_late:
            return self._look_again(attempt, "the agency has given the case no number yet", self._answered(reply))
        if isinstance(found, NotFound):
            text = "the agency has no case with our reference: it will be sent again"
            decision = DeliveryDecision(DeliveryState.READY, self._clock(), text)
            return self._settlement(attempt, Outcome(OutcomeKind.ACCEPTED, text), self._answered(reply), decision)
        return self._look_again(attempt, f"look_up: {found.reason}", self._answered(reply))

    def _look_again(self, attempt: Attempt, text: str, exchange: _Exchange) -> Settlement:
        decision = after_unclear_look_up(text, self._circumstances(attempt))
        return self._settlement(attempt, Outcome(OutcomeKind.UNKNOWN, text), exchange, decision)

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
        if decision.state is DeliveryState.DELIVERED and attempt.delivery.purpose is Purpose.ADD_ATTACHMENT:
            note, note_is_public = self._files_not_taken(attempt.delivery, finished_steps or {}), True
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

    def _files_not_taken(self, delivery: DueDelivery, done: Mapping[str, Mapping[str, object]]) -> str | None:
        """Which of the files that a citizen added did not get there, said at the end of their delivery; None when all did."""
        unwanted, after = steps.left_out(self._adapter, delivery), {**delivery.steps_done, **done}
        names = [
            one.file_name
            for one in steps.own_files(delivery)
            if one.id in unwanted or any("refused" in after.get(f"{kind}{one.id}", {}) for kind in (UPLOAD, ATTACHMENT))
        ]
        return f"{_both(NOT_TAKEN[Purpose.ADD_ATTACHMENT])} ({', '.join(names)})" if names else None

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


_NEEDS_A_BODY = frozenset({Purpose.SUBMIT, Purpose.REOPEN})
"""Purposes without which nobody works on the message."""


def _both(said: Bilingual) -> str:
    return f"{said.ru} {said.en}"


def _kind_of(step: str) -> Step:
    """The kind of write a step is; a look-up is about the submission whose answer was lost."""
    return Step.SUBMIT if step in (LOOK_UP_STEP, CASE_STEP) else Step(step.partition(":")[0])


def _dropped(delivery: DueDelivery, file: StoredAttachment, too_large: frozenset[UUID]) -> str | None:
    """Why a file did not go with the call that made the case, where nothing else says so."""
    if file.id in too_large:
        return TOO_LARGE
    return "the agency did not take its upload" if upload_refused(delivery, file) else None
