"""One installation for a test: a fresh database, the house's configuration, and messages accepted the way the endpoint accepts them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from uuid6 import uuid7

from agencies.reference_data import ReferenceData, load_reference_data
from agencies.registry import Registry
from connectors.http import open_session
from delivery.worker import Worker
from domain.actions.submit_message import Place, SubmitMessage, submit_message
from domain.delivery import DeliveryState
from domain.file_link import FileLinks
from gateway.facts import InstallationFacts
from store import messages
from store.blobs import Blobs
from store.people import person_id
from store.references import ReferenceSource
from store.registry import sync_registry
from store.tables import AttachmentRow
from store.unit import Database

_KEYS = itertools.count(1)


def hurried_config(source: Path, target: Path) -> Path:
    """The house's configuration with shorter waits, so that a test of a lost answer takes seconds."""
    shutil.copytree(source, target)
    for path in (target / "agencies").glob("*.yaml"):
        words = re.sub(r"settles_within: \d+s", "settles_within: 1s", path.read_text())
        words = re.sub(r"every: \d+\w", "every: 1s", words)
        path.write_text(re.sub(r"timeout: \d+s", "timeout: 3s", words))
    return target


@dataclass(slots=True)
class Installation:
    """A database, the reference data and the connected agencies."""

    database: Database
    reference: ReferenceData
    registry: Registry
    blobs: Blobs
    references: ReferenceSource
    citizen: UUID
    _files: dict[UUID, str] = field(default_factory=dict)

    @classmethod
    async def open(cls, database: Database, config: Path, folder: Path, variables: Mapping[str, str]) -> Installation:
        reference = await asyncio.to_thread(load_reference_data, config)
        registry = Registry.load(config, variables=variables)
        assert registry.faults == ()
        async with database.unit() as unit:
            await sync_registry(
                unit,
                rubricator=reference.rubricator,
                territories=reference.territories,
                organisations=reference.organisations,
                connected=registry.codes,
            )
            # The agencies outlive a test's database: a reference they saw in one test must not come again in another.
            await unit.execute(text(f"ALTER SEQUENCE message_serial RESTART WITH {secrets.randbelow(10**7) * 8 + 1}"))
        blobs = Blobs(folder / "attachments")
        blobs.prepare()
        citizen = await person_id(database, "test", "citizen")
        return cls(database, reference, registry, blobs, ReferenceSource(database), citizen)

    async def attach(self, content: bytes, name: str = "photo.jpg", media_type: str = "image/jpeg") -> UUID:
        """A stored attachment of the citizen."""
        with self.blobs.receive() as arriving:
            arriving.write(content)
            arriving.keep()
        attachment_id = uuid7()
        async with self.database.unit() as unit:
            await unit.execute(
                insert(AttachmentRow).values(
                    id=attachment_id,
                    person_id=self.citizen,
                    file_name=name,
                    media_type=media_type,
                    size_bytes=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                )
            )
        return attachment_id

    async def send(
        self, words: str, category: str | None = None, place: Place | None = None, attachments: Sequence[UUID] = ()
    ) -> str:
        """Accept one message; its reference."""
        now = datetime.now(UTC)
        facts = InstallationFacts(self.reference, self.registry.codes)
        command = SubmitMessage(f"key-{next(_KEYS)}", words, category, place, None, tuple(attachments))
        accepted = submit_message(command, facts, now)
        route = accepted.route
        reference = await self.references.take(now)
        place = place or Place()
        fields: dict[str, Any] = {
            "reference": reference,
            "text": words,
            "regime": accepted.regime,
            "channel": command.channel,
            "category_code": accepted.category,
            "category_source": accepted.category_source,
            "category_confidence": accepted.category_confidence,
            "rubricator_version": accepted.rubricator_version,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "address": place.address,
            "territory_code": accepted.territory,
            "organisation_code": route.organisation if route else None,
            "route_rule": route.rule_id if route else None,
            "route_reason_ru": route.reason.ru if route else None,
            "route_reason_en": route.reason.en if route else None,
            "status": accepted.status,
            "deadline_on": accepted.deadline.date,
            "deadline_rule": accepted.deadline.rule_id,
        }
        state = None
        if route is not None:
            state = DeliveryState.READY if facts.organisation_has_system(route.organisation) else DeliveryState.ON_DESK
        async with self.database.unit() as unit:
            await messages.accept(
                unit,
                messages.NewMessage(
                    self.citizen,
                    command.idempotency_key,
                    command.fingerprint(),
                    now,
                    fields,
                    state,
                    command.attachments,
                ),
            )
        return reference

    @contextlib.asynccontextmanager
    async def worker(self, links: FileLinks | None = None) -> AsyncIterator[Worker]:
        """A worker running in this process."""
        async with open_session() as session:
            worker = Worker(self.database, self.registry, self.blobs, session, links)
            running = asyncio.create_task(worker.run())
            try:
                yield worker
            finally:
                worker.stop()
                await asyncio.wait_for(running, 30)

    async def rows(self, statement: str, **parameters: object) -> list[dict[str, Any]]:
        async with self.database.reader() as connection:
            return [dict(row) for row in (await connection.execute(text(statement), parameters)).mappings()]

    async def status(self, reference: str) -> str:
        return str((await self.rows("SELECT status FROM message WHERE reference = :r", r=reference))[0]["status"])

    async def delivery(self, reference: str, purpose: str = "SUBMIT") -> dict[str, Any]:
        """The delivery's row with `outcomes`, the outcomes of its attempts in order."""
        rows = await self.rows(
            """
            SELECT d.*, (SELECT array_agg(coalesce(a.outcome, '-') ORDER BY a.number) FROM attempt a WHERE a.delivery_id = d.id) AS outcomes,
                (SELECT array_agg(a.step ORDER BY a.number) FROM attempt a WHERE a.delivery_id = d.id) AS steps
            FROM delivery d JOIN message m ON m.id = d.message_id WHERE m.reference = :r AND d.purpose = :p
            """,
            r=reference,
            p=purpose,
        )
        return rows[0]


async def until(what: Callable[[], Awaitable[bool]], within_s: float = 60.0) -> None:
    """Wait for something to become true; fails when it does not in time."""
    ends_at = time.monotonic() + within_s
    while not await what():
        assert time.monotonic() < ends_at, f"did not become true within {within_s} s"
        await asyncio.sleep(0.05)
