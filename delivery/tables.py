"""The tables of `translate` that an agency keeps itself: fetched when they are too old, and used on when they cannot be (Q22, Q23).

Promises: an agency that is down, answers nonsense, or lost much of its table changes nothing; before a first table is known, a message
whose file needs it waits; one fetch at a time, and no more than one a minute.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.adapter import Adapter
from adapters.building import CannotBuild
from adapters.plan import TableStep
from connectors.base import Connector, ConnectorError

RETRY_S = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    rows: Mapping[str, str] | None = None
    fetched_at: float = 0.0
    tried_at: float | None = None


class Tables:
    """The fetched tables of one agency, kept while the process lives."""

    def __init__(self, adapter: Adapter, connector: Connector, seconds: Callable[[], float] = time.monotonic) -> None:
        self._adapter = adapter
        self._connector = connector
        self._seconds = seconds
        self._known = {table.name: _Known() for table in adapter.plan.tables}
        self._fetching = asyncio.Lock()

    async def current(self) -> Mapping[str, Mapping[str, str]]:
        """Every table, as fresh as it can be had. Raises CannotBuild when one was never had and the file gives no rows of its own."""
        if not self._known:
            return {}
        async with self._fetching:
            for table in self._adapter.plan.tables:
                known, now = self._known[table.name], self._seconds()
                is_old = known.rows is None or now - known.fetched_at >= table.every_s
                if is_old and (known.tried_at is None or now - known.tried_at >= RETRY_S):
                    known.tried_at = now
                    await self._renew(table, known)
        for name, known in self._known.items():
            if known.rows is None and name not in self._adapter.plan.words.tables:
                raise CannotBuild(f"the table `{name}` could not be fetched from the agency yet")
        return {name: known.rows for name, known in self._known.items() if known.rows is not None}

    async def _renew(self, table: TableStep, known: _Known) -> None:
        code = self._adapter.code
        try:
            rows = self._adapter.read_table(
                table.name, await self._connector.send(self._adapter.table_call(table.name))
            )
        except (ConnectorError, CannotBuild) as error:
            log.warning("%s: the table %s could not be fetched: %s", code, table.name, error.text)
            return
        if rows is None:
            log.warning("%s: the reply holds no rows of the table %s", code, table.name)
            return
        if known.rows is not None and len(rows) < len(known.rows) * (1 - table.may_lose):
            log.warning(
                "%s: the table %s shrank from %d rows to %d and is not believed",
                code,
                table.name,
                len(known.rows),
                len(rows),
            )
            return
        known.rows, known.fetched_at = rows, self._seconds()
