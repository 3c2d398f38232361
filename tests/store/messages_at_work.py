"""Messages that the store's own functions write and move, for tests of what is counted about them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import text, update

from agencies.reference_data import load_reference_data
from domain.actions.rate_answer import RateAnswer
from domain.delivery import DeliveryState
from domain.event import EventKind
from domain.foreign_change import ForeignAnswer
from domain.message import Channel, Regime, Resolution
from domain.status import Mover, Status
from store import answers
from store.messages import NewEvent, NewMessage, accept, lock, move, record_events
from store.people import person_id
from store.registry import sync_registry
from store.statistics.verifying import verify
from store.tables import MessageRow
from store.unit import Database, Unit, libpq_address
from store.verdicts import give_verdict
from store.withdrawals import record_withdrawal


async def write_reference_data(database: Database, config: Path) -> None:
    reference = load_reference_data(config)
    async with database.unit() as unit:
        await sync_registry(
            unit,
            rubricator=reference.rubricator,
            territories=reference.territories,
            organisations=reference.organisations,
            connected=frozenset(),
        )


def fields_of(
    organisation: str | None = "city-roads",
    category: str | None = "roads/pothole",
    territory: str | None = None,
    deadline_on: date = date(2026, 11, 20),
) -> dict[str, Any]:
    """What a caller of `accept` decides."""
    return {
        "reference": uuid4().hex,
        "text": "Яма",
        "regime": Regime.MESSAGE,
        "channel": Channel.PORTAL,
        "category_code": category,
        "territory_code": territory,
        "organisation_code": organisation,
        "rubricator_version": "1",
        "status": Status.ROUTED if organisation else Status.ON_MODERATION,
        "deadline_on": deadline_on,
        "deadline_rule": "days",
    }


def new_message(
    person: UUID, fields: dict[str, Any], received_at: datetime = datetime(2026, 11, 10, 9, tzinfo=UTC)
) -> NewMessage:
    state = DeliveryState.READY if fields["organisation_code"] else None
    return NewMessage(person, uuid4().hex, b"", received_at, fields, state)


async def author(database: Database) -> UUID:
    return await person_id(database, "test", "anna")


async def send(database: Database, **fields: Any) -> UUID:
    """A message that is accepted; `received_at` and what `fields_of` takes."""
    received = {"received_at": fields.pop("received_at")} if "received_at" in fields else {}
    new = new_message(await author(database), fields_of(**fields), **received)
    async with database.unit() as unit:
        message_id = await accept(unit, new)
    assert message_id is not None
    return message_id


async def bring_to(database: Database, message_id: UUID, status: Status, at: datetime) -> None:
    """A move that has been judged, with its event."""
    async with database.unit() as unit:
        message = await _locked(unit, message_id)
        event = NewEvent(message_id, EventKind.STATUS, Mover.AGENCY, from_status=message.status, to_status=status)
        await record_events(unit, [event])
        await move(unit, message_id, status, at)


async def answer(database: Database, message_id: UUID, organisation: str, at: datetime) -> UUID:
    async with database.unit() as unit:
        await _locked(unit, message_id)
        words = ForeignAnswer(text=f"Сделано {uuid4()}", decision=None, responsible=None)
        return await answers.add(unit, message_id, organisation, words, at)


async def judge(database: Database, answer_id: UUID, answer_rating: int, solution_rating: int, at: datetime) -> None:
    async with database.unit() as unit:
        verdict = RateAnswer(answer_rating, solution_rating, Resolution.PARTLY, None)
        assert await give_verdict(unit, await author(database), answer_id, verdict, at)


async def withdraw(database: Database, message_id: UUID, at: datetime) -> None:
    async with database.unit() as unit:
        await record_withdrawal(unit, await _locked(unit, message_id), at)


async def refile(database: Database, message_id: UUID, **columns: Any) -> None:
    """What a moderator changes: organisation, category, territory."""
    async with database.unit() as unit:
        await _locked(unit, message_id)
        await unit.execute(update(MessageRow).where(MessageRow.id == message_id).values(**columns))


async def _locked(unit: Unit, message_id: UUID) -> MessageRow:
    message = await lock(unit, message_id)
    assert message is not None
    return message


def found_wrong(database: Database) -> list[str]:
    """Everything that `verify` finds, in words."""
    with psycopg.connect(libpq_address(database.url)) as connection:
        return [
            f"{one.check.name}: {example}" for one in verify(connection) if not one.holds for example in one.examples
        ]


async def deltas(database: Database) -> int:
    async with database.reader() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM statistics_delta"))).scalar_one())
