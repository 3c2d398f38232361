"""Asks an agency's change feed and puts what it says into the inbox, page by page. Meaning comes later (`delivery.receiver`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.adapter import Adapter, CannotBuild, FeedRefused
from connectors.base import Connector, ConnectorError
from delivery.limits import Pace
from store import inbox, turns
from store.turns import Claim
from store.unit import Database

PAGES_AT_ONCE = 50
"""How many pages one turn reads before it gives other work a chance; the feed goes on in the next turn."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Poller:
    """Reads the feed of one agency."""

    database: Database
    adapter: Adapter
    connector: Connector
    pace: Pace
    clock: Callable[[], datetime]

    async def poll(self, claim: Claim) -> None:
        """Read the feed from where it was left, if it is due. A failure leaves the cursor where it was."""
        interval_s = self.adapter.poll_interval_s
        if interval_s is None:
            return
        async with self.database.unit() as unit:
            if not await turns.poll_is_due(unit, claim):
                return
        delay_s, failure = interval_s, None
        try:
            more = await self._read_pages(claim)
            delay_s = 0.0 if more else interval_s
        except FeedRefused as refused:
            delay_s, failure = max(refused.retry_after_s or 0.0, interval_s), refused.text
        except (ConnectorError, CannotBuild) as error:
            failure = error.text
        async with self.database.unit() as unit:
            await turns.hold(unit, claim)
            await turns.poll_again_in(unit, claim, delay_s)
            await turns.note_contact(unit, claim, failure)
        if failure is not None:
            log.warning("the feed of %s could not be read: %s", claim.organisation_code, failure)

    async def _read_pages(self, claim: Claim) -> bool:
        """Whether there is more than this turn reads."""
        for _ in range(PAGES_AT_ONCE):
            async with self.database.unit() as unit:
                cursor = await inbox.read_cursor(unit, claim.organisation_code)
            now = self.clock()
            await self.pace.wait()
            reply = await self.connector.send(self.adapter.poll_call(cursor, now))
            page = self.adapter.read_poll(reply, cursor, now)
            async with self.database.unit() as unit:
                await turns.hold(unit, claim)
                await inbox.keep_page(unit, claim, reply.raw, [item.item for item in page.items], page.next_cursor)
            if page.gap is not None:
                log.warning("the feed of %s has a gap: %s", claim.organisation_code, page.gap)
            if not page.has_more:
                return False
        return True
