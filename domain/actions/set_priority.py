"""An official says how urgent a message is, and why."""

from __future__ import annotations

from domain.message import Priority
from domain.problem import Problem
from domain.status import CLOSED_TO_AGENCIES, Status
from domain.wish import raise_found
from domain.words import check_words

MAX_REASON_CHARS = 500


def set_priority(wanted: Priority, reason: str, current: Priority, status: Status) -> bool:
    """Whether anything changes: the priority that stands already is no change. Raises ProblemsFound."""
    raise_found(
        [
            _over() if status in CLOSED_TO_AGENCIES else None,
            check_words(reason, ("reason",), at_most=MAX_REASON_CHARS),
        ]
    )
    return wanted is not current


def _over() -> Problem:
    return Problem(
        "MESSAGE_CLOSED",
        ("reference",),
        "На сообщение уже ответили или оно закрыто: срочность ничего не изменит.",
        "The message is answered or closed already: its urgency would change nothing.",
    )
