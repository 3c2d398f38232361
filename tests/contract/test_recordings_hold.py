"""Every recording beside an agency file still holds: the same request, and the reply means the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agencies.recordings import Bench, Replayed, replay

ROOT = Path(__file__).parent.parent.parent / "config" / "agencies"
RECORDED = sorted({path.parent.parent.name for path in ROOT.glob("*/recordings/*.yaml")})


def replayed(code: str) -> list[Replayed]:
    async def run() -> list[Replayed]:
        return [one async for one in replay(Bench(ROOT / f"{code}.yaml", "sandbox"))]

    return asyncio.run(run())


@pytest.mark.parametrize("code", RECORDED)
def test_the_recordings_of_an_agency_hold(code: str) -> None:
    found = replayed(code)
    assert len(found) >= 5
    assert [f"{one.path.name}: {problem}" for one in found for problem in one.problems] == []


def test_the_sample_agencies_are_recorded() -> None:
    assert {"city-roads", "housing-inspection"} <= set(RECORDED)
