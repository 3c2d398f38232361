"""One agency's file, compiled: what `agencies/build.py` makes and the adapter obeys. Plain data, no behaviour.

Promises: everything here is immutable and already judged; no secret is held, only a way to ask for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from adapters.deciding import Decision
from adapters.expressions import Expression
from adapters.functions import Words
from adapters.hiding import Hiding
from adapters.plan_sending import (
    AttachmentLimits,
    AttachmentsGo,
    FaultRule,
    Field,
    FileFields,
    NamedStep,
    Reading,
    Sending,
    TableStep,
    Verdict,
    WriteStep,
)
from adapters.plan_status import (
    AskStep,
    ChangeFields,
    CursorFields,
    Pause,
    PollStep,
    Signature,
    WebhookStep,
)
from adapters.texts import TextRules
from domain.foreign_change import Meaning
from domain.status import Status

__all__ = [
    "AgencyPlan",
    "AskStep",
    "AttachmentLimits",
    "AttachmentsGo",
    "ChangeFields",
    "CursorFields",
    "FaultRule",
    "Field",
    "FileFields",
    "LookUpStep",
    "NamedStep",
    "Pause",
    "PollStep",
    "Reading",
    "Sending",
    "Signature",
    "Step",
    "TableStep",
    "Verdict",
    "WebhookStep",
    "WriteStep",
]

_TAKES_ANYTHING = AttachmentLimits()
_HIDES_NOTHING = Hiding()
_NOT_PAUSED = Pause()


class Step(StrEnum):
    """What an adapter can be asked for."""

    BEFORE = "before"
    UPLOAD = "upload"
    SUBMIT = "submit"
    THEN = "then"
    ATTACHMENT = "attachment"
    WITHDRAW = "withdraw"
    ADD_COMMENT = "add_comment"
    REOPEN = "reopen"
    SET_PRIORITY = "set_priority"
    TABLE = "table"
    LOOK_UP = "look_up"
    ASK = "ask"
    POLL = "poll"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class LookUpStep:
    """How our message is found at the agency. Which item is ours is judged here again, by exactly one of `reference` (equal),
    `reference_inside` (a text that names it) and `ours_when` (a condition, Q37): a wrong filter may return everything (Q18).
    """

    sending: Sending
    settles_within_s: float
    each: Expression
    case_id: Expression
    reference: Expression | None = None
    reference_inside: Expression | None = None
    ours_when: Expression | None = None
    also_known_as: Mapping[str, Expression] | None = None


@dataclass(frozen=True, slots=True)
class AgencyPlan:
    """Everything the adapter of one agency knows."""

    code: str
    words: Words
    submit: WriteStep
    means: Mapping[str, Status | Meaning]
    attachment: WriteStep | None = None
    attachment_limits: AttachmentLimits = _TAKES_ANYTHING
    attachments_go: AttachmentsGo = AttachmentsGo.NOT
    upload: WriteStep | None = None
    before: tuple[NamedStep, ...] = ()
    then: tuple[NamedStep, ...] = ()
    withdraw: WriteStep | None = None
    add_comment: WriteStep | None = None
    reopen: WriteStep | None = None
    set_priority: WriteStep | None = None
    tables: tuple[TableStep, ...] = ()
    text: TextRules | None = None
    look_up: LookUpStep | None = None
    ask: AskStep | None = None
    poll: PollStep | None = None
    also_poll: tuple[PollStep, ...] = ()
    webhook: WebhookStep | None = None
    decide: tuple[Decision, ...] = ()
    hides: Hiding = _HIDES_NOTHING
    collapses_repeats: bool = True
    pause: Pause = _NOT_PAUSED
    edition: str = ""
    says_links: bool = False
    """Whether something that is sent says `item.link`."""
    safe_names: frozenset[str] = frozenset()
