"""What kinds of things happen to a message. Every one becomes a row that is never changed (P6)."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    STATUS = "STATUS"
    """A move, applied or refused by the table."""
    NOTE = "NOTE"
    """Words from the agency that move nothing."""
    ANSWER = "ANSWER"
    """An answer arrived."""
    VERDICT = "VERDICT"
    """The citizen rated an answer. Never a status change (P10)."""
    DELIVERY = "DELIVERY"
    """Something about our duty to deliver that a citizen or operator should know."""
