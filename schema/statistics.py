"""Statistics: what dashboards show all day, read from models that are kept in the transaction of each event."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry

from domain.status import Status
from schema.category import Category  # brings schema.enums along, which describes Status
from schema.fields import field
from schema.plan.declare import planned, stored
from schema.plan.statistics_pieces import FEWEST
from schema.plan.statistics_spots import MOST_SPOTS, SPOTS_UNLESS_SAID
from schema.plan.statistics_sql import DAYS_UNLESS_SAID, MOST_DAYS
from schema.territory import Territory
from store.statistics.days import NEAR_DAYS

_STAFF = "those who do not work at the organisation asked about"


@strawberry.input(description="Which messages are counted: those that meet every condition given.")
class StatisticsFilter:
    organisation: str | None = strawberry.field(
        description="The code of the organisation that is responsible.", default=None
    )
    below: bool | None = strawberry.field(
        description="Whether organisations below count too; they do unless said.", default=None
    )
    territory: str | None = strawberry.field(
        description="The code of a territory, with all that lies in it.", default=None
    )
    category: str | None = strawberry.field(description="The code of a topic, or of a whole branch.", default=None)
    from_: date | None = strawberry.field(
        name="from", description="Received on this day or later; days are those of Moscow.", default=None
    )
    to: date | None = strawberry.field(description="Received on this day or earlier.", default=None)


@stored(None)
@strawberry.type(description="How many messages stand somewhere.")
class StatusCount:
    status: Status = strawberry.field(description="Where.")
    count: int = strawberry.field(description="How many.")


@stored(None)
@strawberry.type(
    description="Answers and deadlines. A message is in one of the five, or was withdrawn or refused. One that was reopened is open again."
)
class Lateness:
    answered_in_time: int = strawberry.field(description="Answered by the deadline.")
    answered_late: int = strawberry.field(description="Answered after it.")
    open_in_time: int = strawberry.field(description=f"Not answered, with more than {NEAR_DAYS} days left.")
    open_near: int = strawberry.field(description=f"Not answered, with {NEAR_DAYS} days left or fewer.")
    open_late: int = strawberry.field(description="Not answered, and the deadline has passed at the organisation.")


@stored(None)
@strawberry.type(description="How often one rating was given.")
class RatingCount:
    rating: int = strawberry.field(description="1 (worst) to 5 (best).")
    count: int = strawberry.field(description="How often.")


@stored(None)
@strawberry.type(description="What citizens thought of one thing.")
class RatingStatistics:
    average: float | None = strawberry.field(
        description=f"The average, to two places; null without ratings, and under {FEWEST} ratings for {_STAFF}."
    )
    count: int = strawberry.field(description="How many ratings.")
    distribution: list[RatingCount] | None = strawberry.field(
        description=f"Each rating from 1 to 5 with its number; null under {FEWEST} ratings for {_STAFF}."
    )


@stored(None)
@strawberry.type(description="The citizens' verdicts on the answers, counted for the organisation that answered.")
class Ratings:
    answer: RatingStatistics = strawberry.field(description="On how they were answered.")
    solution: RatingStatistics = strawberry.field(description="On what was done.")
    rated_share: float | None = strawberry.field(
        description="Of all answers, how many were rated: 0 to 1; null without answers."
    )


@stored(None)
@strawberry.type(description="A topic that many messages of one week from one territory are about.")
class HotSpot:
    category: Category = strawberry.field(description="The topic.")
    territory: Territory = strawberry.field(description="Where.")
    week: date = strawberry.field(description="The week, by its Monday.")
    count: int = strawberry.field(description="Messages received in the week.")
    previous_count: int | None = strawberry.field(
        description=f"Messages received in the week before; null under {FEWEST} for {_STAFF}."
    )
    trend: float | None = strawberry.field(
        description="The change against the week before as a share of it: 0.5 is half as many again. Null where `previousCount` is null or 0."
    )


@stored(None)
@strawberry.type(description="One day.")
class DayCount:
    day: date = strawberry.field(description="The day.")
    received: int = strawberry.field(description="Messages received on it.")
    answered: int = strawberry.field(
        description="Messages that came to be answered on it, whenever they were received."
    )


@stored(None)
@strawberry.type(
    description="Counts of messages as of this moment. Numbers are public; what so few people are behind that one might be known again is not."
)
class Statistics:
    total: int = strawberry.field(description="How many messages.")
    by_status: list[StatusCount] = strawberry.field(
        description="How many stand where: every status, in the order of a message's life."
    )
    lateness: Lateness = strawberry.field(description="Answers and deadlines.")
    ratings: Ratings = strawberry.field(description="Verdicts on the answers.")
    by_day: list[DayCount] = strawberry.field(
        description=(
            f"Every day of the period in order: the last {DAYS_UNLESS_SAID} days up to `to` (or today), or all from `from` on, {MOST_DAYS} at most."
        )
    )

    @field(
        f"Topics and territories with most messages in one week, the hottest first; those under {FEWEST} messages are left out for {_STAFF}."
    )
    def hot_spots(
        self,
        first: Annotated[
            int | None,
            strawberry.argument(description=f"How many, 1 to {MOST_SPOTS}; {SPOTS_UNLESS_SAID} unless said."),
        ] = None,
        this_week: Annotated[
            bool,
            strawberry.argument(
                description="The week of `to` (today unless said) instead of the last whole week up to it."
            ),
        ] = False,
    ) -> list[HotSpot]:
        planned()


FilteredBy = Annotated[
    StatisticsFilter | None, strawberry.argument(description="Which messages are counted; all unless said.")
]
