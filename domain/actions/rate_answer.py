"""The citizen's verdict: two ratings of one answer version. It never changes a status (P10); the hub asks what to do next, the citizen decides."""

from __future__ import annotations

from dataclasses import dataclass

from domain.message import Resolution
from domain.problem import Problem, ProblemsFound
from domain.words import check_words

MAX_COMMENT_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class RateAnswer:
    """Both ratings run from 1 (bad) to 5 (good): the answer's quality, and the problem's solution (A-077)."""

    answer_rating: int
    solution_rating: int
    resolution: Resolution
    comment: str | None = None


def rate_answer(verdict: RateAnswer, given: RateAnswer | None) -> bool:
    """Whether a new verdict is to be stored; False when the same one stands already. Raises ProblemsFound."""
    problems: list[Problem | None] = [
        _check_rating(verdict.answer_rating, "answerRating"),
        _check_rating(verdict.solution_rating, "solutionRating"),
    ]
    if verdict.comment is not None:
        problems.append(check_words(verdict.comment, ("comment",), at_most=MAX_COMMENT_CHARS, required=False))
    found = [problem for problem in problems if problem is not None]
    if found:
        raise ProblemsFound(*found)
    if given is None:
        return True
    if given == verdict:
        return False
    raise ProblemsFound(
        Problem(
            "ALREADY_RATED",
            ("answer",),
            "Этот ответ вы уже оценили. Оценка хранится без изменений; новый ответ можно будет оценить отдельно.",
            "You have rated this answer already. A verdict is kept unchanged; a new answer can be rated on its own.",
        )
    )


def _check_rating(rating: int, field: str) -> Problem | None:
    if 1 <= rating <= 5:
        return None
    return Problem(
        "RATING_NOT_POSSIBLE",
        (field,),
        "Оценка — целое число от 1 (плохо) до 5 (хорошо).",
        "A rating is a whole number from 1 (bad) to 5 (good).",
    )
