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
    COMMENT = "COMMENT"
    """The citizen added words."""
    ATTACHMENT = "ATTACHMENT"
    """The citizen added files."""
    PRIORITY = "PRIORITY"
    """An official said how urgent the message is."""
    CATEGORY = "CATEGORY"
    """The agency files the matter under another topic. The message keeps its own."""
    DELIVERY = "DELIVERY"
    """Something about our duty to deliver that a citizen or operator should know."""
