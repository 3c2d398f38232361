"""An agency is left alone without a deploy, and a mended file works without a restart."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from agencies.reloading import ReloadingRegistry
from store import pauses
from tests.delivery.conftest import Agencies
from tests.delivery.installation import Installation, until

POTHOLE = "На улице Ленина яма глубиной 20 см."


async def is_delivered(installation: Installation, reference: str) -> bool:
    return bool((await installation.delivery(reference))["state"] == "DELIVERED")


async def turns_of_roads(installation: Installation) -> int:
    rows = await installation.rows("SELECT epoch FROM turn WHERE organisation_code = 'city-roads'")
    return int(rows[0]["epoch"])


async def test_what_is_sent_to_a_paused_agency_waits_and_goes_out_when_it_ends(
    installation: Installation, agencies: Agencies
) -> None:
    """Q42: the vendor asks to stop calling for a while."""
    async with installation.database.unit() as unit:
        await pauses.pause(unit, "city-roads", ("sending",), "their upgrade")
    reference = await installation.send(POTHOLE, "roads/pothole")
    async with installation.worker():
        before = await turns_of_roads(installation)

        async def a_turn_passed() -> bool:
            return await turns_of_roads(installation) > before + 1

        await until(a_turn_passed)
        assert not await is_delivered(installation, reference)
        assert await agencies.roads.operator.cases(external_id=reference) == []
        async with installation.database.unit() as unit:
            assert await pauses.resume(unit, "city-roads", pauses.DIRECTIONS) == ["sending"]
        await until(lambda: is_delivered(installation, reference))
    assert len(await agencies.roads.operator.cases(external_id=reference)) == 1


async def test_a_paused_feed_is_not_read_and_loses_nothing(installation: Installation, agencies: Agencies) -> None:
    reference = await installation.send(POTHOLE, "roads/pothole")

    async def is_in_progress() -> bool:
        return await installation.status(reference) == "IN_PROGRESS"

    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
        async with installation.database.unit() as unit:
            await pauses.pause(unit, "city-roads", ("reading",), "their upgrade")
        (case,) = await agencies.roads.operator.cases(external_id=reference)
        before = await turns_of_roads(installation)
        await agencies.roads.operator.move(case["id"], "2")
        other = await installation.send(POTHOLE, "roads/pothole")
        await until(lambda: is_delivered(installation, other))
        assert await turns_of_roads(installation) > before
        assert not await is_in_progress()
        async with installation.database.unit() as unit:
            await pauses.resume(unit, "city-roads", ("reading",))
        await until(is_in_progress)


@pytest.fixture
def own_config(config: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(config, tmp_path / "own"))


async def test_a_worker_goes_on_by_the_changed_file_and_by_the_last_good_one(
    installation: Installation, agencies: Agencies, own_config: Path
) -> None:
    registry = ReloadingRegistry(own_config, variables=agencies.variables)
    installation.registry = registry
    path = own_config / "agencies" / "city-roads.yaml"
    text = path.read_text()

    async def kind_of_a_new_case() -> str:
        reference = await installation.send(POTHOLE, "roads/unpaved")
        await until(lambda: is_delivered(installation, reference))
        (case,) = await agencies.roads.operator.cases(external_id=reference)
        return str(case["kind"])

    async with installation.worker():
        assert await kind_of_a_new_case() == "0412"
        path.write_text(text.replace('roads/unpaved: "0412"', 'roads/unpaved: "0418"'))
        assert await asyncio.to_thread(registry.refresh) == ("city-roads",)
        assert await kind_of_a_new_case() == "0418"
        path.write_text(text.replace("message.subject |", "message.subjct |"))
        assert await asyncio.to_thread(registry.refresh) == ()
        assert [fault.code for fault in registry.faults] == ["unknown-name"]
        assert await kind_of_a_new_case() == "0418"
