"""One reading of one feed: page by page into the inbox, and only then is the agency told that we have it.

Promises, under a kill at any moment: the place moves in the transaction that keeps what was read; an acknowledgement is sent after it;
of a feed that hands everything out once even an unreadable reply is kept, and a reading that was cut off is made good by asking for
each open case; a case that a full list no longer shows is asked for before anything is believed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import InterfaceError, OperationalError

from adapters.adapter import Adapter, AskRefused, CannotBuild, FeedRefused, PageItem, PollPage
from adapters.feed import digest, looks_of
from adapters.plan import PollStep
from adapters.plan_status import Shows
from connectors.base import Connector, ConnectorError, NotSent, Reply, Tree, Unreadable
from delivery.limits import Pace
from store import feeds, inbox, listed_cases, turns
from store.feeds import Page
from store.listed_cases import ListedRow
from store.turns import Claim, LeaseLost
from store.unit import Database, Unit

PAGES_AT_ONCE = 50
"""How many pages one turn reads before it gives other work a chance; the feed goes on in the next turn."""

MISSING_AT_ONCE = 20
MADE_GOOD_AT_MOST = 500
SPLITS_AT_MOST = 20
"""How many more calls one reading makes to find the one case that spoils a batch."""

_KEPT_WITHIN = 60
_KEPT_AFTER_S = 1.0
"""What was handed out once is worth waiting for a database that went away: so many tries, so far apart."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a reading works with."""

    database: Database
    adapter: Adapter
    connector: Connector
    pace: Pace
    clock: Callable[[], datetime]


@dataclass(slots=True)
class FeedReading:
    """One feed in one turn. `alarm` is what people should know after it, in one sentence without content."""

    tools: Tools
    claim: Claim
    feed: PollStep
    alarm: str | None = field(default=None)
    _splits: int = field(default=0)

    async def read(self) -> bool:
        """Whether there is more than this turn reads. Raises FeedRefused, ConnectorError, CannotBuild."""
        if self.feed.shows is Shows.CASES_ASKED_FOR:
            return await self._read_cases()
        for _ in range(PAGES_AT_ONCE):
            position = await self._position()
            page, reading = await self._read_page(position)
            if page.gap is not None:
                self.alarm = page.gap
            if page.is_whole:
                await self._ask_missing(reading)
            if not page.has_more:
                return False
        return True

    async def _position(self) -> dict[str, str] | None:
        async with self.tools.database.unit() as unit:
            if self.feed.hands_out_once:
                await turns.hold(unit, self.claim)
                await feeds.begin_reading(unit, self.claim, self.feed.name)
            return (await feeds.feed_of(unit, self.claim.organisation_code, self.feed.name)).position

    async def _read_page(self, position: dict[str, str] | None) -> tuple[PollPage, datetime]:
        tools, name = self.tools, self.feed.name
        now = tools.clock()
        reading = datetime.fromisoformat((position or {}).get("reading", now.isoformat()))
        reply = await self._send(position, now)
        try:
            page = tools.adapter.read_poll(reply, position, now, name)
        except FeedRefused as refused:
            # After an error of the system nobody knows whether it has handed something out: that reading stays cut off.
            if reply.status < 500:
                await self._keep_unreadable(reply.raw, refused.text, was_answered=200 <= reply.status < 300)
            raise
        items = await self._followed(page.items, reading)
        await self._keep(Page(reply.raw, [], page.next_cursor), items, reading)
        await self._acknowledge(reply, [item.item for item in page.items])
        return page, reading

    async def _send(self, position: Mapping[str, str] | None, now: datetime, case_ids: Sequence[str] = ()) -> Reply:
        tools = self.tools
        await tools.pace.wait()
        try:
            return await tools.connector.send(tools.adapter.poll_call(position, now, self.feed.name, case_ids))
        except NotSent:
            if self.feed.hands_out_once:
                async with tools.database.unit() as unit:
                    await feeds.reading_came_to_nothing(unit, self.claim, self.feed.name)
            raise
        except Unreadable as error:
            await self._keep_unreadable(error.raw, error.text, was_answered=True)
            raise

    # Keeping

    async def _keep_unreadable(self, raw: bytes, why: str, *, was_answered: bool) -> None:
        """What was handed out once and cannot be read is kept whole: it does not come again."""
        if self.feed.hands_out_once:
            await self._keep(Page(raw, [], None, why if was_answered and raw else None), (), self.tools.clock())

    async def _keep(self, page: Page, items: Sequence[PageItem], reading: datetime) -> None:
        for tries_left in reversed(range(_KEPT_WITHIN)):
            try:
                async with self.tools.database.unit() as unit:
                    await turns.hold(unit, self.claim)
                    await self._write(unit, page, items, reading)
                return
            except LeaseLost:
                if self.feed.hands_out_once:
                    # Whoever works for the agency now will never be given these again. The place is theirs to move.
                    async with self.tools.database.unit() as unit:
                        await self._write(unit, Page(page.raw, [], None, page.broken), items, reading)
                raise
            except (OperationalError, InterfaceError, OSError):
                if not self.feed.hands_out_once or not tries_left:
                    raise
                await asyncio.sleep(_KEPT_AFTER_S)

    async def _write(self, unit: Unit, page: Page, items: Sequence[PageItem], reading: datetime) -> None:
        if self.feed.shows is not Shows.CHANGES:
            items = await self._news(unit, items, reading)
        kept = [item.item for item in items if item.aside is None]
        await feeds.keep_page(unit, self.claim, self.feed.name, Page(page.raw, kept, page.position, page.broken))

    async def _news(self, unit: Unit, items: Sequence[PageItem], reading: datetime) -> list[PageItem]:
        """Of a full list the rows that say something new of a case of ours, or may tell us the number of one (Q10, Q17)."""
        code, name = self.claim.organisation_code, self.feed.name
        rows = [(self._row(item), item) for item in items if item.aside is None]
        listed = [row for row, _ in rows if row is not None]
        new = await listed_cases.list_rows(unit, code, name, reading, listed)
        named = [
            item.change.reference for item in items if item.change is not None and item.change.reference is not None
        ]
        waiting = await inbox.references_without_case(unit, code, named)
        held = await inbox.held_among(unit, code, [digest(item.item) for row, item in rows if row is None])
        return [
            item
            for row, item in rows
            if (row in new)
            or (item.change is not None and item.change.reference in waiting)
            or (row is None and digest(item.item) not in held)
        ]

    def _row(self, item: PageItem) -> ListedRow | None:
        case_id = self.tools.adapter.case_id_of(item.item, self.feed.name)
        if case_id is None or (item.change is None and not self.feed.follow):
            return None
        # What follows an item is not read before we know that the item itself is new.
        looks = looks_of(item.change) if item.change is not None and not self.feed.follow else None
        return ListedRow(case_id, looks or digest(self._as_listed(item.item)))

    def _as_listed(self, item: Tree) -> Tree:
        names = {step.name for step in self.feed.follow}
        return {key: value for key, value in item.items() if key not in names} if isinstance(item, Mapping) else item

    # What follows an item

    async def _followed(self, items: Sequence[PageItem], reading: datetime) -> Sequence[PageItem]:
        """The items with what further reads brought, as far as they are ours."""
        if not self.feed.follow:
            return items
        wanted = await self._worth_following(items, reading)
        if len(wanted) > self.feed.follow_at_most:
            self.alarm = f"a page has {len(wanted)} items to read further, and {self.feed.follow_at_most} are read; raise `then_at_most`"
        chosen = set(wanted[: self.feed.follow_at_most])
        return [await self._follow(item) if place in chosen else item for place, item in enumerate(items)]

    async def _worth_following(self, items: Sequence[PageItem], reading: datetime) -> list[int]:
        adapter, code = self.tools.adapter, self.claim.organisation_code
        case_ids = [adapter.case_id_of(item.item, self.feed.name) for item in items]
        async with self.tools.database.unit() as unit:
            ours = await listed_cases.ours_among(unit, code, [one for one in case_ids if one is not None])
            rows = [self._row(item) for item in items]
            known = (
                set()
                if self.feed.shows is Shows.CHANGES
                else await listed_cases.known_rows(
                    unit, code, self.feed.name, reading, [row for row in rows if row is not None]
                )
            )
        return [
            place
            for place, (item, case_id, row) in enumerate(zip(items, case_ids, rows, strict=True))
            if item.aside is None and (case_id is None or case_id in ours) and (row is None or row not in known)
        ]

    async def _follow(self, item: PageItem) -> PageItem:
        tools, became = self.tools, item.item
        for step in self.feed.follow:
            call = tools.adapter.follow_call(became, step)
            if call is None:
                continue
            await tools.pace.wait()
            try:
                became = tools.adapter.followed(became, step.name, await tools.connector.send(call))
            except Unreadable as error:
                # The item stays without it, and its rows say to a person what is missing.
                log.warning("%s: what follows an item cannot be read: %s", self.claim.organisation_code, error.text)
        return tools.adapter.read_kept_item(became, feed=self.feed.name)

    # Telling the agency

    async def _acknowledge(self, reply: Reply, items: Sequence[Tree]) -> None:
        """What could not be acknowledged comes again, and is known then."""
        tools = self.tools
        try:
            for call in tools.adapter.acknowledge_calls(reply, items, self.feed.name):
                await tools.pace.wait()
                answer = await tools.connector.send(call)
                if answer.fault is not None or not 200 <= answer.status < 300:
                    named = "a fault" if answer.fault is not None else f"HTTP {answer.status}"
                    raise FeedRefused(f"the acknowledgement was answered with {named}")
        except (FeedRefused, ConnectorError, CannotBuild):
            if not self.feed.is_dated and self.feed.cursor is None:
                # The same page again will be no sign of a feed that goes round in circles.
                async with tools.database.unit() as unit:
                    await turns.hold(unit, self.claim)
                    await feeds.begin_anew(unit, self.claim, self.feed.name)
            raise

    # Cases asked for by their numbers

    async def _read_cases(self) -> bool:
        code = self.claim.organisation_code
        for _ in range(PAGES_AT_ONCE):
            position = await self._position() or {}
            now = self.tools.clock()
            reading = datetime.fromisoformat(position.get("reading", now.isoformat()))
            async with self.tools.database.unit() as unit:
                case_ids = await listed_cases.open_cases(unit, code, position.get("after", ""), self.feed.batch)
            if not case_ids:
                await self._keep(Page(b"", [], {}), (), reading)
                await self._ask_missing(reading)
                return False
            raws, items = await self._read_batch(case_ids, now)
            after = {"reading": reading.isoformat(), "after": case_ids[-1]}
            await self._keep(Page(b"\n".join(raws), [], after), items, reading)
        return True

    async def _read_batch(self, case_ids: Sequence[str], now: datetime) -> tuple[list[bytes], list[PageItem]]:
        """The items of a batch. One case that spoils it is found by halves and does not keep the others from us (Q20)."""
        try:
            reply = await self._send(None, now, case_ids)
            page = self.tools.adapter.read_poll(reply, None, now, self.feed.name)
        except (FeedRefused, Unreadable) as error:
            if self._splits >= SPLITS_AT_MOST or (isinstance(error, FeedRefused) and error.retry_after_s is not None):
                raise
            if len(case_ids) == 1:
                self.alarm = "a case cannot be read in the feed; the others are"
                return [], []
            self._splits += 2
            middle = len(case_ids) // 2
            first = await self._read_batch(case_ids[:middle], now)
            second = await self._read_batch(case_ids[middle:], now)
            return first[0] + second[0], first[1] + second[1]
        return [reply.raw], list(await self._followed(page.items, now))

    # Questions about single cases

    async def _ask_missing(self, reading: datetime) -> None:
        """A case that is no longer listed is asked for, a few in each reading."""
        if self.feed.missing is None:
            return
        code, name = self.claim.organisation_code, self.feed.name
        async with self.tools.database.unit() as unit:
            missing = await listed_cases.missing_cases(unit, code, name, reading, MISSING_AT_ONCE)
        for case_id in missing:
            await self._ask(case_id)

    async def make_good(self) -> None:
        """A reading that hands everything out once was cut off: whatever it held, each open case still knows its own state."""
        code, name = self.claim.organisation_code, self.feed.name
        if self.tools.adapter.plan.ask is None:
            self.alarm = (
                "a reading was cut off, and what it handed out is lost: compare with the agency, or describe `ask`"
            )
            async with self.tools.database.unit() as unit:
                await feeds.reading_came_to_nothing(unit, self.claim, name)
            return
        async with self.tools.database.unit() as unit:
            case_ids = await listed_cases.open_cases(unit, code, "", MADE_GOOD_AT_MOST)
        if len(case_ids) == MADE_GOOD_AT_MOST:
            self.alarm = f"a reading was cut off, and only {MADE_GOOD_AT_MOST} open cases were asked for afterwards"
        for case_id in case_ids:
            await self._ask(case_id)
        async with self.tools.database.unit() as unit:
            await turns.hold(unit, self.claim)
            await feeds.reading_came_to_nothing(unit, self.claim, name)

    async def _ask(self, case_id: str) -> None:
        """Ask for one case and keep the answer. Raises AskRefused where the system itself has trouble, and ConnectorError."""
        tools, name = self.tools, self.feed.name
        call = tools.adapter.ask_call({"case_id": case_id})
        if call is None:
            return
        await tools.pace.wait()
        kept: tuple[bytes, Tree] | None = None
        try:
            reply = await tools.connector.send(call)
            kept = reply.raw, tools.adapter.kept_answer(reply, case_id, name)
        except AskRefused as refused:
            if not refused.about_the_case:
                raise
        except ConnectorError as error:
            # A reply that came and cannot be read is about this case; a system that does not answer is not asked for the next one.
            if not isinstance(error, Unreadable):
                raise
        async with tools.database.unit() as unit:
            await turns.hold(unit, self.claim)
            if kept is not None:
                await feeds.keep_answer(unit, self.claim, name, *kept)
            await listed_cases.note_asked(unit, self.claim.organisation_code, name, case_id)
