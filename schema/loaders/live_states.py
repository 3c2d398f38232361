"""The live states of the cases in one answer.

All questions of an operation are put together; what is known of those that stay silent is read from the event log by one statement.
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.bilingual import Bilingual
from domain.status import Status
from schema.live_cases import Silence, StateNow
from store.known_states import KnownState, last_known

if TYPE_CHECKING:
    from schema.context import Context


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case that the plan let through: our key, the organisation, and their number."""

    id: UUID
    organisation: str
    case_id: str


@dataclass(frozen=True, slots=True)
class Found:
    """What can be said of a case. With `why` it is the last known state, without it the present one."""

    code: str | None
    status: Status | None
    since: datetime | None
    note: str | None
    as_of: datetime
    asked_at: datetime | None
    why: Bilingual | None = None


def live_states(context: Context) -> DataLoader[CaseSeen, Found | None]:
    """The loader of this operation. It keeps nothing: a subscription is one operation and asks again at every event."""
    if context.live_states is None:
        context.live_states = DataLoader(load_fn=functools.partial(_load, context), cache=False)
    return context.live_states


async def _load(context: Context, cases: list[CaseSeen]) -> list[Found | None]:
    said = await asyncio.gather(*(context.live_cases.ask(one.organisation, one.case_id) for one in cases))
    silent = {one.id for one, answer in zip(cases, said, strict=True) if isinstance(answer, Silence)}
    known = await last_known(context.database, context.viewer, sorted(silent)) if silent else {}
    return [_found(answer, known.get(one.id)) for one, answer in zip(cases, said, strict=True)]


def _found(answer: StateNow | Silence, known: KnownState | None) -> Found | None:
    if isinstance(answer, StateNow):
        return Found(answer.code, answer.status, answer.since, answer.note, answer.asked_at, answer.asked_at)
    if known is None:
        return None
    return Found(known.code, known.status, known.since, known.note, known.as_of, answer.asked_at, answer.why)
