"""Promises of the house that show at the ledger, each in a test named after it. The others are kept where they show:

P1, P4 `tests/simulation/test_kills.py`, P2, P10, P13 `tests/api/`, P12 `tests/domain/test_deadlines.py`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from store.inbox import keep_webhook
from store.messages import lock_own
from store.withdrawals import record_withdrawal
from tests.delivery.conftest import Agencies
from tests.delivery.installation import Installation, until
from tests.delivery.test_way_of_a_message import POTHOLE, ROOF, has_status, is_delivered, is_taken_back, the_case
from tests.delivery.test_what_goes_wrong import first_attempt_is_over, hurry


async def test_p3_every_message_is_at_rest_with_a_next_attempt_or_in_front_of_a_person(
    installation: Installation, agencies: Agencies
) -> None:
    await agencies.roads.operator.faults("busy", times=3, operation="CreateCase")
    for number in range(6):
        await installation.send(f"{POTHOLE} {number}", "roads/pothole")
    await installation.send("Бегает стая собак", "animals/stray")
    async with installation.worker():
        await asyncio.sleep(3)
    restless = await installation.rows(
        """
        SELECT state FROM delivery WHERE NOT (
            finished_at IS NOT NULL
            OR (state IN ('READY', 'LOOKING_UP') AND next_attempt_at IS NOT NULL)
            OR (state IN ('ON_DESK', 'WAITS_FOR_PERSON') AND owner IS NOT NULL AND waits_since IS NOT NULL)
        )
        """
    )
    assert restless == []


async def test_p5_a_withdrawal_waits_until_the_submission_before_it_is_settled(
    installation: Installation, agencies: Agencies
) -> None:
    await agencies.roads.operator.faults("busy", operation="CreateCase")
    reference = await installation.send(POTHOLE, "roads/pothole")
    async with installation.worker():
        await until(lambda: first_attempt_is_over(installation, reference))
        async with installation.database.unit() as unit:
            message = await lock_own(unit, installation.citizen, reference)
            assert message is not None
            await record_withdrawal(unit, message, datetime.now(UTC))
        assert (await installation.delivery(reference, "WITHDRAW"))["state"] == "QUEUED"
        await hurry(installation)
        await until(lambda: is_taken_back(installation, reference))
    case = await the_case(agencies.roads, reference)
    assert case["state"] == "7"
    assert await installation.status(reference) == "WITHDRAWN"


@pytest.mark.parametrize("statement", ["UPDATE event SET reason = 'x'", "DELETE FROM event", "TRUNCATE event CASCADE"])
async def test_p6_history_is_insert_only(installation: Installation, statement: str) -> None:
    await installation.send(POTHOLE, "roads/pothole")
    with pytest.raises(DBAPIError, match="insert-only"):
        async with installation.database.unit() as unit:
            await unit.execute(text(statement))
    assert (await installation.rows("SELECT count(*) AS n FROM event"))[0]["n"] == 2


async def test_p6_a_late_status_is_recorded_and_moves_nothing(installation: Installation, agencies: Agencies) -> None:
    reference = await installation.send(ROOF, "housing/roof")
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
        case = await the_case(agencies.housing, reference)
        await agencies.housing.operator.answer(case["id"], "Сделано.")
        await until(lambda: has_status(installation, reference, "ANSWERED"))
        late = f'{{"event_id": "late-1", "request_id": "{case["id"]}", "state": "in_work", "changed_at": "2026-01-01T00:00:00.000Z"}}'
        await webhook(installation, late.encode())
        await until(lambda: event_is_known(installation, "late-1"))
    assert await installation.status(reference) == "ANSWERED"
    event = await installation.rows("SELECT applied, reason FROM event WHERE event_key = 'late-1'")
    assert event == [{"applied": False, "reason": "no move leads from ANSWERED to IN_PROGRESS"}]


async def test_p8_a_webhook_seen_twice_changes_nothing_the_second_time(
    installation: Installation, agencies: Agencies
) -> None:
    reference = await installation.send(ROOF, "housing/roof")
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
        case = await the_case(agencies.housing, reference)
        body = f'{{"event_id": "twice-1", "request_id": "{case["id"]}", "state": "in_work", "changed_at": "2026-01-01T00:00:00.000Z"}}'
        await webhook(installation, body.encode())
        await webhook(installation, body.encode())
        await until(lambda: event_is_known(installation, "twice-1"))
        await until(lambda: inbox_is_read(installation))
    events = await installation.rows("SELECT count(*) AS n FROM event WHERE event_key = 'twice-1'")
    assert events == [{"n": 1}]


async def test_p8_an_unknown_code_is_held_and_never_guessed(installation: Installation, agencies: Agencies) -> None:
    reference = await installation.send(ROOF, "housing/roof")
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
        case = await the_case(agencies.housing, reference)
        odd = f'{{"event_id": "odd-1", "request_id": "{case["id"]}", "state": "teleported", "changed_at": "2026-01-01T00:00:00.000Z"}}'
        await webhook(installation, odd.encode())
        await webhook(installation, b"this is not JSON")
        await webhook(installation, odd.replace("odd-1", "bad-\\u0000").encode())
        await until(lambda: inbox_is_read(installation))
    held = await installation.rows("SELECT why, code FROM held_change WHERE state = 'held' ORDER BY id")
    assert {"why": "unknown_code", "code": "teleported"} in held
    assert {"why": "unreadable", "code": None} in held
    # A NUL, which no database can store, is read as U+FFFD: the item is held like its twin, not lost.
    assert held.count({"why": "unknown_code", "code": "teleported"}) == 2
    assert await installation.rows("SELECT 1 FROM inbox WHERE state = 'broken'") == []
    assert await installation.status(reference) in ("DELIVERED", "REGISTERED")


async def test_p8_a_change_that_is_faster_than_our_own_record_is_kept_until_the_case_is_ours(
    installation: Installation, agencies: Agencies
) -> None:
    count = (await agencies.housing.operator.counts())["cases"]
    expected = f"HI-2026-{count + 1:06}"
    early = f'{{"event_id": "early-1", "request_id": "{expected}", "state": "accepted", "changed_at": "2026-01-01T00:00:00.000Z"}}'
    await webhook(installation, early.encode())
    async with installation.worker():
        await until(lambda: inbox_is_read(installation))
        assert (await installation.rows("SELECT why FROM held_change WHERE event_key = 'early-1'")) == [
            {"why": "unknown_case"}
        ]
        reference = await installation.send(ROOF, "housing/roof")
        await until(lambda: is_delivered(installation, reference))
        await until(lambda: event_is_known(installation, "early-1"))
    assert (await the_case(agencies.housing, reference))["id"] == expected


async def webhook(installation: Installation, body: bytes) -> None:
    """A verified webhook of housing-inspection, as the door keeps it."""
    async with installation.database.unit() as unit:
        await keep_webhook(unit, "housing-inspection", body)


async def event_is_known(installation: Installation, key: str) -> bool:
    return bool(await installation.rows("SELECT 1 FROM event WHERE event_key = :key", key=key))


async def inbox_is_read(installation: Installation) -> bool:
    return not await installation.rows("SELECT 1 FROM inbox WHERE state = 'new'")
