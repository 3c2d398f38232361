"""`okno agency probe`, `record` and `test` against the sample agencies as real processes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.program import okno
from tests.fakes.serving import AgencyProcess

CREDENTIALS = {
    "CITY_ROADS_USER": "okno",
    "CITY_ROADS_PASSWORD": "roads-secret",
    "HOUSING_CLIENT_ID": "okno",
    "HOUSING_CLIENT_SECRET": "housing-secret",
    "HOUSING_WEBHOOK_SECRET": "webhook-secret",
}


@pytest.fixture
def config(tmp_path: Path, config_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(config_folder, tmp_path / "config"))
    monkeypatch.setenv("OKNO_CONFIG", str(folder))
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture(params=["city-roads", "housing-inspection"])
async def code(
    request: pytest.FixtureRequest, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A sample agency that runs, by its code."""
    named: str = request.param
    process = await AgencyProcess(f"tests.fakes.{named.replace('-', '_')}").start(tmp_path / "agency")
    monkeypatch.setenv("CITY_ROADS_ADDRESS" if named == "city-roads" else "HOUSING_ADDRESS", process.address)
    yield named
    await process.stop()


async def test_a_sandbox_is_probed_recorded_and_its_recordings_hold_without_it(
    code: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = await asyncio.to_thread(okno, "agency", "record", code, "--writes")
    assert recorded.exit_code == 0, recorded.output
    said = dict(line.split(": ", 1) for line in recorded.stdout.splitlines())
    assert said["submit ordinary"].startswith("accepted ")
    assert said["submit repeated"].startswith("already_there ")
    assert said["submit strange-signs"].startswith("accepted ")
    assert said["look_up not-found"].startswith("not found")
    assert said["look_up found"].startswith("found ")
    probed = await asyncio.to_thread(okno, "agency", "probe", code, COLUMNS="200")
    assert probed.exit_code == 0, probed.output
    assert "they let us in" in probed.stdout
    kept = "".join(path.read_text() for path in (config / "agencies" / code / "recordings").glob("*.yaml"))
    assert not any(secret in kept for secret in ("roads-secret", "housing-secret", "webhook-secret", "127.0.0.1"))
    # The sandbox is gone: its recordings do not need it.
    monkeypatch.setenv("CITY_ROADS_ADDRESS", "http://nobody.invalid")
    monkeypatch.setenv("HOUSING_ADDRESS", "http://nobody.invalid")
    replayed = await asyncio.to_thread(okno, "agency", "test", code)
    assert replayed.exit_code == 0, replayed.stdout
    path = config / "agencies" / f"{code}.yaml"
    path.write_text(
        path.read_text().replace("| shorten(200)", "| shorten(20)").replace("| shorten(120)", "| shorten(20)")
    )
    changed = await asyncio.to_thread(okno, "agency", "test", code)
    assert changed.exit_code == 1
    assert "the request is other than recorded" in changed.stdout


async def test_with_a_wrong_password_the_probe_says_what_to_check(
    code: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITY_ROADS_PASSWORD", "wrong")
    monkeypatch.setenv("HOUSING_CLIENT_SECRET", "wrong")
    probed = await asyncio.to_thread(okno, "agency", "probe", code, COLUMNS="200")
    assert probed.exit_code == 1
    assert "wrong" not in probed.stdout.replace("wrong form", "")


def test_in_production_no_case_is_made(config: Path) -> None:
    result = okno("agency", "record", "city-roads", "--writes", OKNO_MODE="production")
    assert (result.exit_code, "production mode" in result.stderr) == (1, True)
