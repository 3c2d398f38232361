"""Feeds that give everything once, and agencies that want to be told: whatever was read is on disk first (Q15)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from aiohttp import web
from sqlalchemy import func, update

from store.tables import TurnRow
from store.turns import LeaseLost
from store.unit import Database, libpq_address
from tests.delivery.listening import ASK, Works, change, gives, hub, page_of, poll

# Reading once, and telling the agency


ONCE = "hands_out_once: true"


async def test_q15_what_is_handed_out_once_is_on_disk_although_the_worker_dies_before_reading_it(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(ONCE)) as here:
        reference = await here.case("1")
        queue = [change("1", "work"), {"case": "1"}]
        works_agency.says["GET /changes"] = lambda _request, _body: page_of([queue.pop() for _ in list(queue)])
        await here.poll()
        # Nobody has read it yet: this is where a worker may be killed, and the next one finds it.
        assert queue == []
        await here.receive()
        assert await here.codes(reference) == ["work"]
        assert await here.held() == [("unreadable", "held", None)]


async def test_q15_a_reading_that_was_cut_off_is_made_good_by_asking_for_each_open_case(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(ONCE), ASK) as here:
        reference = await here.case("1")
        works_agency.says["GET /cases/1"] = lambda _request, _body: change("1", "work")
        works_agency.says["GET /changes"] = lambda _request, _body: web.Response(
            status=200, body=b"x", headers={"Content-Length": "9"}
        )
        task = asyncio.create_task(here.poll())
        await here_heard(works_agency, 1)
        # The process is gone while the answer is on its way.
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gives(works_agency)
        await here.listen()
        assert await here.codes(reference) == ["work"]
        assert [call for call in works_agency.heard if "/cases/1" in call] == ["GET /cases/1"]
        await here.listen()
        assert len([call for call in works_agency.heard if "/cases/1" in call]) == 1


async def here_heard(works_agency: Works, count: int) -> None:
    for _ in range(500):
        if len(works_agency.heard) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the agency was not called")


async def test_q15_without_a_question_a_cut_off_reading_is_an_alarm(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(ONCE)) as here:
        works_agency.says["GET /changes"] = lambda _request, _body: web.Response(status=500)
        await here.poll()
        gives(works_agency)
        await here.poll()
        assert "cut off" in str(await here.alarm())
        await here.poll()
        assert await here.alarm() is None


async def test_q15_an_unreadable_reply_that_does_not_come_again_is_kept_whole(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(ONCE)) as here:
        works_agency.says["GET /changes"] = lambda _request, _body: web.Response(text="<html>Wartung</html>")
        await here.poll()
        works_agency.says["GET /changes"] = lambda _request, _body: {"unheard": "of"}
        await here.poll()
        rows = await here.rows("SELECT state, reason, raw FROM inbox WHERE organisation_code = :code ORDER BY id")
        assert [(row["state"], bytes(row["raw"])) for row in rows] == [
            ("broken", b"<html>Wartung</html>"),
            ("broken", b'{"unheard": "of"}'),
        ]
        assert all(row["reason"] for row in rows)


async def test_q15_what_was_handed_out_to_a_holder_who_lost_the_turn_is_kept(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(ONCE)) as here:
        reference = await here.case("1")

        def hand_out(_request: web.Request, _body: bytes) -> object:
            with psycopg.connect(libpq_address(listening_database.url)) as connection:
                connection.execute("UPDATE turn SET epoch = epoch + 1 WHERE organisation_code = %s", [here.code])
            return page_of([change("1", "work")])

        works_agency.says["GET /changes"] = hand_out
        with pytest.raises(LeaseLost):
            await here.poll()
        async with listening_database.unit() as unit:
            await unit.execute(
                update(TurnRow)
                .where(TurnRow.organisation_code == here.code)
                .values(epoch=here.claim.epoch, lease_until=func.now())
            )
        await here.receive()
        assert await here.codes(reference) == ["work"]


@pytest.mark.parametrize(
    ("acknowledge", "calls"),
    [
        ("{request: POST /read, send: {upto: items.1.id}}", ['POST /read {"upto":2}']),
        ('{request: "DELETE /changes/{item.id}", for_each: item}', ["DELETE /changes/1", "DELETE /changes/2"]),
    ],
)
async def test_q15_the_agency_is_told_only_after_what_it_gave_is_on_disk(
    listening_database: Database, tmp_path: Path, works_agency: Works, acknowledge: str, calls: list[str]
) -> None:
    on_disk: list[int] = []

    def told(_request: web.Request, _body: bytes) -> object:
        with psycopg.connect(libpq_address(listening_database.url)) as connection:
            kept = "SELECT jsonb_array_length(items) FROM inbox WHERE organisation_code = %s"
            on_disk.extend(row[0] for row in connection.execute(kept, [here.code]))
        return {}

    async with hub(listening_database, tmp_path, works_agency, poll(f"acknowledge: {acknowledge}")) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "new", id=1), change("1", "work", "2026-03-02T11:01:00", id=2))
        works_agency.says |= {"POST /read": told, "DELETE /changes/1": told, "DELETE /changes/2": told}
        await here.listen()
        assert [call.replace(": ", ":") for call in works_agency.heard[1:]] == calls
        assert set(on_disk) == {2}
        assert await here.codes(reference) == ["new", "work"]


async def test_q15_what_could_not_be_acknowledged_comes_again_and_changes_nothing(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll("acknowledge: {request: POST /read}\npage_size: 1")
    ) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work"))
        works_agency.says["POST /read"] = lambda _request, _body: web.Response(status=503)
        await here.listen()
        works_agency.says["POST /read"] = lambda _request, _body: {}
        await here.listen()
        assert await here.codes(reference) == ["work"]
        # An agency that takes the acknowledgement and gives the same page again is not asked for ever.
        assert len(works_agency.heard) == 6
        assert "same page again" in str(await here.alarm())
