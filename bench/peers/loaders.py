"""Dataloaders for one request: rows by key, each statement once for a page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg
from strawberry.dataloader import DataLoader

from bench.peers import rows

Row = Mapping[str, Any]
"""As asyncpg gives it: columns by name."""


class Loaders:
    """Made for each request. `person` is who asks."""

    def __init__(self, pool: asyncpg.Pool, person: UUID | None) -> None:
        self.pool = pool
        self.person = person
        self._last: dict[tuple[str, int], DataLoader[UUID, list[Row]]] = {}

    def _one(self, statement: str, key: str) -> DataLoader[Any, Row | None]:
        async def load(keys: list[Any]) -> list[Row | None]:
            found = {row[key]: row for row in await self.pool.fetch(statement, keys)}
            return [found.get(wanted) for wanted in keys]

        return DataLoader(load)

    def _many(self, statement: str, *more: object) -> DataLoader[UUID, list[Row]]:
        async def load(keys: list[UUID]) -> list[list[Row]]:
            found: dict[UUID, list[Row]] = {wanted: [] for wanted in keys}
            for row in await self.pool.fetch(statement, keys, *more):
                found[row["message_id"]].append(row)
            return [found[wanted] for wanted in keys]

        return DataLoader(load)

    def last(self, statement: str, count: int) -> DataLoader[UUID, list[Row]]:
        """The last rows of each message."""
        place = (statement, count)
        if place not in self._last:
            self._last[place] = self._many(statement, count)
        return self._last[place]

    @cached_property
    def organisation(self) -> DataLoader[Any, Row | None]:
        return self._one(rows.ORGANISATIONS, "code")

    @cached_property
    def category(self) -> DataLoader[Any, Row | None]:
        return self._one(rows.CATEGORIES, "code")

    @cached_property
    def territory(self) -> DataLoader[Any, Row | None]:
        return self._one(rows.TERRITORIES, "code")

    @cached_property
    def verdict(self) -> DataLoader[Any, Row | None]:
        return self._one(rows.VERDICTS, "answer_id")

    @cached_property
    def events(self) -> DataLoader[UUID, list[Row]]:
        return self._many(rows.EVENTS)

    @cached_property
    def answers(self) -> DataLoader[UUID, list[Row]]:
        return self._many(rows.ANSWERS)

    @cached_property
    def attachments(self) -> DataLoader[UUID, list[Row]]:
        return self._many(rows.ATTACHMENTS)

    @cached_property
    def cases(self) -> DataLoader[UUID, list[Row]]:
        return self._many(rows.CASES)

    @cached_property
    def deliveries(self) -> DataLoader[UUID, list[Row]]:
        return self._many(rows.DELIVERIES)
