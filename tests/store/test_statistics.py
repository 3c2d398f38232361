"""The read models say what the messages say, after every step and however often they are folded."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.status import Status
from store.messages import accept
from store.statistics import folding
from store.statistics.folding import fold
from store.statistics.recount import ANSWERED, SET_ASIDE, rebuild
from store.statistics.verifying import mend, verify
from store.tables import STATISTICS_CELL
from store.unit import Database, libpq_address
from tests.store.messages_at_work import (
    answer,
    author,
    bring_to,
    deltas,
    fields_of,
    found_wrong,
    judge,
    new_message,
    refile,
    send,
    withdraw,
    write_reference_data,
)

NOW = datetime(2026, 11, 15, 9, tzinfo=UTC)
LATE = NOW + timedelta(days=30)


@pytest.fixture
async def filled(database: Database, config_folder: Path) -> Database:
    """Reference data, and a few messages at every stage of their lives."""
    await write_reference_data(database, config_folder)
    for organisation in ("city-roads", "housing-inspection", None):
        for status, at in ((None, NOW), (Status.ANSWERED, NOW), (Status.ANSWERED, LATE), (Status.WITHDRAWN, NOW)):
            message = await send(database, organisation=organisation)
            if status is not None:
                await bring_to(database, message, status, at)
            if status is Status.ANSWERED and organisation is not None:
                await judge(database, await answer(database, message, organisation, at), 5, 2, at)
    return database


async def fold_all(database: Database) -> int:
    async with database.unit() as unit:
        return await fold(unit)


async def counts(database: Database, table: str = "statistics_cell") -> dict[str, int]:
    """The sums of a table's measures that are not zero."""
    names = [column.name for column in STATISTICS_CELL.c if column.name not in ("day", *CODES)]
    sums = ", ".join(f"sum({name})" for name in names)
    async with database.reader() as connection:
        row = (await connection.execute(text(f"SELECT {sums} FROM {table}"))).one()
    return {name: int(value) for name, value in zip(names, row, strict=True) if value}


CODES = ("organisation_code", "category_code", "territory_code")


def test_every_status_is_open_answered_or_set_aside() -> None:
    open_ones = {
        *(Status.RECEIVED, Status.ON_MODERATION, Status.ROUTED, Status.DELIVERED, Status.REGISTERED),
        *(Status.IN_PROGRESS, Status.WAITING_FOR_CITIZEN, Status.PLANNED),
    }
    assert open_ones | ANSWERED | SET_ASIDE == set(Status)
    assert not open_ones & (ANSWERED | SET_ASIDE)


async def test_each_life_is_counted_where_it_belongs(filled: Database) -> None:
    assert found_wrong(filled) == []
    assert await fold_all(filled) > 0
    expected = {
        "messages": 12,
        "status_routed": 2,
        "status_on_moderation": 1,
        "status_answered": 6,
        "status_withdrawn": 3,
        "answered_in_time": 3,
        "answered_late": 3,
        "answers": 4,
        "answer_5": 4,
        "solution_2": 4,
        "answered_that_day": 6,
    }
    for table in ("statistics_cell", "statistics_organisation", "statistics_day"):
        assert await counts(filled, table) == expected
    assert found_wrong(filled) == []


async def test_a_fold_that_fails_in_the_middle_loses_nothing(filled: Database) -> None:
    before = await deltas(filled)
    assert before > 0
    with pytest.raises(ZeroDivisionError):
        await _fold_and_fail(filled)
    assert await deltas(filled) == before
    assert await counts(filled) == {}
    assert found_wrong(filled) == []


async def _fold_and_fail(database: Database) -> None:
    async with database.unit() as unit:
        assert await fold(unit) > 0
        raise ZeroDivisionError


async def test_of_two_who_fold_at_once_one_works(filled: Database) -> None:
    async with filled.unit() as first:
        assert await fold(first) > 0
        assert await fold_all(filled) == 0
    assert await deltas(filled) == 0
    assert found_wrong(filled) == []


async def test_much_is_folded_in_parts(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_AT_ONCE", 3)
    while await fold_all(filled):
        assert found_wrong(filled) == []
    assert await deltas(filled) == 0


async def test_messages_for_one_body_do_not_wait_for_each_other_or_for_a_fold(filled: Database) -> None:
    person = await author(filled)
    async with filled.unit() as slow, filled.unit() as folder:
        # A transaction of its own first, so that the message is written and not committed.
        await slow.execute(text("SELECT 1"))
        await slow.execute(text("UPDATE message SET status = 'PLANNED' WHERE status = 'ROUTED'"))
        assert await fold(folder) > 0
        async with asyncio.timeout(5), filled.unit() as other:
            assert await accept(other, new_message(person, fields_of()))
    assert found_wrong(filled) == []


async def test_a_storm_of_submits_is_counted_while_two_fold(filled: Database) -> None:
    person = await author(filled)
    stop = asyncio.Event()

    async def submit() -> None:
        for _ in range(20):
            async with filled.unit() as unit:
                assert await accept(unit, new_message(person, fields_of()))

    async def keep_folding() -> None:
        while not stop.is_set():
            await fold_all(filled)
            await asyncio.sleep(0.005)

    folders = [asyncio.create_task(keep_folding()) for _ in range(2)]
    await asyncio.gather(*(submit() for _ in range(4)))
    stop.set()
    await asyncio.gather(*folders)
    assert found_wrong(filled) == []
    await fold_all(filled)
    assert (await counts(filled))["status_routed"] == 82


async def test_a_rebuild_after_a_load_without_triggers_says_the_same(filled: Database) -> None:
    await fold_all(filled)
    kept = await counts(filled)
    with psycopg.connect(libpq_address(filled.url), autocommit=True) as connection:
        tables = ("cell", "organisation", "day", "open", "open_total", "week", "delta", "answered")
        for name in tables:
            connection.execute(f"DELETE FROM statistics_{name}".encode())
        assert not all(one.holds for one in verify(connection))
        rebuild(connection)
        assert all(one.holds for one in verify(connection))
    # The days of the answers are taken from the events, which were all written today: none is in time any more, or all are.
    assert sum(value for name, value in (await counts(filled)).items() if name.startswith("answered_")) == sum(
        value for name, value in kept.items() if name.startswith("answered_")
    )


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE statistics_cell SET status_routed = status_routed + 1", "statistics_cell"),
        ("UPDATE statistics_organisation SET answers = 77", "statistics_organisation"),
        ("DELETE FROM statistics_day", "statistics_day"),
        ("DELETE FROM statistics_open", "statistics_open"),
        ("UPDATE statistics_open_total SET deadline_on = deadline_on + 1", "statistics_open_total"),
        ("UPDATE statistics_week SET messages = NULL", "statistics_week"),
        ("DELETE FROM statistics_answered", "statistics_answered"),
        ("DELETE FROM organisation_above WHERE distance = 1", "organisation_above"),
        ("UPDATE territory_above SET distance = distance + 1", "territory_above"),
    ],
)
async def test_damage_is_found_and_mended(filled: Database, damage: str, check: str) -> None:
    await fold_all(filled)
    with psycopg.connect(libpq_address(filled.url), autocommit=True) as connection:
        connection.execute(damage.encode())
        broken = {one.check.name: one for one in verify(connection) if not one.holds}
        assert check in broken
        assert broken[check].examples
        assert "--mend" in broken[check].check.remedy
        mend(connection)
        assert [one.check.name for one in verify(connection) if not one.holds] == []


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        (
            "ALTER TABLE event DISABLE TRIGGER USER; DELETE FROM event WHERE to_status = 'RECEIVED'",
            "first_event",
        ),
        ("UPDATE delivery SET state = 'QUEUED' WHERE state = 'READY'", "delivery_head"),
        (
            """INSERT INTO delivery (id, message_id, organisation_code, purpose, position, state)
            SELECT gen_random_uuid(), message_id, organisation_code, 'WITHDRAW', 9, 'READY' FROM delivery LIMIT 1""",
            "delivery_head",
        ),
    ],
)
async def test_what_nobody_may_mend_is_found(filled: Database, damage: str, check: str) -> None:
    with psycopg.connect(libpq_address(filled.url), autocommit=True) as connection:
        for statement in damage.split("; "):
            connection.execute(statement.encode())
        assert [one.check.name for one in verify(connection) if not one.holds] == [check]


async def test_writers_go_on_while_everything_is_counted_anew(filled: Database) -> None:
    """What is written during a rebuild is counted once, after it."""
    person = await author(filled)
    with psycopg.connect(libpq_address(filled.url), autocommit=True) as connection:
        counting = asyncio.create_task(asyncio.to_thread(rebuild, connection))
        while not counting.done():
            async with filled.unit() as unit:
                assert await accept(unit, new_message(person, fields_of()))
            await asyncio.sleep(0)
        await counting
    assert found_wrong(filled) == []


async def test_a_moved_time_zone_moves_the_open_messages(filled: Database) -> None:
    await fold_all(filled)
    async with filled.unit() as unit:
        await unit.execute(text("UPDATE organisation SET timezone = 'Asia/Kamchatka' WHERE code = 'city-roads'"))
    assert found_wrong(filled) == []


async def test_the_read_models_cannot_be_written_under_a_lock_of_somebody_else(filled: Database) -> None:
    """A trigger must not touch a row that others write: an update of every folded row holds nobody up."""
    await fold_all(filled)
    async with filled.unit() as holder:
        await holder.execute(text("SELECT FROM statistics_cell FOR UPDATE"))
        await holder.execute(text("SELECT FROM statistics_day FOR UPDATE"))
        try:
            async with filled.unit() as unit:
                await unit.execute(text("SET LOCAL lock_timeout = '1s'"))
                await unit.execute(text("UPDATE message SET status = 'PLANNED' WHERE status = 'ROUTED'"))
        except DBAPIError as error:  # pragma: no cover - only when the promise is broken
            pytest.fail(f"a writer waited: {error.orig}")
    assert found_wrong(filled) == []


class Lives(RuleBasedStateMachine):
    """Random lives of messages, folded at random, compared with the recount after every step."""

    database: ClassVar[Database]
    runner: ClassVar[asyncio.Runner]
    messages: Bundle[UUID] = Bundle("messages")
    answers: Bundle[UUID] = Bundle("answers")
    moments = st.integers(0, 40).map(lambda days: NOW + timedelta(days=days, hours=days % 24))
    organisations = st.sampled_from(["city-roads", "housing-inspection", None])
    categories = st.sampled_from(["roads/pothole", "housing/roof", None])
    territories = st.sampled_from(["29000000", "29701000", None])

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(step)

    @initialize(target=messages)
    def begin(self) -> UUID:
        return self.run(send(self.database))  # type: ignore[no-any-return]

    @rule(target=messages, organisation=organisations, category=categories, territory=territories, at=moments)
    def send(self, organisation: str | None, category: str | None, territory: str | None, at: datetime) -> UUID:
        fields = {"organisation": organisation, "category": category, "territory": territory, "received_at": at}
        return self.run(send(self.database, **fields))  # type: ignore[no-any-return]

    @rule(message=messages, status=st.sampled_from(Status), at=moments)
    def move(self, message: UUID, status: Status, at: datetime) -> None:
        self.run(bring_to(self.database, message, status, at))

    @rule(message=messages, at=moments)
    def withdraw(self, message: UUID, at: datetime) -> None:
        self.run(withdraw(self.database, message, at))

    @rule(target=answers, message=messages, organisation=st.sampled_from(["city-roads", "housing-inspection"]))
    def answer(self, message: UUID, organisation: str) -> UUID:
        return self.run(answer(self.database, message, organisation, NOW))  # type: ignore[no-any-return]

    @rule(answer=consumes(answers), for_answer=st.integers(1, 5), for_solution=st.integers(1, 5))
    def judge(self, answer: UUID, for_answer: int, for_solution: int) -> None:
        self.run(judge(self.database, answer, for_answer, for_solution, NOW))

    @rule(message=messages, organisation=organisations)
    def reroute(self, message: UUID, organisation: str | None) -> None:
        self.run(refile(self.database, message, organisation_code=organisation))

    @rule(message=messages, category=categories, territory=territories)
    def refile(self, message: UUID, category: str | None, territory: str | None) -> None:
        self.run(refile(self.database, message, category_code=category, territory_code=territory))

    @rule()
    def fold(self) -> None:
        self.run(fold_all(self.database))

    @invariant()
    def the_models_say_what_the_messages_say(self) -> None:
        models = [one for one in found_wrong(self.database) if one.startswith("statistics")]
        assert models == []


def test_the_read_models_hold_through_any_life(database_url: str, config_folder: Path) -> None:
    with asyncio.Runner() as runner:
        Lives.runner, Lives.database = runner, Database(database_url)
        runner.run(write_reference_data(Lives.database, config_folder))
        run_state_machine_as_test(
            Lives,
            settings=settings(
                max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
        runner.run(Lives.database.close())
