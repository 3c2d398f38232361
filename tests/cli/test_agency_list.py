"""`okno agency list`: what is connected, and every fault of the files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.program import okno


@pytest.fixture
def config(tmp_path: Path, config_folder: Path, home: Path) -> Path:
    """A copy of the house's configuration."""
    return Path(shutil.copytree(config_folder, tmp_path / "config"))


def test_both_sample_agencies_are_listed_with_what_they_receive(home: Path) -> None:
    document = json.loads(okno("agency", "list", "--json").stdout)
    by_code = {one["code"]: one for one in document["agencies"]}
    assert by_code["city-roads"]["protocol"] == "soap"
    assert by_code["housing-inspection"]["receives"] == ["housing/*", "yards/*"]
    assert document["faults"] == []


def test_the_table_shows_names_and_never_values_of_variables(home: Path) -> None:
    result = okno("agency", "list", COLUMNS="250", CITY_ROADS_ADDRESS="http://inside.example/soap")
    assert result.exit_code == 0
    assert "${CITY_ROADS_ADDRESS}" in result.stdout
    assert "inside.example" not in result.stdout


def test_variables_that_are_not_set_are_named(home: Path) -> None:
    document = json.loads(okno("agency", "list", "--json", CITY_ROADS_ADDRESS="x", CITY_ROADS_USER="y").stdout)
    roads = next(one for one in document["agencies"] if one["code"] == "city-roads")
    assert roads["unset_variables"] == ["CITY_ROADS_PASSWORD"]


def test_a_faulty_file_is_told_with_its_place_and_the_others_stay_listed(config: Path) -> None:
    file = config / "agencies" / "housing-inspection.yaml"
    file.write_text(file.read_text().replace("protocol: rest", "protocol: carrier-pigeon"))
    told = okno("agency", "list", OKNO_CONFIG=str(config), COLUMNS="250")
    assert told.exit_code == 1
    assert "housing-inspection.yaml:" in told.stderr
    assert "city-roads" in told.stdout
    document = json.loads(okno("agency", "list", "--json", OKNO_CONFIG=str(config)).stdout)
    assert [one["code"] for one in document["agencies"]] == ["city-roads"]
    assert document["faults"][0]["line"] > 1


def test_a_faulty_rubricator_is_told_without_a_traceback(config: Path) -> None:
    (config / "rubricator.yaml").write_text("version: [")
    result = okno("agency", "list", OKNO_CONFIG=str(config))
    assert result.exit_code == 1
    assert "rubricator.yaml:" in result.stderr
    assert "Traceback" not in result.output


def test_a_missing_config_folder_is_named_with_the_variable(home: Path, tmp_path: Path) -> None:
    result = okno("agency", "list", OKNO_CONFIG=str(tmp_path / "nowhere"))
    assert result.exit_code == 1
    assert "OKNO_CONFIG" in result.stderr
