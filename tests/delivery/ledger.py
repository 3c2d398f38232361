"""A ledger of one delivery in memory: it hands attempts to a real Sender and keeps what they came to, as the database would."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from adapters.adapter import Adapter
from connectors.base import Connector
from delivery.sender import Sender
from domain.delivery import OPEN_STATES, DeliveryState, Purpose
from domain.message import Channel
from store.deliveries import Attempt, DueDelivery, StoredAttachment
from store.settlements import Settlement

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROW = {
    "id": UUID("0197b0a0-0000-7000-8000-000000000001"),
    "reference": "24-000017-K",
    "text": "Глубокая яма у остановки.",
    "category_code": "roads/pothole",
    "category_name": "Ямы",
    "received_at": NOW,
    "latitude": None,
    "longitude": None,
    "accuracy_m": None,
    "address": "Калуга, улица Суворова, 121",
    "territory_code": None,
    "channel": Channel.PORTAL,
}


@dataclass
class Files:
    """Stored files by their digests."""

    contents: dict[str, bytes] = field(default_factory=dict)

    def read(self, sha256: str) -> bytes:
        return self.contents[sha256]

    def keep(self, content: bytes, name: str, media_type: str = "image/jpeg") -> StoredAttachment:
        digest = hashlib.sha256(content).hexdigest()
        self.contents[digest] = content
        return StoredAttachment(uuid4(), 0, name, media_type, len(content), digest)


class Ledger:
    """One delivery on its way. `history` are the settlements in order."""

    def __init__(
        self,
        adapter: Adapter,
        connector: Connector,
        files: Files | None = None,
        attachments: Sequence[StoredAttachment] = (),
        purpose: Purpose = Purpose.SUBMIT,
        case_ids: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
    ) -> None:
        self.sender = Sender(
            adapter, connector, files or Files(), owner="it@small.example", secrets=(), clock=lambda: NOW
        )
        self.delivery = DueDelivery(
            uuid4(), ROW, purpose, DeliveryState.READY, 1, 0, None, {}, tuple(attachments), case_ids or {}, body
        )
        self.history: list[Settlement] = []

    async def step(self) -> Settlement:
        """Make the next attempt, and keep what it came to."""
        delivery = replace(self.delivery, attempts=self.delivery.attempts + 1)
        attempt = Attempt(uuid4(), delivery, self.sender.next_step(delivery), delivery.attempts, NOW)
        settlement = await self.sender.carry_out(attempt)
        self.keep(settlement)
        return settlement

    def keep(self, settlement: Settlement) -> None:
        self.history.append(settlement)
        self.delivery = replace(
            settlement.attempt.delivery,
            state=settlement.state,
            steps_done={**self.delivery.steps_done, **settlement.finished_steps},
            case_ids=settlement.case_ids or self.delivery.case_ids,
        )

    async def walk(self, at_most: int = 12) -> list[str]:
        """Attempts until the delivery rests or waits for a later hour; their steps."""
        for _ in range(at_most):
            settlement = await self.step()
            later = settlement.next_attempt_at is not None and settlement.next_attempt_at > NOW
            if settlement.state not in OPEN_STATES or later:
                break
        return self.steps

    def state(self) -> DeliveryState:
        """Where the delivery stands now."""
        return self.delivery.state

    @property
    def steps(self) -> list[str]:
        return [settlement.attempt.step.split(":")[0] for settlement in self.history]

    @property
    def notes(self) -> list[str]:
        return [settlement.note for settlement in self.history if settlement.note is not None]
