"""Answer: what an organisation replied, and the citizen's verdict on it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.message import Resolution
from schema.organisation import Organisation
from schema.plan.declare import stored
from schema.relay import Node
from store.tables import AnswerRow, VerdictRow


@stored(VerdictRow)
@strawberry.type(
    description="The citizen's two ratings of one version of an answer. It never changes the status of the message."
)
class Verdict:
    answer_rating: int = strawberry.field(description="How good the answer is, 1 (bad) to 5 (good).")
    solution_rating: int = strawberry.field(description="How well the problem was solved, 1 (bad) to 5 (good).")
    resolution: Resolution = strawberry.field(description="Whether the problem is gone, in the citizen's own view.")
    comment: str | None = strawberry.field(description="What the citizen added.")
    given_at: datetime = strawberry.field(description="When the verdict was given.")


@stored(AnswerRow)
@strawberry.type(description="One version of an organisation's answer. A later version never replaces an earlier one.")
class Answer(Node):
    version: int = strawberry.field(description="1 for the first answer to the message, then counting up.")
    text: str = strawberry.field(description="The answer.")
    decision: str | None = strawberry.field(description="What was decided, in the organisation's words.")
    responsible: str | None = strawberry.field(description="Who answers for it, as the organisation names them.")
    organisation: Organisation = strawberry.field(description="The organisation that answered.")
    occurred_at: datetime | None = strawberry.field(description="When the organisation answered, as it says.")
    observed_at: datetime = strawberry.field(description="When the service saw the answer.")
    verdict: Verdict | None = strawberry.field(description="The citizen's verdict; null until it is given.")
