"""Reference numbers: each process takes 64 serial numbers at a time from one sequence, so a number costs no statement.

No number is ever given twice; a process that stops leaves a gap, because a number is a name and not a count.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.reference import MAX_SERIAL, make_reference
from store.unit import Database

BLOCK_SIZE = 64  # INCREMENT BY of the sequence `message_serial`
_YEAR_ZONE = ZoneInfo("Europe/Moscow")


class ReferenceSource:
    """The numbers of one process. Make one per `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._refill = asyncio.Lock()
        self._next = self._end = 0

    async def take(self, now: datetime) -> str:
        """A number nobody has, of the year it is in Moscow."""
        # Only the refill awaits, so between the check and the increment nobody else can take the same serial.
        while self._next == self._end:
            async with self._refill:
                if self._next == self._end:
                    await self._take_block()
        serial, self._next = self._next, self._next + 1
        return make_reference(now.astimezone(_YEAR_ZONE).year, serial % MAX_SERIAL + 1)

    async def _take_block(self) -> None:
        async with self._database.reader() as connection:
            first = int(await connection.scalar(text("SELECT nextval('message_serial')")) or 0)
        self._next, self._end = first, first + BLOCK_SIZE
