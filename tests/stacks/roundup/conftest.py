"""A Roundup tracker for the tests of this folder, which run only where OKNO_TEST_ROUNDUP names a Python that has Roundup (`make test-real`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agencies.registry import Registry
from tests.stacks.serving import serving

HERE = Path(__file__).parent
PYTHON = os.environ.get("OKNO_TEST_ROUNDUP", "")
collect_ignore_glob = [] if PYTHON else ["test_*.py"]
PASSWORD, OFFICIALS_PASSWORD = "word-of-the-hub-1", "word-of-an-official-1"


@pytest.fixture(scope="session")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a fresh tracker."""
    folder = tmp_path_factory.mktemp("roundup")
    passwords = {"STACK_PASSWORD": PASSWORD, "STACK_OFFICIALS_PASSWORD": OFFICIALS_PASSWORD}
    with serving([PYTHON, str(HERE / "serve.py"), str(folder)], folder, folder / "stderr.log", passwords) as address:
        yield address


@pytest.fixture
def variables(tracker: str) -> dict[str, str]:
    """What the agency file asks for."""
    return {"APPEALS_DESK": tracker, "APPEALS_USER": "okno", "APPEALS_PASSWORD": PASSWORD}


@pytest.fixture
def config(config_folder: Path, tmp_path: Path, variables: dict[str, str]) -> Path:
    """The house's configuration with this agency alone, to which roads are routed."""
    folder = tmp_path / "config"
    shutil.copytree(config_folder, folder, ignore=shutil.ignore_patterns("agencies"))
    shutil.copytree(HERE / "agencies", folder / "agencies")
    organisations = folder / "organisations.yaml"
    names = "name: {ru: Стол обращений, en: Appeals desk}"
    lines = ["- code: appeals-desk", f"  {names}", "  kind: contractor", "  level: municipal", "  territory: 29701000"]
    added = "".join(f"  {line}\n" for line in [*lines, "  timezone: Europe/Moscow"])
    organisations.write_text(organisations.read_text() + added)
    routing = folder / "routing.yaml"
    routing.write_text(routing.read_text().replace("organisation: city-roads", "organisation: appeals-desk"))
    assert not Registry.load(folder, variables=variables).faults
    return folder
