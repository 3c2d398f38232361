"""Which state of the reference data this is, as a number that changes with every change of it. Asked of the primary, at most once a second by a
process; what is read after it is at least as new."""

from __future__ import annotations

import time

from store.tables import CategoryRow, OrganisationAboveRow, OrganisationRow, TerritoryAboveRow, TerritoryRow
from store.unit import Database

REGISTRY = frozenset(
    row.__tablename__ for row in (CategoryRow, OrganisationAboveRow, OrganisationRow, TerritoryAboveRow, TerritoryRow)
)
"""The tables that the version speaks of: the triggers of migration 0006 stand on them."""

_ASKED_EVERY_S = 1.0
_VERSION = "SELECT version::text FROM read_version WHERE name = 'registry'"


class ReadVersions:
    """The version for one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked_at = float("-inf")
        self._version = b""

    async def registry(self) -> str:
        """The version as it was at most a second ago. Raises ReadsAway or ReadTooLong."""
        now = time.monotonic()
        if now - self._asked_at >= _ASKED_EVERY_S:
            self._version = await self._database.reads.json_text(_VERSION, {}) or b""
            self._asked_at = now
        return self._version.decode()
