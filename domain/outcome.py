"""The four outcomes of an attempt, the same everywhere: accepted, refused, try later, unknown.

Whatever an agency file does not list is *unknown*: nothing is guessed, and an unknown outcome never turns into a blind repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class OutcomeKind(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TRY_LATER = "try_later"
    UNKNOWN = "unknown"


class WhenAnswerIsLost(StrEnum):
    """What an agency file says must happen when an outcome is unknown."""

    RESEND = "resend"
    LOOK_UP = "look-up"
    ASK_A_PERSON = "ask-a-person"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to.

    `case_ids` holds the agency's identifiers by name; the name `case_id` is the one its feed uses. `already_there` marks an acceptance that
    found earlier work (Q8). `code` is the agency's own code, `text` one sentence for operators without any citizen's words. `kept` is what
    later steps need from this answer, by the file's names.
    """

    kind: OutcomeKind
    text: str
    case_ids: dict[str, str] = field(default_factory=dict)
    already_there: bool = False
    code: str | None = None
    retry_after_s: float | None = None
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def case_id(self) -> str | None:
        return self.case_ids.get("case_id")
