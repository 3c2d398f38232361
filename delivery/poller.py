"""Asks an agency's feeds when they are due and plans when to ask again. One reading: `delivery.feed_reading`; meaning: `delivery.receiver`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.adapter import Adapter, AskRefused, CannotBuild, FeedRefused
from adapters.plan import PollStep
from connectors.base import Connector, ConnectorError
from delivery.feed_reading import FeedReading, Tools
from delivery.limits import Pace
from store import feeds, turns
from store.turns import Claim
from store.unit import Database

PAUSE_LOOKED_AT_EVERY_S = 60.0
"""How long an agency whose reading is paused is left before its turn looks again."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Poller:
    """Reads the feeds of one agency."""

    database: Database
    adapter: Adapter
    connector: Connector
    pace: Pace
    clock: Callable[[], datetime]

    async def poll(self, claim: Claim) -> None:
        """Read every feed that is due from where it was left. A failure leaves the place where it was, and the other feeds alone."""
        known = self.adapter.feeds
        if not known:
            return
        if self.adapter.plan.pause.reading:
            async with self.database.unit() as unit:
                await turns.poll_again_in(unit, claim, PAUSE_LOOKED_AT_EVERY_S)
            return
        for feed in known.values():
            await self._poll_one(claim, feed)
        async with self.database.unit() as unit:
            await turns.hold(unit, claim)
            await feeds.plan_next(unit, claim, list(known))

    async def _poll_one(self, claim: Claim, feed: PollStep) -> None:
        async with self.database.unit() as unit:
            state = await feeds.feed_of(unit, claim.organisation_code, feed.name)
        if not state.is_due:
            return
        tools = Tools(self.database, self.adapter, self.connector, self.pace, self.clock)
        reading = FeedReading(tools, claim, feed)
        delay_s, failure = feed.interval_s, None
        try:
            if state.was_cut_off:
                await reading.make_good()
            if await reading.read():
                delay_s = 0.0
        except FeedRefused as refused:
            delay_s, failure = max(refused.retry_after_s or 0.0, feed.interval_s), refused.text
        except (ConnectorError, CannotBuild, AskRefused) as error:
            failure = error.text
        async with self.database.unit() as unit:
            await turns.hold(unit, claim)
            await feeds.read_again_in(unit, claim, feed.name, delay_s)
            await turns.note_contact(unit, claim, failure)
            # A failure says nothing about a gap: what was known of the feed stays known.
            is_news = failure is None and await feeds.sound_alarm(unit, claim, feed.name, reading.alarm)
        named = f"the feed {feed.name}" if feed.name else "the feed"
        if failure is not None:
            log.warning("%s of %s could not be read: %s", named, claim.organisation_code, failure)
        elif is_news and reading.alarm is not None:
            log.warning("%s of %s has a gap: %s", named, claim.organisation_code, reading.alarm)
