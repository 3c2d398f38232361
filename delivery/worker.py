"""The worker process: takes turns of connected agencies until it is told to stop.

SIGTERM drains it: no new call is begun, calls under way are finished and written down, then it ends. Killed outright, it loses nothing: its turns'
leases run out and another worker (or its own next start) takes over.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from datetime import UTC, datetime, timedelta

import aiohttp

from agencies.registry import Registry, UnsetVariable
from agencies.reloading import ReloadingRegistry, follow
from connectors.base import BadConnection
from connectors.http import open_session
from delivery.calling import MakesLinks, ReadsBlobs
from delivery.engine import Engine
from delivery.limits import Pace
from delivery.sender import Sender
from delivery.turns import AgencyWork, run_turn
from store import turns
from store.renderings import render_until
from store.turns import Claim
from store.unit import Database, Unit

FOREIGN_CASES_FORGOTTEN_AFTER = timedelta(days=1)

log = logging.getLogger(__name__)


def now() -> datetime:
    return datetime.now(UTC)


class Worker:
    """One worker on an open database. `run` returns after `stop()`."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        blobs: ReadsBlobs,
        session: aiohttp.ClientSession,
        links: MakesLinks | None = None,
    ) -> None:
        """`links` makes the addresses of files for systems that take no files; None where the hub has no public address."""
        self._links = links
        self._database = database
        self._registry = registry
        self._blobs = blobs
        self._session = session
        self._work: dict[str, AgencyWork] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Drain: begin no new call."""
        self._stopping.set()

    async def run(self) -> None:
        rendering = asyncio.create_task(render_until(self._database, self._stopping), name="rendering")
        try:
            await Engine(self._database, self._run_turn, self._sweep).run(self._stopping)
        finally:
            rendering.cancel()
            await asyncio.gather(rendering, return_exceptions=True)
        for work in self._work.values():
            await work.connector.close()

    async def _run_turn(self, claim: Claim) -> None:
        work = await self._ready(claim.organisation_code)
        if work is None:
            # The lease is kept to its end on purpose: the agency comes again in half a minute, not in a busy loop.
            return
        await run_turn(work, claim, self._stopping)

    async def _ready(self, code: str) -> AgencyWork | None:
        """What is needed to work for an agency, made anew when its file has changed. The turn is ours alone: nobody uses the old connector."""
        known = self._work.get(code)
        if known is not None and code in self._registry.codes and known.adapter is self._registry.adapter(code):
            return known
        fresh = await asyncio.to_thread(self._prepare, code)
        if fresh is None or known is None:
            return fresh or known
        await known.connector.close()
        return fresh

    def _prepare(self, code: str) -> AgencyWork | None:
        """What is needed to work for an agency, or None when its file does not allow it; the log says what to mend."""
        if code not in self._registry.codes:
            log.error("agency %s has deliveries but no usable file in config/agencies: run `okno agency list`", code)
            return None
        agency = self._registry.agency(code)
        try:
            connector = self._registry.connector(code, self._session)
        except (UnsetVariable, BadConnection) as error:
            log.error("agency %s cannot be called: %s", code, error)
            return None
        sender = Sender(
            agency.adapter,
            connector,
            self._blobs,
            owner=agency.file.agency.owner,
            secrets=self._registry.secrets(code),
            clock=now,
            links=self._links,
        )
        self._work[code] = AgencyWork(
            code=code,
            adapter=agency.adapter,
            connector=connector,
            sender=sender,
            pace=Pace(agency.per_minute, agency.at_once),
            at_once=agency.at_once,
            clock=now,
            database=self._database,
        )
        return self._work[code]

    async def _sweep(self, unit: Unit) -> None:
        await turns.sweep(unit)
        await turns.forget_foreign_cases(unit, FOREIGN_CASES_FORGOTTEN_AFTER)


async def work(
    database_url: str, registry: ReloadingRegistry, blobs: ReadsBlobs, links: MakesLinks | None = None
) -> None:
    """Run a worker in this process until SIGTERM or SIGINT."""
    database = Database(database_url, pool_size=12, application="okno worker")
    await database.open()
    try:
        async with open_session() as session:
            worker = Worker(database, registry, blobs, session, links)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, worker.stop)
            log.info("working for %s", ", ".join(registry.codes) or "no agency")
            following = asyncio.create_task(follow(registry, _tell_changed), name="agency files")
            try:
                await worker.run()
            finally:
                following.cancel()
    finally:
        await database.close()


async def _tell_changed(codes: tuple[str, ...]) -> None:
    """Their next turns work by the new files; nothing else has to be done."""
    log.info("changed: %s", ", ".join(codes))
