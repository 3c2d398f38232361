"""What one operation is executed with: Strawberry's `info.context`. Made by the gateway, read by everything in this package.

Ports are written as protocols, so that the schema needs neither the door nor the disk: the gateway brings what implements them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from starlette.datastructures import UploadFile

from domain.actions.submit_message import Facts
from domain.bilingual import Bilingual
from domain.problem import Problem
from domain.viewer import Viewer
from schema.live_cases import LiveCases, NobodyToAsk
from store.references import ReferenceSource
from store.unit import Database
from store.watched import Snapshot

if TYPE_CHECKING:
    from strawberry.dataloader import DataLoader

    from schema.loaders.live_states import CaseSeen, Found

LanguageCode = Literal["ru", "en"]


class Stored(Protocol):
    """A file that is on disk and has its row in `attachment`."""

    @property
    def attachment_id(self) -> UUID: ...


class Uploads(Protocol):
    """Checks a citizen's file, stores it and its row."""

    async def take(self, person_id: UUID, upload: UploadFile) -> Stored:
        """Raises `domain.problem.ProblemsFound` when the file cannot be taken; then nothing is stored."""
        ...


class Changes(Protocol):
    """Tells when a message may have changed. `store.changes.ChangeFeed` is one."""

    def watch(self, message_id: UUID, seen: Snapshot | None = None) -> AbstractAsyncContextManager[AsyncIterator[None]]:
        """Inside the block, the iterator yields after each change that is not in `seen`; several changes at once may be one yield."""
        ...


@dataclass(slots=True)
class Context:
    """One per operation. `viewer` is None when nobody is signed in; `language` is what the citizen reads."""

    database: Database
    viewer: Viewer | None
    facts: Facts
    language: LanguageCode
    changes: Changes
    uploads: Uploads
    clock: Callable[[], datetime]
    references: ReferenceSource
    live_cases: LiveCases = field(default_factory=NobodyToAsk)
    seen: str | None = None
    """How far the client has seen the database, from an earlier answer to it: for `Database.reads_for`."""
    from_primary: bool = False
    """Whether a query must not be answered by a replica, which may lag."""
    live_states: DataLoader[CaseSeen, Found | None] | None = None
    """Made when the first live state is asked for; see `schema/loaders/live_states.py`."""

    def say(self, words: Bilingual | Problem) -> str:
        """A text in the citizen's language."""
        return words.ru if self.language == "ru" else words.en
