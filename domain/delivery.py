"""A delivery: our duty to bring one thing to one agency, its states, and what an outcome makes of it.

The rules here are pure. They decide; the store records; the sender calls. An unknown outcome never becomes a blind repeat (P4), and no
delivery rests for ever: it is done, it has a next attempt, or it stands in front of a person with an age and an owner (P3).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.bilingual import Bilingual
from domain.outcome import Outcome, OutcomeKind, WhenAnswerIsLost


class Purpose(StrEnum):
    """What is to be brought."""

    SUBMIT = "SUBMIT"
    WITHDRAW = "WITHDRAW"
    ADD_COMMENT = "ADD_COMMENT"
    ADD_ATTACHMENT = "ADD_ATTACHMENT"
    REOPEN = "REOPEN"
    SET_PRIORITY = "SET_PRIORITY"


NO_CASE = Bilingual(
    "В системе организации нет дела по этому сообщению, поэтому передать туда нечего.",
    "The organisation's system has no case for this message, so there is nothing to bring there.",
)
CANNOT: Mapping[Purpose, Bilingual] = {
    Purpose.WITHDRAW: Bilingual(
        "Система организации не умеет отзывать сообщения: у нас оно отозвано, там оно осталось.",
        "The organisation's system has no way to take a message back: it is withdrawn here and stays there.",
    ),
    Purpose.ADD_COMMENT: Bilingual(
        "Система организации не принимает дополнений: ваши слова сохранены у нас, но до организации они так не дойдут.",
        "The organisation's system takes no additions: your words are kept here and do not reach the organisation this way.",
    ),
    Purpose.ADD_ATTACHMENT: Bilingual(
        "Система организации не принимает файлы к уже отправленному сообщению: они сохранены у нас, но туда не дойдут.",
        "The organisation's system takes no files for a message that was sent: they are kept here and do not get there.",
    ),
    Purpose.REOPEN: Bilingual(
        "Система организации не умеет открывать дело заново: повторное рассмотрение начнёт сотрудник.",
        "The organisation's system cannot open a case again: a member of staff will begin another consideration.",
    ),
    Purpose.SET_PRIORITY: Bilingual(
        "Система организации не различает срочность: срочность отмечена только у нас.",
        "The organisation's system knows no urgency: it is noted here only.",
    ),
}
"""What a citizen reads when the organisation's system lacks what they asked for."""
NOT_TAKEN: Mapping[Purpose, Bilingual] = {
    Purpose.WITHDRAW: Bilingual(
        "Система организации не приняла отзыв: у нас сообщение отозвано, там оно осталось.",
        "The organisation's system did not take the withdrawal: the message is withdrawn here and stays there.",
    ),
    Purpose.ADD_COMMENT: Bilingual(
        "Система организации не приняла дополнение: ваши слова сохранены у нас.",
        "The organisation's system did not take the addition: your words are kept here.",
    ),
    Purpose.ADD_ATTACHMENT: Bilingual(
        "Система организации не приняла файлы: они сохранены у нас.",
        "The organisation's system did not take these files: they are kept here.",
    ),
    Purpose.REOPEN: Bilingual(
        "Система организации отказалась открыть дело заново: сообщением займётся сотрудник.",
        "The organisation's system refused to open the case again: a member of staff will see to the message.",
    ),
    Purpose.SET_PRIORITY: Bilingual(
        "Система организации не приняла срочность: она отмечена только у нас.",
        "The organisation's system did not take the urgency: it is noted here only.",
    ),
}
"""What a citizen reads when the organisation's system has the means and refuses all the same."""


class DeliveryState(StrEnum):
    QUEUED = "QUEUED"
    """Behind an earlier delivery of the same message (P5)."""
    READY = "READY"
    """To be attempted at `next_attempt_at`."""
    IN_FLIGHT = "IN_FLIGHT"
    """An attempt is under way. Found by another holder of the turn, it means that the answer was lost."""
    LOOKING_UP = "LOOKING_UP"
    """The outcome is unknown; the agency will be asked at `next_attempt_at`."""
    WAITS_FOR_PERSON = "WAITS_FOR_PERSON"
    """Only a person can decide what happens next."""
    ON_DESK = "ON_DESK"
    """The body has no connected system: its own people see the message on the built-in desk."""
    DELIVERED = "DELIVERED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more will be done for it."""
        return self in (DeliveryState.DELIVERED, DeliveryState.REFUSED, DeliveryState.CANCELLED)


OPEN_STATES = frozenset({DeliveryState.QUEUED, DeliveryState.READY, DeliveryState.IN_FLIGHT, DeliveryState.LOOKING_UP})
"""States the worker works on."""

MOVABLE_STATES = frozenset({DeliveryState.READY, DeliveryState.IN_FLIGHT, DeliveryState.LOOKING_UP})

_FIRST_WAITS_S = (5, 30, 120, 600, 1800, 3600)
_LONGEST_WAIT_S = 6 * 3600
_GIVE_UP_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class DeliveryDecision:
    """What becomes of a delivery after an attempt. `owner` names who must look when a person is needed."""

    state: DeliveryState
    next_attempt_at: datetime | None
    reason: str
    owner: str | None = None


def backoff_s(attempts: int, seed: str) -> float:
    """Seconds to wait after the `attempts`-th attempt (1-based): seconds first, then minutes, then hours, ±20 % so that agencies are not hit in step.

    The jitter comes from `seed`, so the same delivery waits the same time in every run of a test.
    """
    base = _FIRST_WAITS_S[attempts - 1] if attempts <= len(_FIRST_WAITS_S) else _LONGEST_WAIT_S
    # Not a secret: jitter only has to spread, and must be repeatable.
    return base * random.Random(f"{seed}/{attempts}").uniform(0.8, 1.2)  # noqa: S311


@dataclass(frozen=True, slots=True)
class AttemptedStep:
    """The circumstances in which an outcome is judged. `attempts` counts this one."""

    attempts: int
    first_attempt_at: datetime
    now: datetime
    seed: str
    operator: str
    when_answer_is_lost: WhenAnswerIsLost
    settles_within_s: float


def after_outcome(outcome: Outcome, step: AttemptedStep) -> DeliveryDecision:
    """Decide what one outcome of a step makes of the delivery. ACCEPTED here means the last step: the caller goes on to the next one itself."""
    match outcome.kind:
        case OutcomeKind.ACCEPTED:
            return DeliveryDecision(DeliveryState.DELIVERED, None, outcome.text)
        case OutcomeKind.REFUSED:
            return DeliveryDecision(DeliveryState.REFUSED, None, outcome.text)
        case OutcomeKind.TRY_LATER:
            return _again_or_a_person(outcome, step)
        case OutcomeKind.UNKNOWN:
            return _after_unknown(outcome, step)


def _again_or_a_person(outcome: Outcome, step: AttemptedStep) -> DeliveryDecision:
    if step.now - step.first_attempt_at >= _GIVE_UP_AFTER:
        days = _GIVE_UP_AFTER.days
        return DeliveryDecision(
            DeliveryState.WAITS_FOR_PERSON, None, f"not delivered within {days} days: {outcome.text}", step.operator
        )
    wait_s = max(outcome.retry_after_s or 0.0, backoff_s(step.attempts, step.seed))
    return DeliveryDecision(DeliveryState.READY, step.now + timedelta(seconds=wait_s), outcome.text)


def after_unclear_look_up(text: str, step: AttemptedStep) -> DeliveryDecision:
    """A look-up that settled nothing is made again, later and later, until a person takes over."""
    if step.now - step.first_attempt_at >= _GIVE_UP_AFTER:
        return DeliveryDecision(
            DeliveryState.WAITS_FOR_PERSON, None, f"{text}; asked for {_GIVE_UP_AFTER.days} days", step.operator
        )
    wait_s = max(backoff_s(step.attempts, step.seed), step.settles_within_s)
    return DeliveryDecision(DeliveryState.LOOKING_UP, step.now + timedelta(seconds=wait_s), text)


def _after_unknown(outcome: Outcome, step: AttemptedStep) -> DeliveryDecision:
    match step.when_answer_is_lost:
        case WhenAnswerIsLost.RESEND:
            return _again_or_a_person(outcome, step)
        case WhenAnswerIsLost.LOOK_UP:
            # An abandoned call may still arrive: asking before the agency has settled would find nothing and resend too early.
            return DeliveryDecision(
                DeliveryState.LOOKING_UP, step.now + timedelta(seconds=step.settles_within_s), outcome.text
            )
        case WhenAnswerIsLost.ASK_A_PERSON:
            return DeliveryDecision(DeliveryState.WAITS_FOR_PERSON, None, outcome.text, step.operator)
