"""A running stand-in as its owner sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from agencies.fake.hooks import Hooks
from agencies.fake.ledger import Answer
from agencies.fake.system import System
from domain.status import Status


@dataclass(slots=True)
class Fake:
    """A running stand-in."""

    system: System
    hooks: Hooks
    address: str = ""
    control: str = ""
    calls: list[str] = field(default_factory=list)
    """The steps that were asked for, in order."""

    async def move(
        self,
        case_id: str,
        status: Status | None,
        *,
        note: str | None = None,
        note_is_public: bool = False,
        answer: Answer | None = None,
    ) -> list[int]:
        """Add a change and tell the webhook; the HTTP statuses it answered. Raises KeyError for a case that is not there."""
        change = self.system.ledger.move(case_id, status, note=note, note_is_public=note_is_public, answer=answer)
        return await self.hooks.tell(change)
