"""Everything one gateway process holds open, made in order when it starts and closed in reverse when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from agencies.reference_data import ReferenceData, load_reference_data
from agencies.registry import Environment, Registry
from agencies.reloading import ReloadingRegistry, follow
from connectors.http import Wire, open_session
from domain.viewer import Viewer
from gateway.facts import InstallationFacts, what_systems_take
from gateway.files import SharedFiles
from gateway.leaving import Leaving
from gateway.live_cases import AgencyCases
from gateway.metrics import Metrics
from gateway.own_writes import SEEN
from gateway.refusals import Language
from gateway.settings import DEVELOPMENT_ISSUER, Settings
from gateway.sign_in import SignedIn, SignIn
from gateway.token_keys import FetchedKeys, FileKeys, Keys
from gateway.uploads import Uploads
from schema.context import Context
from store.blobs import Blobs
from store.changes import ChangeFeed
from store.home import Home
from store.people import person_id, remembered_person
from store.references import ReferenceSource
from store.registry import sync_registry
from store.role_grants import grants_of, remembered_grants
from store.unit import Database

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    settings: Settings
    database: Database
    facts: InstallationFacts
    registry: Registry
    changes: ChangeFeed
    uploads: Uploads
    files: SharedFiles
    references: ReferenceSource
    sign_in: SignIn
    live_cases: AgencyCases
    metrics: Metrics
    leaving: Leaving
    clock: Callable[[], datetime] = utc_now

    async def viewer(self, signed_in: SignedIn | None) -> Viewer | None:
        """Our row for the person; made at the first visit."""
        if signed_in is None:
            return None
        person = await person_id(self.database, signed_in.issuer, signed_in.subject)
        return Viewer(person, signed_in.issuer, signed_in.subject, await grants_of(self.database, person))

    def remembered_viewer(self, signed_in: SignedIn) -> Viewer | None:
        """What `viewer` would give without asking the database; None when it has to be asked."""
        person = remembered_person(self.database, signed_in.issuer, signed_in.subject)
        grants = None if person is None else remembered_grants(self.database, person)
        if person is None or grants is None:
            return None
        return Viewer(person, signed_in.issuer, signed_in.subject, grants)

    def context(self, viewer: Viewer | None, language: Language) -> Context:
        """For one operation."""
        return Context(
            database=self.database,
            viewer=viewer,
            facts=self.facts,
            language=language,
            changes=self.changes,
            uploads=self.uploads,
            clock=self.clock,
            references=self.references,
            live_cases=self.live_cases,
            seen=SEEN.get(),
        )


@contextlib.asynccontextmanager
async def open_services(home: Home, settings: Settings) -> AsyncIterator[Services]:
    """Start everything. Raises what a start-up error is: FileFaults, EmbeddedServerError, BadSettings."""
    reference, registry = await asyncio.to_thread(_read_config, home.config, settings)
    async with contextlib.AsyncExitStack() as stack:
        url = await asyncio.to_thread(stack.enter_context, home.database_url())
        database = home.database(url, "okno gateway")
        stack.push_async_callback(database.close)
        await database.open()
        await _sync(database, reference, registry)
        changes = ChangeFeed(database)
        stack.push_async_callback(changes.close)
        await changes.open()
        session = await stack.enter_async_context(open_session())
        live_cases = AgencyCases(registry, session, settings.limits, utc_now)
        stack.push_async_callback(live_cases.close)
        leaving = Leaving(changes)
        blobs = Blobs(home.attachments)
        await asyncio.to_thread(blobs.prepare)
        facts = InstallationFacts(reference, registry.codes, what_systems_take(registry))

        async def connect(codes: tuple[str, ...]) -> None:
            await _sync(database, reference, registry)
            facts.connect(registry.codes)

        following = asyncio.create_task(follow(registry, connect), name="agency files")
        stack.callback(following.cancel)
        yield Services(
            settings=settings,
            database=database,
            facts=facts,
            registry=registry,
            changes=changes,
            uploads=Uploads(database, blobs, at_once=settings.limits.uploads_at_once, clock=utc_now),
            files=SharedFiles(database, blobs, await asyncio.to_thread(home.file_links), utc_now),
            references=ReferenceSource(database),
            sign_in=make_sign_in(home, settings, session),
            live_cases=live_cases,
            metrics=Metrics(database, changes, leaving, registry),
            leaving=leaving,
        )


def make_sign_in(home: Home, settings: Settings, session: aiohttp.ClientSession) -> SignIn:
    """The verifier for the configured issuer and, in development, the installation's own."""
    issuers: dict[str, Keys] = {}
    if settings.token_issuer is not None and settings.token_keys is not None:
        fetched = "://" in settings.token_keys
        issuers[settings.token_issuer] = (
            FetchedKeys(Wire(session), settings.token_keys) if fetched else FileKeys(Path(settings.token_keys))
        )
    if settings.in_development:
        issuers[DEVELOPMENT_ISSUER] = FileKeys(home.development_key, required=False)
    return SignIn(issuers, settings.token_audience, token_bytes=settings.limits.token_bytes)


def _read_config(config: Path, settings: Settings) -> tuple[ReferenceData, ReloadingRegistry]:
    reference = load_reference_data(config)
    categories = {one.code for one in reference.rubricator.categories}
    environment: Environment = "sandbox" if settings.in_development else "production"
    return reference, ReloadingRegistry(config, environment=environment, categories=categories)


async def _sync(database: Database, reference: ReferenceData, registry: Registry) -> None:
    async with database.unit() as unit:
        await sync_registry(
            unit,
            rubricator=reference.rubricator,
            territories=reference.territories,
            organisations=reference.organisations,
            connected=registry.codes,
        )
