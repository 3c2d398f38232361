"""Categories, territories and counts of the measured schema, as Strawberry types with resolvers."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from strawberry.types import Info

from bench.peers import rows
from bench.peers.loaders import Loaders, Row
from domain.status import Status

strawberry.enum(Status)


@strawberry.enum
class Language(Enum):
    RU = "RU"
    EN = "EN"


Asked = Info[Loaders, None]


def name_of(row: Row, language: Language) -> str:
    name: str = row["name_ru" if language is Language.RU else "name_en"]
    return name


@strawberry.type
class Category:
    row: strawberry.Private[Any]
    code: str

    @strawberry.field
    def name(self, language: Language = Language.RU) -> str:
        return name_of(self.row, language)


@strawberry.type
class Territory:
    row: strawberry.Private[Any]
    code: str

    @strawberry.field
    def name(self, language: Language = Language.RU) -> str:
        return name_of(self.row, language)


@strawberry.type
class StatusCount:
    status: Status
    count: int


@strawberry.type
class Lateness:
    answered_in_time: int
    answered_late: int
    open_in_time: int
    open_near: int
    open_late: int


@strawberry.type
class RatingStatistics:
    average: float | None
    count: int


@strawberry.type
class Ratings:
    answer: RatingStatistics
    solution: RatingStatistics


@strawberry.type
class HotSpot:
    category: Category
    territory: Territory
    count: int


@strawberry.type
class Statistics:
    counts: strawberry.Private[Any]

    def _sum(self, column: str) -> int:
        return sum(row[column] for row in self.counts)

    @strawberry.field
    def total(self) -> int:
        return self._sum("count")

    @strawberry.field
    def by_status(self) -> list[StatusCount]:
        found = {row["status"]: row["count"] for row in self.counts}
        return [StatusCount(status=status, count=found.get(status.value, 0)) for status in Status]

    @strawberry.field
    def lateness(self) -> Lateness:
        names = ("answered_in_time", "answered_late", "open_in_time", "open_near", "open_late")
        return Lateness(**{name: self._sum(name) for name in names})

    @strawberry.field
    async def ratings(self, info: Asked) -> Ratings:
        row = await info.context.pool.fetchrow(rows.RATINGS_OF_ALL)
        return Ratings(
            answer=RatingStatistics(average=row["answer_average"], count=row["answer_count"]),
            solution=RatingStatistics(average=row["solution_average"], count=row["solution_count"]),
        )

    @strawberry.field
    async def hot_spots(self, info: Asked, first: int = 10) -> list[HotSpot]:
        return [
            HotSpot(
                category=Category(row={"name_ru": row["category_name"]}, code=""),
                territory=Territory(row={"name_ru": row["territory_name"]}, code=""),
                count=row["count"],
            )
            for row in await info.context.pool.fetch(rows.HOT_SPOTS_OF_ALL, first)
        ]
