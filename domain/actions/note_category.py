"""An agency files our message under another topic: a line of the history, and never a silent change of the message (A-004)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.bilingual import Bilingual


@dataclass(frozen=True, slots=True)
class ToldTopic:
    """The newest line of a history about a topic; `at` is the agency's time and may be missing."""

    note: str | None
    at: datetime | None


def note_category(
    ours: str | None, theirs: str, name: Bilingual, at: datetime | None, last: ToldTopic | None
) -> str | None:
    """The line to be written, or None when it is no news: what was told last, without that the message's own topic, or late."""
    said = (
        f"Организация отнесла сообщение к теме «{name.ru}» ({theirs})."
        f" The organisation files the message under “{name.en}” ({theirs})."
    )
    if last is None:
        return said if theirs != ours else None
    # A feed shows the same hours again, and a topic that was told then is not the one of now.
    is_late = at is not None and last.at is not None and at <= last.at
    return None if said == last.note or is_late else said
