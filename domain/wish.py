"""What citizens and officials may wish for a message that is there: the rules that all wishes share.

Pure. Each wish has a file of its own in `domain/actions/`; whether the organisation's system can do it is no rule, it is said to whoever wished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from domain.bilingual import Bilingual
from domain.problem import Problem, ProblemsFound
from domain.status import FINAL, Status

NOBODY_HAS_IT = Bilingual(
    "Сообщение пока ни у одной организации: всё сохранено вместе с ним, и его увидит тот, кто будет им заниматься.",
    "No organisation has the message yet: everything is kept with it, for whoever will deal with it.",
)
"""What whoever wishes reads when there is no organisation to bring the wish to."""


def fingerprint(verb: str, *words: object) -> bytes:
    """A digest of a wish: the same key with the same fingerprint is the same wish (P2)."""
    return hashlib.sha256(json.dumps([verb, *words], ensure_ascii=True).encode()).digest()


def check_open(status: Status) -> Problem | None:
    """Nothing is added to a message that is over."""
    if status not in FINAL:
        return None
    return Problem(
        "MESSAGE_CLOSED",
        ("reference",),
        "Сообщение закрыто, дополнить его нельзя. Попросите рассмотреть его снова (reopenMessage) или напишите новое.",
        "The message is closed and nothing can be added to it. Ask for another consideration (`reopenMessage`) or write a new one.",
    )


def raise_found(problems: Iterable[Problem | None]) -> None:
    """Raises ProblemsFound with every problem there is."""
    found = [problem for problem in problems if problem is not None]
    if found:
        raise ProblemsFound(*found)
