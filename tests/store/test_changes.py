"""The change feed: whoever watches is woken, across processes, lost connections and transactions in any order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from uuid6 import uuid7

from domain.event import EventKind
from domain.message import Channel, Regime
from domain.status import Mover, Status
from store.changes import ChangeFeed
from store.messages import NewEvent, record_events
from store.relay import CHANNEL
from store.tables import MessageRow, PersonRow
from store.unit import Database, Unit
from store.watched import Snapshot

NEVER_S = 60.0
"""A polling interval that no test reaches: what wakes then is the NOTIFY."""
_SOMETHING = text("INSERT INTO event (message_id, kind, actor) VALUES (:id, 'STATUS', :hub)")
_SNAPSHOT = text("SELECT pg_current_snapshot()::text")


async def _message(unit: Unit, serial: int = 1) -> UUID:
    person, message, now = uuid7(), uuid7(), datetime.now(UTC)
    await unit.execute(insert(PersonRow), {"id": person, "issuer": "test", "subject": str(person)})
    await unit.execute(
        insert(MessageRow),
        {
            "id": message,
            "reference": f"TEST-{serial}",
            "person_id": person,
            "text": "text",
            "regime": Regime.MESSAGE,
            "channel": Channel.PORTAL,
            "rubricator_version": "1",
            "status": Status.RECEIVED,
            "status_since": now,
            "received_at": now,
            "deadline_on": date(2026, 12, 1),
            "deadline_rule": "test",
        },
    )
    return message


async def _change(unit: Unit, message: UUID) -> None:
    await record_events(unit, [NewEvent(message, EventKind.STATUS, Mover.HUB, to_status=Status.ROUTED)])


async def _changed(database: Database, message: UUID) -> None:
    async with database.unit() as unit:
        await _change(unit, message)


async def _woken(wake_ups: AsyncIterator[None], within_s: float = 5.0) -> bool:
    try:
        await asyncio.wait_for(anext(wake_ups), within_s)
    except TimeoutError:
        return False
    return True


@pytest.fixture
async def messages(database: Database) -> tuple[UUID, UUID]:
    async with database.unit() as unit:
        return await _message(unit, 1), await _message(unit, 2)


async def _open(database: Database, poll_s: float = NEVER_S) -> ChangeFeed:
    """A feed that has made its first round: nothing but a change wakes now."""
    feed = ChangeFeed(database, poll_s=poll_s)
    async with feed.watch(uuid7()) as first:
        await feed.open()
        assert await _woken(first, 10)
    return feed


async def test_a_change_in_one_process_wakes_a_watcher_in_another(
    database: Database, database_url: str, messages: tuple[UUID, UUID]
) -> None:
    other = Database(database_url)
    await other.open()
    feed = await _open(other)
    async with feed.watch(messages[0]) as mine, feed.watch(messages[1]) as theirs:
        await _changed(database, messages[0])
        assert await _woken(mine)
        assert not await _woken(theirs, 0.3)
    await feed.close()
    await other.close()


async def test_many_changes_are_few_wake_ups_and_the_last_is_not_missed(
    database: Database, messages: tuple[UUID, UUID]
) -> None:
    feed, woken = await _open(database), 0
    async with feed.watch(messages[0]) as wake_ups:
        for _ in range(30):
            await _changed(database, messages[0])
        while await _woken(wake_ups, 0.5):
            woken += 1
    assert 1 <= woken < 30
    await feed.close()


async def test_without_a_wake_up_call_the_feed_looks_by_itself(database: Database, messages: tuple[UUID, UUID]) -> None:
    feed = await _open(database, poll_s=0.2)
    async with feed.watch(messages[0]) as wake_ups:
        async with database.engine.begin() as connection:  # a process that died before its relay could notify
            await connection.execute(
                _SOMETHING,
                {"id": messages[0], "hub": Mover.HUB.value},
            )
        assert await _woken(wake_ups)
    await feed.close()


async def test_a_long_transaction_neither_hides_nor_delays_what_others_commit(
    database: Database, messages: tuple[UUID, UUID]
) -> None:
    feed = await _open(database)
    async with feed.watch(messages[0]) as early, feed.watch(messages[1]) as late:
        async with database.unit() as long:
            await _change(long, messages[1])  # takes the smaller transaction number and commits last
            await _changed(database, messages[0])
            assert await _woken(early)
            assert not await _woken(late, 0.2)
        assert await _woken(late)
        assert not await _woken(early, 0.3)
    await feed.close()


async def test_a_lost_connection_is_made_anew_and_nothing_is_missed(
    database: Database, messages: tuple[UUID, UUID], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    feed = await _open(database)
    async with feed.watch(messages[0]) as wake_ups:
        async with database.reader() as connection:
            killed = await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'okno changes' AND datname = current_database()"
                )
            )
            assert killed.rowcount == 1
        await _changed(database, messages[0])  # while nobody listens
        assert await _woken(wake_ups, 10)
        while await _woken(wake_ups, 0.3):
            pass
        await _changed(database, messages[0])
        assert await _woken(wake_ups)
    assert "lost the database" in caplog.text
    await feed.close()


async def test_a_watcher_is_not_woken_for_what_its_first_reading_shows(
    database: Database, messages: tuple[UUID, UUID]
) -> None:
    feed = await _open(database)
    async with feed.watch(messages[1]), database.engine.connect() as connection:  # so that the feed looks at all
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(_SOMETHING, {"id": messages[0], "hub": Mover.HUB.value})
        seen = Snapshot.read(str(await connection.scalar(_SNAPSHOT)))
        async with feed.watch(messages[0], seen) as informed, feed.watch(messages[0]) as uninformed:
            await connection.execute(text(f"NOTIFY {CHANNEL}"))  # as when the news of a commit comes late
            assert await _woken(uninformed)
            assert not await _woken(informed, 0.2)
            await _changed(database, messages[0])
            assert await _woken(informed)
    await feed.close()


async def test_a_watcher_is_woken_for_what_began_before_its_first_reading_and_ended_after_it(
    database: Database, messages: tuple[UUID, UUID]
) -> None:
    feed = await _open(database)
    async with database.unit() as long:
        await _change(long, messages[0])
        await _changed(database, messages[1])  # a later number that is over already
        async with database.reader() as connection:
            seen = Snapshot.read(str(await connection.scalar(_SNAPSHOT)))
        async with feed.watch(messages[0], seen) as wake_ups:
            await long.connection.commit()
            await _changed(database, messages[1])
            assert await _woken(wake_ups)
    await feed.close()


@pytest.mark.parametrize(
    ("text", "over", "not_over"),
    [("5:5:", (4,), (5, 6)), ("5:9:5,7", (4, 6, 8), (5, 7, 9)), ("5:4294967300:", (4294967299,), (4294967300,))],
)
def test_a_snapshot_shows_the_transactions_that_were_over(
    text: str, over: tuple[int, ...], not_over: tuple[int, ...]
) -> None:
    snapshot = Snapshot.read(text)
    assert all(snapshot.shows(tx) for tx in over)
    assert not any(snapshot.shows(tx) for tx in not_over)


async def test_closing_the_feed_ends_every_watch(database: Database, messages: tuple[UUID, UUID]) -> None:
    feed = await _open(database)
    async with feed.watch(messages[0]) as wake_ups:
        ended = asyncio.create_task(anext(wake_ups, "ended"))
        await asyncio.sleep(0)
        await feed.close()
        assert await asyncio.wait_for(ended, 5) == "ended"


async def test_a_watch_that_ends_leaves_nothing_behind(database: Database, messages: tuple[UUID, UUID]) -> None:
    feed = ChangeFeed(database)
    async with feed.watch(messages[0]), feed.watch(messages[0]):
        assert feed.watcher_count == 2
    assert feed.watcher_count == 0
