"""Real kills: each process of the house dies by SIGKILL while messages flow; counted at the agencies' own side, nothing is lost or made twice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.delivery.installation import hurried_config
from tests.fakes.serving import AgencyProcess
from tests.simulation.house import House, house

SUBMIT = """
mutation Submit($input: SubmitMessageInput!) {
  submitMessage(input: $input) { message { reference } errors { ... on UserError { code } } }
}
"""
STATUS = (
    "query Status($reference: String!) { message(reference: $reference) { status answers { text } cases { caseId } } }"
)
MESSAGES = 60


@pytest.fixture(scope="module")
def config(config_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hurried_config(config_folder, tmp_path_factory.mktemp("hurried") / "config")


async def kill_worker(one: House) -> None:
    await one.worker.end(signal.SIGKILL)
    await one.worker.start()


async def kill_gateway(one: House) -> None:
    await one.gateway.end(signal.SIGKILL)
    await one.gateway.start()


async def kill_roads(one: House) -> None:
    await one.roads.kill()
    await one.roads.restart()


async def kill_housing(one: House) -> None:
    await one.housing.kill()
    await one.housing.restart()


async def kill_database(one: House) -> None:
    one.kill_database()


@pytest.mark.parametrize(
    "kill", [kill_worker, kill_gateway, kill_roads, kill_housing, kill_database], ids=lambda kill: str(kill.__name__)
)
async def test_a_process_is_killed_while_messages_flow_and_nothing_is_lost_or_doubled(
    tmp_path: Path, config: Path, kill: Callable[[House], Awaitable[None]]
) -> None:
    async with house(tmp_path, config) as one:
        references: list[str] = []

        async def citizen(number: int) -> None:
            category = "roads/pothole" if number % 2 else "housing/roof"
            form = {"idempotencyKey": str(uuid4()), "text": f"Сообщение {number}: яма у дома", "category": category}
            answer = await one.insist(SUBMIT, input=form)
            assert answer["submitMessage"]["errors"] == []
            references.append(answer["submitMessage"]["message"]["reference"])

        async def citizens() -> None:
            for number in range(MESSAGES):
                await citizen(number)
                await asyncio.sleep(0.03)

        async with asyncio.TaskGroup() as group:
            group.create_task(citizens())
            await asyncio.sleep(1.0)
            await kill(one)
            await asyncio.sleep(1.0)
            await kill(one)
        assert len(set(references)) == MESSAGES
        await arrive(one, references)
        await answers_come_home(one, references)


async def arrive(one: House, references: list[str]) -> None:
    """Every message has exactly one case at exactly one agency."""
    ends_at = time.monotonic() + 90
    while True:
        held = await held_by(one.roads) + await held_by(one.housing)
        if set(references) <= set(held) or time.monotonic() > ends_at:
            break
        await asyncio.sleep(0.5)
    assert sorted(set(references) - set(held)) == [], "lost"
    assert sorted(reference for reference in set(held) if held.count(reference) > 1) == [], "made twice"
    assert sorted(set(held) - set(references)) == [], "a case nobody was given a number for"


async def held_by(agency: AgencyProcess) -> list[str]:
    return [case["external_id"] for case in await agency.operator.cases()]


async def answers_come_home(one: House, references: list[str]) -> None:
    await one.roads.operator.answer_all("Сделано.")
    await one.housing.operator.answer_all("Сделано.")
    async with asyncio.timeout(90):
        for reference in references:
            while True:
                message = (await one.insist(STATUS, reference=reference))["message"]
                if message["status"] == "ANSWERED":
                    break
                await asyncio.sleep(0.2)
            assert [answer["text"] for answer in message["answers"]] == ["Сделано."]
            assert len(message["cases"]) == 1
