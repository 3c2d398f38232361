"""The other side of a subscription: messages are changed through the store, as everything that happens to a message is, and the commits noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from bench.figures import percentile
from domain.event import EventKind
from domain.status import Mover
from store.messages import NewEvent, record_events
from store.unit import Database

Commits = dict[str, float]
"""Number of a message → monotonic moment of the commit."""


async def change_one_by_one(database: Database, messages: Mapping[str, UUID], every_s: float) -> Commits:
    """Each message once, in a transaction of its own."""
    commits: Commits = {}
    for reference, key in messages.items():
        async with database.unit() as unit:
            await record_events(unit, [_something(key)])
        commits[reference] = time.monotonic()
        await asyncio.sleep(every_s)
    return commits


async def change_at_once(database: Database, messages: Mapping[str, UUID]) -> Commits:
    """All of them in one transaction."""
    async with database.unit() as unit:
        await record_events(unit, [_something(key) for key in messages.values()])
    return dict.fromkeys(messages, time.monotonic())


def _something(message: UUID) -> NewEvent:
    return NewEvent(message, EventKind.NOTE, Mover.HUB)


def delays_ms(commits: Commits, frames: Sequence[tuple[str, float]]) -> list[float]:
    """From commit to frame, in order; a frame can be seen before the commit's own return and then counts as no delay."""
    return sorted(max(0.0, (at - commits[reference]) * 1000) for reference, at in frames if reference in commits)


def in_words(name: str, delays: Sequence[float], expected: int) -> str:
    if not delays:
        return f"{name}: no frame arrived"
    p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
    return f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, last {delays[-1]:.1f} ms; {len(delays)} frames of {expected}"
