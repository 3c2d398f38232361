"""The citizen adds words to a message that is there. They are kept unaltered, beside the message and never in its place."""

from __future__ import annotations

from dataclasses import dataclass

from domain.problem import Problem
from domain.status import Status
from domain.wish import check_open, fingerprint, raise_found
from domain.words import check_words

MAX_COMMENT_CHARS = 4_000
MAX_COMMENTS = 50
"""For one message: somebody with more to say has another message to write."""


@dataclass(frozen=True, slots=True)
class AddComment:
    """`reference` is ours, already read."""

    reference: str
    text: str

    def fingerprint(self) -> bytes:
        return fingerprint("add_comment", self.reference, self.text)


def add_comment(command: AddComment, status: Status, so_far: int) -> None:
    """Judge a comment on a message with `so_far` of them. Raises ProblemsFound."""
    raise_found(
        [
            check_open(status),
            check_words(command.text, ("text",), at_most=MAX_COMMENT_CHARS),
            _too_many() if so_far >= MAX_COMMENTS else None,
        ]
    )


def _too_many() -> Problem:
    return Problem(
        "TOO_MANY_COMMENTS",
        ("reference",),
        f"У сообщения уже {MAX_COMMENTS} дополнений, больше нельзя. Если есть что сказать нового, напишите новое сообщение.",
        f"The message has {MAX_COMMENTS} additions already, which is the most. For something new, write a new message.",
    )
