"""Every command explains itself, its exit codes included."""

from __future__ import annotations

import pytest

from tests.cli.program import okno

COMMANDS = [
    ["serve"],
    ["work"],
    ["demo"],
    ["token"],
    ["submit"],
    ["migrate"],
    ["agency", "list"],
    ["agency", "new"],
    ["agency", "check"],
    ["agency", "explain"],
    ["agency", "dry-run"],
    ["agency", "probe"],
    ["agency", "record"],
    ["agency", "test"],
    ["agency", "docs"],
    ["agency", "grade"],
    ["agency", "show"],
    ["agency", "pause"],
    ["agency", "resume"],
    ["agency", "replay"],
    ["agency", "reference"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_commands_help_names_its_exit_codes(command: list[str]) -> None:
    result = okno(*command, "--help")
    assert result.exit_code == 0
    assert "Exit codes: 0 all went well" in " ".join(result.stdout.split())


def test_the_programs_help_lists_every_command() -> None:
    said = okno("--help").stdout
    assert all(command[0] in said for command in COMMANDS)


def test_every_option_is_described() -> None:
    for command in COMMANDS:
        for line in okno(*command, "--help", COLUMNS="200").stdout.splitlines():
            if line.startswith("│") and "--" in line:
                words = line.strip("│ ").split("  ")
                assert len(words[-1].split()) > 2, line
