"""One agency's file, compiled: what `agencies/build.py` makes and the adapter obeys. Plain data, no behaviour.

Promises: everything here is immutable and already judged; no secret is held, only a way to ask for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from adapters.expressions import Expression
from adapters.functions import Words
from domain.foreign_change import Meaning
from domain.outcome import WhenAnswerIsLost
from domain.status import Status


class Step(StrEnum):
    """What an adapter can be asked for."""

    SUBMIT = "submit"
    ATTACHMENT = "attachment"
    WITHDRAW = "withdraw"
    LOOK_UP = "look_up"
    ASK = "ask"
    POLL = "poll"
    WEBHOOK = "webhook"


class Verdict(StrEnum):
    """What a file says of one code. Three of them are outcomes; `already_there` is an acceptance that found earlier work (Q8)."""

    ACCEPTED = "accepted"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    TRY_LATER = "try_later"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a mapping: where the value goes in the agency's shape, and where it comes from."""

    to: tuple[str, ...]
    value: Expression

    @property
    def name(self) -> str:
        return ".".join(self.to)


@dataclass(frozen=True, slots=True)
class FileFields:
    """One file of a multipart request."""

    field: str
    name: Expression
    media_type: Expression
    content: Expression


@dataclass(frozen=True, slots=True)
class Sending:
    """How one call is written. Rows keep the order of the file, it is the order on the wire (Q3)."""

    operation: str
    body: tuple[Field, ...] = ()
    path: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    headers: tuple[Field, ...] = ()
    form: tuple[Field, ...] = ()
    files: tuple[FileFields, ...] = ()
    safe: bool = False


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What a SOAP fault means, by wildcard patterns of its code and its text (both must match where both are given)."""

    verdict: Verdict
    code: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How a reply becomes an outcome. A code that `verdicts` does not list is unknown."""

    outcome_from: Expression
    verdicts: Mapping[str, Verdict]
    case_id: Expression | None = None
    code: Expression | None = None
    faults: tuple[FaultRule, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteStep:
    """A step that changes something at the agency."""

    sending: Sending
    reading: Reading
    when_answer_is_lost: WhenAnswerIsLost


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """What the agency takes. `None` means that the file names no limit."""

    max_bytes: int | None = None
    media_types: frozenset[str] | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class LookUpStep:
    """How our message is found at the agency. `reference` is checked here again: a wrong filter may return everything (Q18)."""

    sending: Sending
    settles_within_s: float
    each: Expression
    case_id: Expression
    reference: Expression


@dataclass(frozen=True, slots=True)
class AskStep:
    """How the agency is asked for the present state of one case. With `case_id` the reply must be about the case asked for (Q18)."""

    sending: Sending
    state: Expression
    at: Expression | None = None
    note: Expression | None = None
    note_is_public: Expression | None = None
    case_id: Expression | None = None


@dataclass(frozen=True, slots=True)
class ChangeFields:
    """Where one item of a feed or a webhook keeps what we want. `means` translates states; `Meaning.UNKNOWN` is never in it."""

    case_id: Expression
    state: Expression
    at: Expression | None = None
    note: Expression | None = None
    note_is_public: Expression | None = None
    event_key: Expression | None = None
    answer_text: Expression | None = None
    answer_decision: Expression | None = None
    answer_responsible: Expression | None = None


@dataclass(frozen=True, slots=True)
class CursorFields:
    """Where a page of a cursor feed says how to go on."""

    next: Expression
    has_more: Expression | None = None


@dataclass(frozen=True, slots=True)
class PollStep:
    """A change feed. Without `cursor` it is a dated feed, asked from `poll.since`."""

    sending: Sending
    interval_s: float
    overlap_s: float
    reaches_back_s: float
    each: Expression
    fields: ChangeFields
    cursor: CursorFields | None = None
    page_size: int | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """HMAC-SHA256 in hex over `<timestamp>.<body>`; `prefix` comes before the hex in the header."""

    header: str
    timestamp_header: str
    prefix: str
    tolerance_s: float
    secret: Callable[[], str]


@dataclass(frozen=True, slots=True)
class WebhookStep:
    """What the agency posts to us. Without `each` the body is one item."""

    signature: Signature
    each: Expression | None
    fields: ChangeFields


@dataclass(frozen=True, slots=True)
class AgencyPlan:
    """Everything the adapter of one agency knows."""

    code: str
    words: Words
    submit: WriteStep
    means: Mapping[str, Status | Meaning]
    attachment: WriteStep | None = None
    attachment_limits: AttachmentLimits = AttachmentLimits()
    withdraw: WriteStep | None = None
    look_up: LookUpStep | None = None
    ask: AskStep | None = None
    poll: PollStep | None = None
    webhook: WebhookStep | None = None
    safe_names: frozenset[str] = frozenset()
