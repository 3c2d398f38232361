"""rateAnswer: the citizen's verdict on one answer. It never changes a status (P10)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.actions.rate_answer import RateAnswer
from domain.message import Resolution
from domain.problem import ProblemsFound
from schema.answer import Answer
from schema.context import Context
from schema.errors import InvalidInput, NotFound, invalid, not_found
from schema.plan.declare import by_key
from schema.plan.global_id import read_uuid_id
from schema.signed_in import signed_in
from store.verdicts import give_verdict

RateAnswerError = Annotated[
    InvalidInput | NotFound, strawberry.union("RateAnswerError", description="Why a verdict was not taken.")
]


@strawberry.type(description="The rated answer, or what is wrong.")
class RateAnswerPayload:
    answer: Answer | None = strawberry.field(description="The answer with its verdict; null when there are errors.")
    errors: list[RateAnswerError] = strawberry.field(
        description="Why the verdict was not taken; then nothing is stored."
    )


async def rate(
    context: Context,
    answer: str,
    answer_rating: int,
    solution_rating: int,
    resolution: Resolution,
    comment: str | None,
) -> RateAnswerPayload:
    """Store a verdict. The same one again changes nothing."""
    viewer = signed_in(context)
    answer_id = read_uuid_id(answer, "Answer")
    verdict = RateAnswer(answer_rating, solution_rating, resolution, comment)
    if answer_id is None:
        return RateAnswerPayload(answer=None, errors=[not_found(context, "answer")])
    try:
        async with context.database.unit(viewer.person_id) as unit:
            found = await give_verdict(unit, viewer.person_id, answer_id, verdict, context.clock())
    except ProblemsFound as problems:
        return RateAnswerPayload(answer=None, errors=list(invalid(context, problems.problems)))
    if not found:
        return RateAnswerPayload(answer=None, errors=[not_found(context, "answer")])
    return RateAnswerPayload(answer=by_key(Answer, answer_id), errors=[])
