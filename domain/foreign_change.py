"""What an agency says about one of its cases, translated into our words but not yet judged by our table of moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.status import Status


class Meaning(StrEnum):
    """What a foreign code means when it is not a status of ours."""

    IGNORE = "ignore"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ForeignAnswer:
    """The agency's answer to the citizen: plain text and, where the system gives them, a decision code and a responsible person."""

    text: str
    decision: str | None = None
    responsible: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignChange:
    """One item of a feed or one webhook.

    `case_id` is theirs, `event_key` tells repeats apart (theirs, or a digest of the item), `code` is the state in their words and `means` what the
    agency file makes of it. `occurred_at` is theirs and may be missing (Q14). `note` is private unless the file says otherwise (Q38).
    `reference` is our number, where the item holds it (Q10). `after_s` is how long the state must have stood before it counts.
    `category` is our code of the topic the agency names. `own_words` asks to drop a note that only repeats what the citizen wrote (Q33).
    """

    case_id: str
    event_key: str
    code: str
    means: Status | Meaning
    occurred_at: datetime | None = None
    note: str | None = None
    note_is_public: bool = False
    answer: ForeignAnswer | None = None
    reference: str | None = None
    after_s: float = 0.0
    own_words: bool = True
    category: str | None = None
