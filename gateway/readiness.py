"""Whether a request would be served now: asked by balancers every few seconds, so one small statement and no writing.

A database newer than this program is no fault: while a new version is rolled out, the old one serves on.
"""

from __future__ import annotations

import asyncio
from typing import Final

from psycopg import Error as DriverError

from domain.bilingual import Bilingual
from gateway.leaving import Leaving
from store.migrate import revisions
from store.unit import Database

WITHIN_S: Final = 5.0
_REVISION: Final = "SELECT version_num FROM alembic_version"
_COUNTED: Final = """
    SELECT (EXISTS (SELECT FROM statistics_day) OR EXISTS (SELECT FROM statistics_delta) OR NOT EXISTS (SELECT FROM message))::text
    """
_LEAVING: Final = Bilingual("Шлюз завершает работу.", "The gateway is leaving.")
_AWAY: Final = Bilingual("База данных не отвечает.", "The database does not answer.")
_OLD: Final = Bilingual(
    "Схема базы данных старше программы. Выполните okno migrate.",
    "The database's schema is older than the program. Run `okno migrate`.",
)
_NOT_COUNTED: Final = Bilingual(
    "Сводные таблицы пусты, хотя сообщения есть. Выполните okno verify --mend.",
    "The read models are empty although there are messages. Run `okno verify --mend`.",
)


class Readiness:
    """The checks of one process."""

    def __init__(self, database: Database, leaving: Leaving) -> None:
        self._database = database
        self._leaving = leaving
        *self._older, self._newest = revisions()

    async def fault(self) -> Bilingual | None:
        """Why a request would not be served, or None."""
        if self._leaving.begun:
            return _LEAVING
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._fault_of_database()
        except (DriverError, OSError):
            return _AWAY

    async def _fault_of_database(self) -> Bilingual | None:
        reads = self._database.reads
        found = await reads.json_text("SELECT to_regclass('alembic_version')::text", {})
        revision = None if found is None else await reads.json_text(_REVISION, {})
        if revision is None or revision.decode() in self._older:
            return _OLD
        if await reads.json_text("SELECT to_regclass('statistics_delta')::text", {}) is None:
            return None
        return None if await reads.json_text(_COUNTED, {}) == b"true" else _NOT_COUNTED
