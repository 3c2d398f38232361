"""The adapter: between a message in our words and one agency's shapes, by the agency's file, without any network.

An adapter writes Calls for a connector and reads Replies into Outcomes, Changes and look-up answers. Promises: it keeps
no state and does no input or output; it never raises on anything an agency answered, except FeedRefused for a page that
is none, AskRefused for a reply that tells no state, and BadSignature for a webhook; what the file does not list is
unknown and never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from adapters.answers import Found, LookedUp, NotFound, Unclear, items_of, read_look_up, read_outcome
from adapters.asking import AskRefused, CaseNow, read_ask
from adapters.building import CannotBuild, build_call
from adapters.context import AttachmentContext, MessageContext, as_scope
from adapters.feed import FeedRefused, PageItem, PollPage, poll_scope, read_item, read_page
from adapters.plan import AgencyPlan, AttachmentLimits, Step, Verdict, WriteStep
from adapters.webhook import BadSignature, verify
from connectors.base import Call, ConnectorError, NotSent, Reply, Tree, Unreadable
from connectors.rest.reply import read_json
from domain.delivery import Purpose
from domain.outcome import Outcome, OutcomeKind, WhenAnswerIsLost

__all__ = [
    "Adapter",
    "AskRefused",
    "AttachmentContext",
    "AttachmentLimits",
    "BadSignature",
    "CannotBuild",
    "CaseNow",
    "FeedRefused",
    "Found",
    "LookedUp",
    "MessageContext",
    "NotFound",
    "NotSupported",
    "PageItem",
    "PollPage",
    "Step",
    "Unclear",
    "Verdict",
]

MAX_WEBHOOK_BYTES = 2 * 1024 * 1024


class NotSupported(Exception):
    """The agency's file does not describe this step; ask `supports` first."""

    def __init__(self, code: str, step: Step) -> None:
        super().__init__(f"the file of {code} has no `{step}`")
        self.step = step


class Adapter:
    """One agency, as its file describes it. Immutable; safe to share."""

    def __init__(self, plan: AgencyPlan) -> None:
        self.plan = plan

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
    def poll_interval_s(self) -> float | None:
        """Seconds between polls; None when there is no feed."""
        return self.plan.poll.interval_s if self.plan.poll else None

    @property
    def attachment_limits(self) -> AttachmentLimits:
        return self.plan.attachment_limits

    @property
    def safe_names(self) -> frozenset[str]:
        """Element and field names whose code-like values may be shown in the journal."""
        return self.plan.safe_names

    def supports(self, step: Step | Purpose) -> bool:
        """Whether the file describes a step; a delivery's purpose is a step by the same name."""
        return getattr(self.plan, step.value.lower()) is not None

    def when_lost(self, step: Step) -> WhenAnswerIsLost:
        """What to do when the outcome of a write step is unknown."""
        return self._write_step(step).when_answer_is_lost

    def why_not_attach(self, media_type: str, size_bytes: int, position: int) -> str | None:
        """One sentence why the agency does not take this attachment (`position` counts from 0), or None when it does."""
        limits = self.plan.attachment_limits
        if self.plan.attachment is None:
            return "the agency takes no attachments"
        if limits.at_most is not None and position >= limits.at_most:
            return f"the agency takes at most {limits.at_most} attachments"
        if limits.max_bytes is not None and size_bytes > limits.max_bytes:
            return f"the agency takes files of at most {limits.max_bytes} bytes"
        if limits.media_types is not None and media_type not in limits.media_types:
            return "the agency does not take files of this type"
        return None

    # Calls

    def submit_call(self, message: MessageContext) -> Call:
        """The call that makes the case. Raises CannotBuild."""
        return build_call(self.plan.submit.sending, {"message": as_scope(message)}, self.plan.words)

    def attachment_call(self, message: MessageContext, case_ids: Mapping[str, str], item: AttachmentContext) -> Call:
        """The call that adds one attachment to the case. Raises CannotBuild, and NotSupported without such a step."""
        scope = {"message": as_scope(message), "case": _case(case_ids), "item": as_scope(item)}
        return build_call(self._write_step(Step.ATTACHMENT).sending, scope, self.plan.words)

    def withdraw_call(self, message: MessageContext, case_ids: Mapping[str, str]) -> Call | None:
        """The call that withdraws the case, or None where the agency knows no withdrawal. Raises CannotBuild."""
        if self.plan.withdraw is None:
            return None
        scope = {"message": as_scope(message), "case": _case(case_ids)}
        return build_call(self.plan.withdraw.sending, scope, self.plan.words)

    def look_up_call(self, message: MessageContext) -> Call | None:
        """The safe call that asks for our message, or None where the agency cannot be asked. Raises CannotBuild."""
        if self.plan.look_up is None:
            return None
        return build_call(self.plan.look_up.sending, {"message": as_scope(message)}, self.plan.words)

    def poll_call(self, cursor: Mapping[str, str] | None, now: datetime) -> Call:
        """The safe call for the next page of the feed; `cursor` is what the last page gave, None at the very first poll."""
        poll = self.plan.poll
        if poll is None:
            raise NotSupported(self.code, Step.POLL)
        return build_call(poll.sending, poll_scope(poll, cursor, now), self.plan.words)

    def ask_call(self, case_ids: Mapping[str, str]) -> Call | None:
        """The safe call that asks for the state of a case now, or None where the agency cannot be asked. Raises CannotBuild."""
        if self.plan.ask is None:
            return None
        return build_call(self.plan.ask.sending, {"case": _case(case_ids)}, self.plan.words)

    # Replies

    def read_submit(self, reply: Reply) -> Outcome:
        return read_outcome(self.plan.submit.reading, reply, self.plan.words)

    def read_attachment(self, reply: Reply) -> Outcome:
        return read_outcome(self._write_step(Step.ATTACHMENT).reading, reply, self.plan.words)

    def read_withdraw(self, reply: Reply) -> Outcome:
        return read_outcome(self._write_step(Step.WITHDRAW).reading, reply, self.plan.words)

    def read_look_up(self, reply: Reply, message: MessageContext) -> LookedUp:
        """Whether the agency has this very message: Found, NotFound, or Unclear with a reason."""
        if self.plan.look_up is None:
            raise NotSupported(self.code, Step.LOOK_UP)
        return read_look_up(self.plan.look_up, reply, message.reference, self.plan.words)

    def read_poll(self, reply: Reply, cursor: Mapping[str, str] | None, now: datetime) -> PollPage:
        """One page; `cursor` and `now` are those of `poll_call`. Raises FeedRefused, and the cursor stays."""
        if self.plan.poll is None:
            raise NotSupported(self.code, Step.POLL)
        return read_page(self.plan, self.plan.poll, reply, cursor, now)

    def read_ask(self, reply: Reply, case_id: str | None = None) -> CaseNow:
        """What the agency says of the case now. Without `case_id` it is not compared which case that is. Raises AskRefused."""
        if self.plan.ask is None:
            raise NotSupported(self.code, Step.ASK)
        return read_ask(self.plan, self.plan.ask, reply, case_id)

    def outcome_of(self, error: ConnectorError | CannotBuild, step: Step) -> Outcome:
        """What a call came to that brought no readable reply. Only what certainly did not arrive may be tried again blindly."""
        if isinstance(error, CannotBuild):
            return Outcome(OutcomeKind.TRY_LATER, f"{step}: the agency's file cannot say this: {error.text}")
        if isinstance(error, NotSent):
            return Outcome(OutcomeKind.TRY_LATER, f"{step}: not sent: {error.text}")
        code = str(error.status) if error.status is not None else None
        return Outcome(OutcomeKind.UNKNOWN, f"{step}: {error.text}", code=code)

    # Webhooks, and items kept for later

    def verify_webhook(self, headers: Mapping[str, str], raw: bytes, now: datetime | None = None) -> None:
        """Nothing when the agency's signature holds. Raises BadSignature; the body must not be stored before this."""
        if self.plan.webhook is None:
            raise NotSupported(self.code, Step.WEBHOOK)
        if len(raw) > MAX_WEBHOOK_BYTES:
            raise BadSignature(f"the body has more than {MAX_WEBHOOK_BYTES} bytes")
        verify(self.plan.webhook.signature, headers, raw, now or datetime.now(UTC))

    def read_webhook(self, raw: bytes) -> list[PageItem]:
        """The items of a verified body. A body that cannot be read is one item with a fault, so that it is kept."""
        webhook = self.plan.webhook
        if webhook is None:
            raise NotSupported(self.code, Step.WEBHOOK)
        try:
            tree = read_json(raw, "application/json; charset=utf-8")
        except Unreadable:
            return [PageItem(None, fault="the body is not JSON")]
        scope: dict[str, object] = {**(tree if isinstance(tree, dict) else {}), "reply": tree}
        items = [tree] if webhook.each is None else items_of(webhook.each, scope, self.plan.words)
        if items is None:
            return [PageItem(tree, fault="the body holds no list of changes where the file says")]
        return [read_item(self.plan, webhook.fields, item) for item in items]

    def read_kept_item(self, item: Tree, step: Step = Step.POLL) -> PageItem:
        """Reads an item again that was kept (unknown state, unreadable), for the time after the file was mended."""
        source = self.plan.webhook if step is Step.WEBHOOK else self.plan.poll
        if source is None:
            raise NotSupported(self.code, step)
        return read_item(self.plan, source.fields, item)

    def _write_step(self, step: Step) -> WriteStep:
        steps = {
            Step.SUBMIT: self.plan.submit,
            Step.ATTACHMENT: self.plan.attachment,
            Step.WITHDRAW: self.plan.withdraw,
        }
        found = steps.get(step)
        if found is None:
            raise NotSupported(self.code, step)
        return found


def _case(case_ids: Mapping[str, str]) -> dict[str, object]:
    return {"id": case_ids.get("case_id"), **{name: value for name, value in case_ids.items() if name != "case_id"}}
