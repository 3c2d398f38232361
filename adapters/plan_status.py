"""How one agency is listened to, compiled: feeds, webhooks, questions about a case, and what their items mean. Plain data.

Promises: everything here is immutable and already judged; no secret is held, only a way to ask for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Literal, TypeAlias

from adapters.expressions import Expression
from adapters.plan_sending import Sending
from adapters.times import ISO
from domain.status import Status

Network: TypeAlias = "IPv4Network | IPv6Network"
MAIN_FEED = ""
"""The name of the feed under `poll`; those under `also_poll` have names of their own."""


class Shows(StrEnum):
    """What a feed shows when it is read."""

    CHANGES = "changes"
    EVERYTHING = "everything"
    CASES_ASKED_FOR = "cases-asked-for"


@dataclass(frozen=True, slots=True)
class Echo:
    """How our own words and deeds are recognised when they come back (Q33)."""

    when: Expression | None = None
    marker: str | None = None
    own_words: bool = True


NO_ECHO = Echo()


@dataclass(frozen=True, slots=True)
class ChangeFields:
    """Where one item of a feed or a webhook, or the reply to a question, keeps what we want. `case_id` is missing only in a question."""

    state: Expression
    case_id: Expression | None = None
    reference: Expression | None = None
    category: Expression | None = None
    substate: Expression | None = None
    reason: Expression | None = None
    at: Expression | None = None
    at_forms: tuple[str, ...] = (ISO,)
    at_zone: tzinfo | None = None
    note: Expression | None = None
    note_is_public: Expression | None = None
    event_key: Expression | None = None
    answer_text: Expression | None = None
    answer_decision: Expression | None = None
    answer_responsible: Expression | None = None
    only_when: Expression | None = None
    fails_when: Expression | None = None
    echo: Echo = NO_ECHO


@dataclass(frozen=True, slots=True)
class AskStep:
    """How the agency is asked for the present state of one case. With `case_id` the reply must be about the case asked for (Q18)."""

    sending: Sending
    fields: ChangeFields


@dataclass(frozen=True, slots=True)
class CursorFields:
    """Where a page of a cursor feed says how to go on."""

    next: Expression
    has_more: Expression | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """How one reading goes from page to page. `at_most` pages make one reading; more is an alarm (Q19)."""

    by: Literal["page", "offset", "marker", "link"]
    first: int = 1
    next: Expression | None = None
    has_more: Expression | None = None
    at_most: int = 100


@dataclass(frozen=True, slots=True)
class Follow:
    """One more read for an item of ours; what it brings stands in `item.<name>` (Q36)."""

    name: str
    sending: Sending
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tells the agency that a page, or each item of it, is safe with us."""

    sending: Sending
    each_item: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """What becomes of a case that a full list no longer shows (Q35). It is asked for first; `means` is believed when nobody knows it."""

    means: Status | None = None


@dataclass(frozen=True, slots=True)
class PollStep:
    """One feed. A dated feed is asked from `poll.since`; others know by a cursor, by having handed out, or by a full list."""

    sending: Sending
    interval_s: float
    each: Expression
    fields: ChangeFields
    name: str = MAIN_FEED
    shows: Shows = Shows.CHANGES
    overlap_s: float = 0.0
    reaches_back_s: float = 86_400.0
    clock_skew_s: float = 0.0
    window_s: float | None = None
    has_until: bool = False
    cursor: CursorFields | None = None
    pages: Pages | None = None
    page_size: int | None = None
    at_most: int | None = None
    is_dated: bool = True
    batch: int = 50
    empty_is_none: bool = False
    follow: tuple[Follow, ...] = ()
    follow_at_most: int = 200
    acknowledge: Acknowledge | None = None
    hands_out_once: bool = False
    missing: Missing | None = None
    shrinks_at_most: float = 0.3


@dataclass(frozen=True, slots=True)
class Signature:
    """A digest keyed with a shared secret over the body, or over `<timestamp>.<body>`; `prefix` comes before it in the header."""

    header: str
    secret: Callable[[], str]
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    timestamp_header: str | None = None
    written: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    tolerance_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Token:
    """A shared secret in a header; `prefix` comes before it."""

    header: str
    secret: Callable[[], str]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """HTTP Basic."""

    username: Callable[[], str]
    password: Callable[[], str]


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """What the sender wants to hear when its body is safe with us."""

    status: int = 202
    body: str = ""
    media_type: str = "text/plain; charset=utf-8"


USUAL_REPLY = WebhookReply()


@dataclass(frozen=True, slots=True)
class WebhookStep:
    """What the agency posts to us. Every proof that is there must hold. Without `each` the body is one item."""

    fields: ChangeFields
    each: Expression | None = None
    signature: Signature | None = None
    token: Token | None = None
    login: Login | None = None
    networks: tuple[Network, ...] = ()
    format: Literal["json", "form", "xml"] = "json"
    inside: str | None = None
    reply: WebhookReply = USUAL_REPLY
    only_wakes: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Directions in which the agency is left alone for now (Q42)."""

    sending: bool = False
    reading: bool = False


Feeds: TypeAlias = "Mapping[str, PollStep]"
