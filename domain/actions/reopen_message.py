"""The citizen does not take the answer and asks for another consideration, as often as the rules allow (A-078, A-081).

Only whoever wrote the message begins a new round; a rating never does (P10). The deadline does not restart (P12).
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.actions.add_attachments import check_files
from domain.problem import Problem
from domain.status import Mover, Status, judge_move
from domain.wish import fingerprint, raise_found
from domain.words import check_words

MAX_REASON_CHARS = 4_000
MAX_REOPENINGS = 2
"""Rounds are bounded: what two more considerations did not settle belongs to a body above."""


@dataclass(frozen=True, slots=True)
class ReopenMessage:
    """`reference` is ours, already read; an id of a file that is none is None."""

    reference: str
    reason: str
    attachments: tuple[UUID | None, ...] = ()

    def fingerprint(self) -> bytes:
        return fingerprint("reopen_message", self.reference, self.reason, [str(one) for one in self.attachments])


def reopen_message(command: ReopenMessage, status: Status, consideration: int, files: int) -> tuple[UUID, ...]:
    """The files to be added with the reopening of a message in its `consideration`-th round, which has `files`. Raises ProblemsFound."""
    known, problems = check_files(command.attachments, files)
    raise_found(
        [
            _check_status(status),
            _too_often() if consideration > MAX_REOPENINGS else None,
            check_words(command.reason, ("reason",), at_most=MAX_REASON_CHARS),
            *problems,
        ]
    )
    return known


def _check_status(status: Status) -> Problem | None:
    if judge_move(status, Status.ROUTED, Mover.CITIZEN).applies:
        return None
    if status is Status.SOLVED:
        return Problem(
            "ALREADY_SOLVED",
            ("reference",),
            "Вопрос отмечен как решённый. Если он возник снова, напишите новое сообщение и назовите номер этого.",
            "The problem was confirmed as solved. If it is back, write a new message and name the number of this one.",
        )
    if status in (Status.WITHDRAWN, Status.REFUSED):
        return Problem(
            "MESSAGE_CLOSED",
            ("reference",),
            "Сообщение отозвано или не принято, рассмотреть его снова нельзя. Напишите новое.",
            "The message was withdrawn or refused and cannot be considered again. Write a new one.",
        )
    return Problem(
        "NOT_ANSWERED_YET",
        ("reference",),
        "Сообщение ещё рассматривают. Дождитесь ответа или дополните сообщение (addComment).",
        "The message is still being considered. Wait for the answer, or add to the message (`addComment`).",
    )


def _too_often() -> Problem:
    return Problem(
        "REOPENED_TOO_OFTEN",
        ("reference",),
        f"Сообщение уже рассматривали снова {MAX_REOPENINGS} раза, больше нельзя. Напишите новое сообщение в вышестоящую организацию.",
        f"The message was considered again {MAX_REOPENINGS} times already, which is the most. Write a new message to a body above.",
    )
