"""What an agency says becomes events of the message, and moves it only as the table allows (P6, P8).

Pure: from where the message stands and what the agency said, the list of things to record. Late, repeated and impossible changes are recorded
and not applied; nothing is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.event import EventKind
from domain.foreign_change import ForeignAnswer, ForeignChange, Meaning
from domain.status import Mover, Status, judge_move


@dataclass(frozen=True, slots=True)
class Recorded:
    """What to write for one change: one event, perhaps a new status, perhaps an answer."""

    kind: EventKind
    to_status: Status | None
    applied: bool
    reason: str | None
    new_status: Status | None
    answer: ForeignAnswer | None


def apply_status(current: Status, change: ForeignChange, *, answer_is_new: bool) -> Recorded | None:
    """Judge one change whose code is known. None means that the agency file says to ignore it.

    `answer_is_new` says whether the answer's text differs from the last one we hold: the same answer told twice is not a second version.
    """
    if change.means is Meaning.IGNORE:
        return None
    if change.means is Meaning.UNKNOWN:
        message = "a change with an unknown code is held for a person, not applied"
        raise ValueError(message)
    answer = change.answer if change.answer is not None and answer_is_new else None
    if isinstance(change.means, Meaning):
        return Recorded(EventKind.NOTE, None, True, None, None, answer)
    judgement = judge_move(current, change.means, Mover.AGENCY)
    return Recorded(
        kind=EventKind.STATUS,
        to_status=change.means,
        applied=judgement.applies,
        reason=judgement.reason,
        new_status=change.means if judgement.applies else None,
        answer=answer,
    )
