"""The adapter: between a message in our words and one agency's shapes, by the agency's file, without any network.

An adapter writes Calls for a connector and reads Replies into Outcomes, Changes and look-up answers. Promises: it keeps
no state and does no input or output; it never raises on anything an agency answered, except FeedRefused for a page that
is none, AskRefused for a reply that tells no state, and BadSignature for a webhook; what the file does not list is
unknown and never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from adapters.answers import (
    Found,
    LookedUp,
    NotFound,
    Unclear,
    find_resend_rule,
    read_look_up,
    read_outcome,
    read_table,
)
from adapters.asking import AskRefused, CaseNow
from adapters.building import CannotBuild, build_call
from adapters.context import USUAL, AttachmentContext, Circumstances, MessageContext, as_scope
from adapters.expressions import ExpressionFailed
from adapters.feed import FeedRefused, PageItem, PollPage
from adapters.listening import Listening, NotSupported
from adapters.plan import AttachmentLimits, AttachmentsGo, NamedStep, Step, Verdict, WriteStep
from adapters.saying import citizens_words, scope_of, words_for
from adapters.webhook import BadSignature
from connectors.base import Call, ConnectorError, NotSent, Reply
from domain.delivery import Purpose
from domain.outcome import Outcome, OutcomeKind, WhenAnswerIsLost

__all__ = [
    "Adapter",
    "AskRefused",
    "AttachmentContext",
    "AttachmentLimits",
    "AttachmentsGo",
    "BadSignature",
    "CannotBuild",
    "CaseNow",
    "Circumstances",
    "FeedRefused",
    "Found",
    "LookedUp",
    "MessageContext",
    "NamedStep",
    "NotFound",
    "NotSupported",
    "PageItem",
    "PollPage",
    "Step",
    "Unclear",
    "Verdict",
]

SHRINKABLE = frozenset({"image/jpeg", "image/png", "image/webp"})


_WRITE_STEPS = frozenset(
    {
        Step.UPLOAD,
        Step.SUBMIT,
        Step.ATTACHMENT,
        Step.WITHDRAW,
        Step.ADD_COMMENT,
        Step.REOPEN,
        Step.SET_PRIORITY,
    }
)
_STEP_OF: Mapping[Step | Purpose, Step] = {
    # Files that are added later go the way of every file after its case.
    purpose: Step.ATTACHMENT if purpose is Purpose.ADD_ATTACHMENT else Step(purpose.value.lower())
    for purpose in Purpose
}


class Adapter(Listening):
    """One agency, as its file describes it. Immutable; safe to share."""

    @property
    def code(self) -> str:
        return self.plan.code

    @property
    def timezone(self) -> tzinfo:
        return self.plan.words.timezone

    @property
    def when_answer_is_lost(self) -> WhenAnswerIsLost:
        """What to do when a submit's outcome is unknown; other steps: `when_lost`."""
        return self.plan.submit.when_answer_is_lost

    @property
    def settles_within_s(self) -> float:
        """How long an abandoned call may still arrive: a look-up before that proves nothing. 0 without a look-up."""
        return self.plan.look_up.settles_within_s if self.plan.look_up else 0.0

    @property
    def case_id_comes_later(self) -> bool:
        """Whether an accepted submission may lack the number of its case (Q10)."""
        return self.plan.submit.reading.case_id_later

    @property
    def attachment_limits(self) -> AttachmentLimits:
        return self.plan.attachment_limits

    @property
    def safe_names(self) -> frozenset[str]:
        """Element and field names whose code-like values may be shown in the journal."""
        return self.plan.safe_names

    def supports(self, step: Step | Purpose) -> bool:
        """Whether the file describes a step; a delivery's purpose is a step by the same name, and ADD_ATTACHMENT is `attachment`."""
        return getattr(self.plan, _STEP_OF.get(step, step).value) not in (None, ())

    def write_step(self, name: str) -> WriteStep:
        """A step that has an outcome, by its name in the ledger: `submit`, `before:place` or plain `place`, `before:withdraw.edition`,
        `attachment:<id>`. Raises NotSupported.
        """
        kind, _, rest = name.partition(":")
        found: WriteStep | None = None
        if kind in _WRITE_STEPS:
            found = getattr(self.plan, kind)
        elif own := self.named_step(rest or kind):
            found = own.step
        if found is None:
            raise NotSupported(self.code, kind)
        return found

    def named_step(self, name: str) -> NamedStep | None:
        """A step of the file's own by its name: `place` around `submit`, `withdraw.edition` before a wish."""
        wish, _, own = name.rpartition(".")
        steps = self.before(wish) if wish else (*self.plan.before, *self.plan.then)
        return next((one for one in steps if one.name == own), None)

    def before(self, step: str) -> tuple[NamedStep, ...]:
        """What comes before a wish or an attachment, in its order; nothing where the file does not describe the step."""
        found: WriteStep | None = getattr(self.plan, step) if step in _WRITE_STEPS else None
        return found.before if found is not None else ()

    def when_lost(self, step: str) -> WhenAnswerIsLost:
        """What to do when the outcome of a write step is unknown. Raises NotSupported."""
        return self.write_step(step).when_answer_is_lost

    def why_not_attach(self, media_type: str, size_bytes: int, position: int) -> str | None:
        """One sentence why the agency does not take this attachment (`position` counts from 0), or None when it does."""
        limits = self.plan.attachment_limits
        if self.plan.attachments_go is AttachmentsGo.NOT:
            return "the agency takes no attachments"
        if limits.media_types is not None and media_type not in limits.media_types:
            return "the agency does not take files of this type"
        if limits.at_most is not None and position >= limits.at_most:
            return f"the agency takes at most {limits.at_most} attachments"
        too_large = limits.max_bytes is not None and size_bytes > limits.max_bytes
        if too_large and not (limits.shrink_photos and media_type in SHRINKABLE):
            return f"the agency takes files of at most {limits.max_bytes} bytes"
        return None

    # Calls

    def write_call(
        self,
        step: str,
        message: MessageContext,
        circumstances: Circumstances = USUAL,
        *,
        case_ids: Mapping[str, str] | None = None,
        item: AttachmentContext | None = None,
        **others: Mapping[str, object],
    ) -> Call:
        """The call of a step by its name in the ledger; `others` are its own roots, such as `comment`. Raises CannotBuild, NotSupported."""
        found = self.write_step(step)
        sending = found.sending
        if circumstances.resend is not None and circumstances.resend < len(found.resend_once):
            sending = sending.changed(found.resend_once[circumstances.resend])
        scope = scope_of(self.plan, circumstances, message, case_ids, item, **others)
        return build_call(sending, scope, words_for(self.plan, circumstances), self.plan.text)

    def is_wanted(
        self,
        step: NamedStep,
        message: MessageContext,
        circumstances: Circumstances = USUAL,
        case_ids: Mapping[str, str] | None = None,
    ) -> bool:
        """Whether a step of the file's own is to be made for this message. A condition that fails is a wish to be careful: it is made."""
        if step.when is None:
            return True
        try:
            scope = scope_of(self.plan, circumstances, message, case_ids)
            return step.when.evaluate(scope, words_for(self.plan, circumstances)) is not False
        except ExpressionFailed:
            return True

    def submit_call(self, message: MessageContext, circumstances: Circumstances = USUAL) -> Call:
        """The call that makes the case. Raises CannotBuild."""
        return self.write_call(Step.SUBMIT, message, circumstances)

    def attachment_call(self, message: MessageContext, case_ids: Mapping[str, str], item: AttachmentContext) -> Call:
        """The call that adds one attachment to the case. Raises CannotBuild, and NotSupported without such a step."""
        return self.write_call(Step.ATTACHMENT, message, case_ids=case_ids, item=item)

    def withdraw_call(self, message: MessageContext, case_ids: Mapping[str, str]) -> Call | None:
        """The call that withdraws the case, or None where the agency knows no withdrawal. Raises CannotBuild."""
        if self.plan.withdraw is None:
            return None
        return self.write_call(Step.WITHDRAW, message, case_ids=case_ids)

    def look_up_call(self, message: MessageContext, circumstances: Circumstances = USUAL) -> Call | None:
        """The safe call that asks for our message, or None where the agency cannot be asked. Raises CannotBuild."""
        if self.plan.look_up is None:
            return None
        scope = scope_of(self.plan, circumstances, message)
        return build_call(self.plan.look_up.sending, scope, words_for(self.plan, circumstances), self.plan.text)

    def table_call(self, name: str) -> Call:
        """The safe call that fetches a table of `translate`. Raises CannotBuild, NotSupported."""
        table = next((one for one in self.plan.tables if one.name == name), None)
        if table is None:
            raise NotSupported(self.code, Step.TABLE)
        return build_call(table.sending, {}, self.plan.words)

    # Replies

    def read_write(
        self, step: str, reply: Reply, message: MessageContext | None = None, circumstances: Circumstances = USUAL
    ) -> Outcome:
        """What the reply to a step comes to, by the step's name in the ledger. Raises NotSupported."""
        return read_outcome(self.write_step(step).reading, reply, self.plan.words, self._sent(message, circumstances))

    def resend_rule(
        self, step: str, reply: Reply, message: MessageContext | None = None, circumstances: Circumstances = USUAL
    ) -> int | None:
        """The place of the rule by which the call is to be made once more, changed (Q11). Raises NotSupported."""
        rules = self.write_step(step).resend_once
        return find_resend_rule(rules, reply, self.plan.words, self._sent(message, circumstances)) if rules else None

    def _sent(self, message: MessageContext | None, circumstances: Circumstances) -> dict[str, object]:
        scope: dict[str, object] = {"steps": circumstances.steps} if circumstances.steps else {}
        if message is not None:
            scope["our"] = {"reference": message.reference, "id": message.id}
        return scope

    def read_submit(self, reply: Reply, message: MessageContext | None = None) -> Outcome:
        return self.read_write(Step.SUBMIT, reply, message)

    def read_attachment(self, reply: Reply) -> Outcome:
        return self.read_write(Step.ATTACHMENT, reply)

    def read_withdraw(self, reply: Reply) -> Outcome:
        return self.read_write(Step.WITHDRAW, reply)

    def read_look_up(self, reply: Reply, message: MessageContext, circumstances: Circumstances = USUAL) -> LookedUp:
        """Whether the agency has this very message: Found, NotFound, or Unclear with a reason."""
        if self.plan.look_up is None:
            raise NotSupported(self.code, Step.LOOK_UP)
        scope = scope_of(self.plan, circumstances, message)
        words = words_for(self.plan, circumstances)
        # A condition may compare with the message; the reply's own fields keep their names.
        sent = {
            "our": {**as_scope(message), "text": citizens_words(message.text, self.plan.text)},
            "steps": scope["steps"],
        }
        return read_look_up(self.plan.look_up, reply, message.reference, words, sent)

    def read_table(self, name: str, reply: Reply) -> dict[str, str] | None:
        """The rows of a fetched table, or None where the reply is none. Raises NotSupported."""
        table = next((one for one in self.plan.tables if one.name == name), None)
        if table is None:
            raise NotSupported(self.code, Step.TABLE)
        return read_table(table, reply, self.plan.words)

    def outcome_of(self, error: ConnectorError | CannotBuild, step: Step) -> Outcome:
        """What a call came to that brought no readable reply. Only what certainly did not arrive may be tried again blindly."""
        if isinstance(error, CannotBuild):
            return Outcome(OutcomeKind.TRY_LATER, f"{step}: the agency's file cannot say this: {error.text}")
        if isinstance(error, NotSent):
            return Outcome(OutcomeKind.TRY_LATER, f"{step}: not sent: {error.text}")
        code = str(error.status) if error.status is not None else None
        return Outcome(OutcomeKind.UNKNOWN, f"{step}: {error.text}", code=code)
