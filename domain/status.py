"""The states of a message and the one table of allowed moves (P6).

Everything that wants to change a state asks `judge_move`. A move the table does not hold is recorded as an event and not applied:
agencies send events late, twice and out of order, and none of that may move a message backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a message stands, in the citizen's eyes."""

    RECEIVED = "RECEIVED"
    ON_MODERATION = "ON_MODERATION"
    ROUTED = "ROUTED"
    DELIVERED = "DELIVERED"
    REGISTERED = "REGISTERED"
    IN_PROGRESS = "IN_PROGRESS"
    WAITING_FOR_CITIZEN = "WAITING_FOR_CITIZEN"
    PLANNED = "PLANNED"
    ANSWERED = "ANSWERED"
    SOLVED = "SOLVED"
    CLOSED_UNSOLVED = "CLOSED_UNSOLVED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class Mover(StrEnum):
    """Who may cause a move."""

    HUB = "hub"
    AGENCY = "agency"
    CITIZEN = "citizen"
    OFFICIAL = "official"


S = Status
_WITH_AGENCY = (S.DELIVERED, S.REGISTERED, S.IN_PROGRESS, S.WAITING_FOR_CITIZEN, S.PLANNED)

ALLOWED_MOVES: dict[tuple[Status, Status], frozenset[Mover]] = {
    (S.RECEIVED, S.ON_MODERATION): frozenset({Mover.HUB}),
    (S.RECEIVED, S.ROUTED): frozenset({Mover.HUB}),
    (S.RECEIVED, S.REFUSED): frozenset({Mover.OFFICIAL}),
    (S.ON_MODERATION, S.ROUTED): frozenset({Mover.OFFICIAL}),
    (S.ON_MODERATION, S.REFUSED): frozenset({Mover.OFFICIAL}),
    (S.ROUTED, S.DELIVERED): frozenset({Mover.HUB}),
    # An agency that refuses the case gives the message back: it needs a person who finds another body.
    (S.ROUTED, S.ON_MODERATION): frozenset({Mover.HUB}),
    # A feed may be faster than our own record of the delivery, so an agency can speak before we noted DELIVERED.
    **{(S.ROUTED, target): frozenset({Mover.AGENCY}) for target in (*_WITH_AGENCY[1:], S.ANSWERED)},
    **{
        (source, target): frozenset({Mover.AGENCY})
        for source in _WITH_AGENCY
        for target in (*_WITH_AGENCY, S.ANSWERED, S.CLOSED_UNSOLVED)
        # Nothing goes back to "delivered", and registration happens once.
        if source is not target
        and target is not S.DELIVERED
        and not (target is S.REGISTERED and source is not S.DELIVERED)
    },
    # An agency that declines closes without a solution. Only the citizen's verdict or an official calls a message solved.
    (S.ROUTED, S.CLOSED_UNSOLVED): frozenset({Mover.AGENCY}),
    (S.ANSWERED, S.SOLVED): frozenset({Mover.CITIZEN, Mover.OFFICIAL}),
    (S.ANSWERED, S.CLOSED_UNSOLVED): frozenset({Mover.CITIZEN, Mover.OFFICIAL}),
    # A new round, always asked for by a person (P10).
    (S.ANSWERED, S.ROUTED): frozenset({Mover.CITIZEN, Mover.OFFICIAL}),
    (S.CLOSED_UNSOLVED, S.ROUTED): frozenset({Mover.CITIZEN, Mover.OFFICIAL}),
    **{
        (source, S.WITHDRAWN): frozenset({Mover.CITIZEN})
        for source in (S.RECEIVED, S.ON_MODERATION, S.ROUTED, *_WITH_AGENCY)
    },
}
"""(from, to) → who may do it. Read it as the whole life of a message; DESIGN's picture in one table."""

FINAL = frozenset({S.SOLVED, S.CLOSED_UNSOLVED, S.REFUSED, S.WITHDRAWN})
CLOSED_TO_AGENCIES = frozenset({S.ANSWERED, *FINAL})


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a move applies, and one sentence why not."""

    applies: bool
    reason: str | None = None


def judge_move(current: Status, wanted: Status, mover: Mover) -> Judgement:
    """Ask the table. Never raises: a refused move is an ordinary answer that the caller records."""
    if current is wanted:
        return Judgement(False, "the message is in this state already")
    movers = ALLOWED_MOVES.get((current, wanted))
    if movers is None:
        return Judgement(False, f"no move leads from {current} to {wanted}")
    if mover not in movers:
        return Judgement(False, f"a move from {current} to {wanted} is not made by the {mover}")
    return Judgement(True)
