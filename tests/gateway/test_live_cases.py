"""Asking agencies while somebody looks: bounded in time, gentle to the agency, and the same for many who look at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from agencies.registry import Registry
from connectors.http import open_session
from delivery.limits import Pace
from domain.outcome import OutcomeKind
from domain.status import Status
from gateway.live_cases import AWAY, CROWDED, UNREADABLE, AgencyCases, paused, slow
from gateway.settings import Limits
from schema.live_cases import CANNOT_BE_ASKED, Silence, StateNow
from tests.adapters.words import MESSAGE
from tests.fakes.serving import AgencyProcess, Operator

HOUSING, ROADS = "housing-inspection", "city-roads"
LIMITS = Limits(live_state_s=1.0, live_state_failures=3)


@dataclass
class Seconds:
    """A clock that a test moves."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Asking:
    """The housing inspection, and somebody who asks it."""

    process: AgencyProcess
    registry: Registry
    session: aiohttp.ClientSession
    cases: AgencyCases
    seconds: Seconds

    @property
    def operator(self) -> Operator:
        return self.process.operator

    async def case(self) -> str:
        """The number of a new case."""
        connector = self.registry.connector(HOUSING, self.session)
        adapter = self.registry.adapter(HOUSING)
        message = replace(MESSAGE, reference=str(uuid4()), category="housing/roof", received_at=datetime.now(UTC))
        outcome = adapter.read_submit(await connector.send(adapter.submit_call(message)))
        assert outcome.kind is OutcomeKind.ACCEPTED
        return str(outcome.case_id)

    async def ask(self, case_id: str) -> StateNow | Silence:
        return await self.cases.ask(HOUSING, case_id)

    async def faults_left(self) -> int:
        """How many calls a fault that was switched on has still to spoil."""
        return sum(one["times"] for one in (await self.operator.call("GET", "faults"))["faults"])


@pytest.fixture(scope="module")
async def housing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess("tests.fakes.housing_inspection").start(tmp_path_factory.mktemp("housing"))
    yield process
    await process.stop()


@pytest.fixture
def registry(housing: AgencyProcess, config_folder: Path) -> Registry:
    variables = {
        "HOUSING_ADDRESS": housing.address,
        "HOUSING_CLIENT_ID": "okno",
        "HOUSING_CLIENT_SECRET": "housing-secret",
        "HOUSING_WEBHOOK_SECRET": "webhook-secret",
    }
    return Registry.load(config_folder, variables=variables)


@pytest.fixture
async def asking(housing: AgencyProcess, registry: Registry) -> AsyncIterator[Asking]:
    async with open_session() as session:
        seconds = Seconds()
        cases = AgencyCases(registry, session, LIMITS, lambda: datetime.now(UTC), monotonic=seconds)
        asking = Asking(housing, registry, session, cases, seconds)
        # The login and the first connection are not what these tests measure.
        await asking.ask(await asking.case())
        yield asking
        await cases.close()
        await housing.operator.clear_faults()


async def test_many_who_look_at_one_case_put_one_question(asking: Asking) -> None:
    case = await asking.case()
    await asking.operator.faults("html", times=5, operation="readRequest")
    said = await asyncio.gather(*(asking.ask(case) for _ in range(20)))
    assert {one.why for one in said if isinstance(one, Silence)} == {UNREADABLE}
    assert await asking.faults_left() == 4


async def test_a_state_is_good_for_half_a_minute_and_a_failure_is_not_kept(asking: Asking) -> None:
    case = await asking.case()
    await asking.operator.faults("html", operation="readRequest")
    assert isinstance(await asking.ask(case), Silence)
    first = await asking.ask(case)
    assert isinstance(first, StateNow)
    await asking.operator.move(case, "accepted")
    asking.seconds.now += LIMITS.live_state_fresh_s - 1
    assert await asking.ask(case) == first
    asking.seconds.now += 2
    later = await asking.ask(case)
    assert isinstance(later, StateNow)
    assert (first.status, later.status) == (Status.REGISTERED, Status.IN_PROGRESS)


async def test_an_agency_that_fails_again_and_again_is_left_alone_and_then_tried_by_one(
    asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    case, other = await asking.case(), await asking.case()
    await asking.operator.faults("error_500", times=10, operation="readRequest")
    with caplog.at_level(logging.INFO, "gateway.live_cases"):
        for _ in range(3):
            assert isinstance(await asking.ask(case), Silence)
        assert await asking.ask(case) == Silence(paused(60.0))
        assert await asking.faults_left() == 7
        asking.seconds.now += LIMITS.live_state_pause_s
        said = await asyncio.gather(asking.ask(case), asking.ask(other))
        assert await asking.faults_left() == 6
        assert Silence(paused(60.0)) in said
        await asking.operator.clear_faults()
        asking.seconds.now += LIMITS.live_state_pause_s
        assert isinstance(await asking.ask(case), StateNow)
        assert isinstance(await asking.ask(other), StateNow)
    assert [(record.levelname, record.getMessage().split(":")[0]) for record in caplog.records] == [
        ("WARNING", "housing-inspection is not asked about cases for 60 s"),
        ("INFO", "housing-inspection answers questions about cases again"),
    ]


async def test_a_case_the_agency_does_not_know_says_nothing_of_its_health(asking: Asking) -> None:
    for number in range(LIMITS.live_state_failures + 1):
        said = await asking.ask(f"HI-2026-99999{number}")
        assert isinstance(said, Silence)
        assert said.why == UNREADABLE


@pytest.mark.parametrize(
    ("kind", "why"),
    [("garbage", UNREADABLE), ("half", UNREADABLE), ("huge", None), ("gzip_bomb", None), ("lost_reply", AWAY),
     ("slow", slow(1.0)), ("silence", slow(1.0)), ("busy", AWAY), ("error_500", AWAY), ("ok_with_error", UNREADABLE), ("refuse_login", AWAY)],
)  # fmt: skip
async def test_nothing_an_agency_does_is_an_error_or_takes_longer_than_the_deadline(
    asking: Asking, kind: str, why: object
) -> None:
    case = await asking.case()
    await asking.operator.faults(kind, times=9, operation="readRequest")
    began = time.monotonic()
    said = await asking.ask(case)
    assert time.monotonic() - began < LIMITS.live_state_s + 1.0
    assert isinstance(said, Silence)
    # How much of a flood arrives in time depends on the machine.
    assert said.why == why if why is not None else said.why in (UNREADABLE, slow(1.0))
    assert said.asked_at is not None


async def test_no_more_calls_are_under_way_than_the_file_allows(asking: Asking) -> None:
    # The silence lasts longer than the deadline, so those who find no place never get one; the file says four at once.
    cases = [await asking.case() for _ in range(6)]
    await asking.operator.faults("silence", times=50, operation="readRequest")
    said = await asyncio.gather(*(asking.ask(one) for one in cases))
    assert [one.why for one in said if isinstance(one, Silence)].count(CROWDED) == 2
    assert await asking.faults_left() == 46


async def test_a_rate_that_leaves_no_room_is_told_at_once_and_takes_no_turn() -> None:
    pace = Pace(per_minute=60, at_once=1)
    assert await pace.wait(0.5)
    assert [await pace.wait(0.5) for _ in range(3)] == [False, False, False]
    began = time.monotonic()
    assert await pace.wait(3.0)
    assert time.monotonic() - began < 1.5


async def test_somebody_who_gives_up_does_not_take_the_answer_from_the_others(asking: Asking) -> None:
    case = await asking.case()
    await asking.operator.faults("slow", operation="readRequest", seconds=0.003)
    impatient, patient = asyncio.create_task(asking.ask(case)), asyncio.create_task(asking.ask(case))
    await asyncio.sleep(0.05)
    impatient.cancel()
    assert isinstance(await patient, StateNow)


async def test_who_is_not_connected_or_lacks_its_secrets_cannot_be_asked(asking: Asking) -> None:
    for code in ("nobody-knows-this", ROADS):
        assert await asking.cases.ask(code, "CR-000001") == Silence(CANNOT_BE_ASKED)
