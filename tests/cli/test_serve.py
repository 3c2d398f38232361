"""Long-running commands that cannot start say why, and what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from store.home import PROJECT
from tests.cli.program import PROGRAM

NOBODY = "postgresql://okno@127.0.0.1:1/okno"


def failed(command: list[str], home: Path, **environment: str) -> str:
    """What a command that cannot start says; without a traceback and with exit code 1."""
    told = subprocess.run(
        [*PROGRAM, *command],
        cwd=PROJECT,
        env={**os.environ, "OKNO_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert told.returncode == 1, told.stderr
    assert "Traceback" not in told.stderr
    assert told.stdout == ""
    return told.stderr


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["work"], ["migrate"]], ids=lambda one: one[0])
def test_a_database_that_is_down_is_told_with_its_variable(home: Path, command: list[str]) -> None:
    assert "OKNO_DATABASE_URL" in failed(command, home, OKNO_DATABASE_URL=NOBODY)


def test_a_port_in_use_is_told_with_another_way(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failed(["serve", "--port", str(port)], home, OKNO_DATABASE_URL=NOBODY)
    assert f"Port {port}" in said
    assert "--port" in said


def test_settings_that_make_no_sense_are_all_named(home: Path) -> None:
    said = failed(["serve"], home, OKNO_MODE="production")
    assert "OKNO_TOKEN_ISSUER" in said
    assert "OKNO_TOKEN_KEYS" in said


def test_a_trusted_document_that_does_not_fit_the_schema_is_named_before_anything_starts(
    home: Path, tmp_path: Path
) -> None:
    table = tmp_path / "table.json"
    table.write_text('{"sha256:00": "{ nothing }"}')
    said = failed(["serve", "--port", "0"], home, OKNO_TRUSTED_DOCUMENTS=str(table), OKNO_DATABASE_URL=NOBODY)
    assert f"{table}: sha256:00: is not the SHA-256 of its text" in said


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["work"]], ids=lambda one: one[0])
def test_faulty_reference_data_is_told_with_its_place(
    home: Path, config_folder: Path, tmp_path: Path, command: list[str]
) -> None:
    config = Path(shutil.copytree(config_folder, tmp_path / "config"))
    (config / "rubricator.yaml").write_text("version: [")
    assert "rubricator.yaml:" in failed(command, home, OKNO_CONFIG=str(config), OKNO_DATABASE_URL=NOBODY)
