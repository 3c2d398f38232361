"""One turn of one agency: read its inbox, work off its due deliveries inside its limits, poll its feed, give the turn back.

Nothing here knows the job engine. A turn lives by its lease: it is renewed while the turn runs, every write is refused after it is lost, and a turn
that ends for whatever reason leaves the rest to the next holder.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from adapters.adapter import Adapter
from connectors.base import Connector
from delivery.blame import where
from delivery.limits import Pace
from delivery.poller import PAUSE_LOOKED_AT_EVERY_S, Poller
from delivery.receiver import Receiver
from delivery.sender import Sender
from domain.outcome import OutcomeKind
from store import deliveries, pauses, settlements, turns
from store.deliveries import Attempt
from store.pauses import Direction
from store.settlements import Settlement
from store.turns import LEASE_S, Claim, LeaseLost
from store.unit import Database, Unit

TURN_S = 20.0
"""How long one turn starts new deliveries; then it reads the feed, ends, and comes again at once if there is more."""

GATHER_S = 0.005
"""How long a finished call waits for its fellows: what ends together is written down together, in one transaction."""
SUCCESS_TOLD_EVERY_S = 5.0

LOOK_AROUND_S = 1.0
"""A call that hangs must not keep a free place from what came due meanwhile: the turn looks this often."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class AgencyWork:
    """Everything a process needs to work for one agency; kept between its turns."""

    code: str
    adapter: Adapter
    connector: Connector
    sender: Sender
    pace: Pace
    at_once: int
    clock: Callable[[], datetime]
    database: Database
    is_down: bool = field(default=False)
    paused: frozenset[Direction] = field(default=frozenset())
    """The directions that an operator has paused, as the turn found it."""
    success_told_at: float = field(default=-math.inf)
    """When the turn's row last heard that the agency answers; monotonic seconds."""

    @property
    def sends(self) -> bool:
        """Whether anything is sent now: the agency's file or an operator may say to leave it alone (Q42)."""
        return not (self.adapter.plan.pause.sending or "sending" in self.paused)

    def receiver(self) -> Receiver:
        return Receiver(self.database, self.adapter, self.sender)

    def poller(self) -> Poller:
        return Poller(self.database, self.adapter, self.connector, self.pace, self.clock)


class Turn:
    """One claim being worked off. `stopping` is set when the process drains: no new call is begun."""

    def __init__(self, work: AgencyWork, claim: Claim, stopping: asyncio.Event) -> None:
        self._work = work
        self._claim = claim
        self._stopping = stopping
        self._database = work.database

    async def run(self) -> None:
        """Work the turn off and give it back. Raises LeaseLost when somebody else took over; everything unfinished is theirs then."""
        async with self._database.unit() as unit:
            await turns.renew(unit, self._claim)
            self._work.paused = await pauses.paused(unit, self._claim.organisation_code)
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep_lease())
            try:
                await self._work_off()
            finally:
                keeping.cancel()
        async with self._database.unit() as unit:
            await turns.give_back(unit, self._claim, sends=self._work.sends)

    async def _keep_lease(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(LEASE_S / 3)
                async with self._database.unit() as unit:
                    await turns.renew(unit, self._claim)

    async def _work_off(self) -> None:
        await self._take_over()
        receiver = self._work.receiver()
        await receiver.read_inbox(self._claim, self._work.clock())
        if self._work.sends:
            await self._deliver()
        if "reading" in self._work.paused:
            async with self._database.unit() as unit:
                await turns.poll_again_in(unit, self._claim, PAUSE_LOOKED_AT_EVERY_S)
        elif not self._stopping.is_set():
            await self._work.poller().poll(self._claim)
            await receiver.read_inbox(self._claim, self._work.clock())

    async def _take_over(self) -> None:
        """Attempts whose worker died: nobody saw the answer."""
        async with self._database.unit() as unit:
            await turns.hold(unit, self._claim)
            abandoned = await deliveries.find_abandoned(unit, self._claim)
            lost = [self._work.sender.settle_lost(attempt) for attempt in abandoned]
            await settlements.record(unit, self._claim, lost, self._work.clock())
        if lost:
            log.warning("%s: took over %d deliveries whose answers are lost", self._work.code, len(lost))

    async def _deliver(self) -> None:
        """Keep up to `at_once` calls under way until nothing is due or the time of the turn is over."""
        ends_at = time.monotonic() + TURN_S
        calls: set[asyncio.Task[Settlement]] = set()
        finished: list[Settlement] = []
        try:
            while True:
                may_begin = not self._stopping.is_set() and time.monotonic() < ends_at
                free = self._work.at_once - len(calls) if may_begin else 0
                begun = await self._record_and_begin(finished, free)
                finished = []
                calls |= {asyncio.create_task(self._call(attempt)) for attempt in begun}
                if not calls:
                    return
                done, calls = await asyncio.wait(calls, timeout=LOOK_AROUND_S, return_when=asyncio.FIRST_COMPLETED)
                if calls:
                    done_too, calls = await asyncio.wait(calls, timeout=GATHER_S)
                    done |= done_too
                finished = [task.result() for task in done]
        finally:
            # Cancelled or failed: what is under way stays IN_FLIGHT on disk, and the next holder treats its answers as lost.
            for task in calls:
                task.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    async def _record_and_begin(self, finished: list[Settlement], free: int) -> list[Attempt]:
        """One transaction: what came back is written down, and the next attempts are, before they are made."""
        if not finished and not free:
            return []
        now = self._work.clock()
        async with self._database.unit() as unit:
            await turns.hold(unit, self._claim)
            await settlements.record(unit, self._claim, finished, now)
            due = await deliveries.pick_due(unit, self._claim, free) if free else []
            begun = await deliveries.begin(
                unit, self._claim, [(one, self._work.sender.next_step(one)) for one in due], now
            )
            await self._note_health(unit, finished)
        return begun

    async def _note_health(self, unit: Unit, finished: list[Settlement]) -> None:
        """Remember contact, and say once when an agency goes down and once when it is back."""
        for one in finished:
            silent = one.outcome in (OutcomeKind.UNKNOWN, OutcomeKind.TRY_LATER)
            if silent and not self._work.is_down:
                self._work.is_down = True
                await turns.note_contact(unit, self._claim, one.text)
                log.warning("%s does not take deliveries: %s", self._work.code, one.text)
            elif not silent and self._work.is_down:
                self._work.is_down = False
                self._work.success_told_at = -math.inf
                log.info("%s takes deliveries again", self._work.code)
            if not silent:
                await self._note_success(unit)
                break

    async def _note_success(self, unit: Unit) -> None:
        """Once in a while: nobody needs to know to the second when a healthy agency last answered."""
        now = time.monotonic()
        if now >= self._work.success_told_at + SUCCESS_TOLD_EVERY_S:
            self._work.success_told_at = now
            await turns.note_contact(unit, self._claim, None)

    async def _call(self, attempt: Attempt) -> Settlement:
        await self._work.pace.wait()
        try:
            return await self._work.sender.carry_out(attempt)
        # A fault in reading one reply must not take the agency's other deliveries with it. The call may have arrived: nobody knows.
        except Exception as error:  # noqa: BLE001
            log.error("%s: an attempt failed with %s", self._work.code, where(error))
            return self._work.sender.settle_lost(attempt, f"an error of the hub, {type(error).__name__}")


async def run_turn(work: AgencyWork, claim: Claim, stopping: asyncio.Event) -> None:
    """Run one turn. A lost lease is an ordinary end: somebody else is working now."""
    try:
        await Turn(work, claim, stopping).run()
    except* LeaseLost:
        log.warning("%s: the turn %d was taken over", claim.organisation_code, claim.epoch)
