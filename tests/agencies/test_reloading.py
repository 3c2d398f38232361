"""Files are reloaded without a restart, and a broken one never takes its agency down."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest

from agencies.reloading import ReloadingRegistry
from agencies.rule_pages import EXAMPLES


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config"))


def write(path: Path, text: str) -> None:
    """As an editor does; the time of the file is other than before, however coarse the clock of the disk is."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_a_changed_file_works_from_the_next_look_on(config: Path) -> None:
    registry = ReloadingRegistry(config)
    kept = registry.agency("yards")
    path = config / "agencies" / "roads.yaml"
    write(path, path.read_text().replace("timeout: 20s", "timeout: 7s"))
    assert registry.refresh() == ("roads",)
    assert registry.agency("roads").file.connection.timeout == 7.0
    assert registry.agency("yards") is kept
    assert registry.refresh() == ()


def test_a_broken_file_leaves_the_last_good_version_and_is_told_once(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = ReloadingRegistry(config)
    good = registry.agency("roads")
    path = config / "agencies" / "roads.yaml"
    text = path.read_text()
    with caplog.at_level(logging.ERROR):
        write(path, text.replace("timeout: 20s", "timeout: soon"))
        assert registry.refresh() == ()
        assert registry.refresh() == ()
    assert registry.agency("roads") is good
    assert [fault.code for fault in registry.faults] == ["bad-duration"]
    assert [record.message for record in caplog.records if "goes on with" in record.message] == [
        "roads goes on with the last good version of roads.yaml"
    ]
    write(path, text)
    assert registry.refresh() == ("roads",)
    assert registry.faults == ()


def test_a_file_that_goes_away_leaves_its_agency_too(config: Path) -> None:
    registry = ReloadingRegistry(config)
    (config / "agencies" / "roads.yaml").unlink()
    registry.refresh()
    assert "roads" in registry.codes
    assert [fault.code for fault in registry.faults] == ["unreadable"]


def test_a_new_file_connects_an_agency(config: Path) -> None:
    path = config / "agencies" / "works.yaml"
    text = path.read_text()
    path.unlink()
    registry = ReloadingRegistry(config)
    assert "works" not in registry.codes
    path.write_text(text)
    assert registry.refresh() == ("works",)
    assert "works" in registry.codes


@pytest.mark.parametrize("name", ["systems/desk.yaml", "agencies/yards/openapi.yaml"])
def test_a_changed_profile_or_description_is_noticed(config: Path, name: str) -> None:
    registry = ReloadingRegistry(config)
    path = config / name
    write(path, path.read_text() + "\n")
    assert registry.refresh() == ("works" if "desk" in name else "yards",)


def test_an_agency_that_could_never_be_read_works_once_its_profile_is_mended(config: Path) -> None:
    profile = config / "systems" / "desk.yaml"
    text = profile.read_text()
    profile.write_text(text.replace("  version: 2\n", "  version: 3\n"))
    registry = ReloadingRegistry(config)
    assert "works" not in registry.codes
    write(profile, text)
    assert registry.refresh() == ("works",)
