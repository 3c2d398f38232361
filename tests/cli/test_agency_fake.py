"""`okno agency fake`: a stand-in that starts from the command line, says where it is and what to set, and ends when it is told to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.home import PROJECT
from tests.cli.program import PROGRAM, okno


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    unset = {name: value for name, value in os.environ.items() if not name.startswith("CITY_ROADS")}
    return {**unset, "OKNO_HOME": str(tmp_path), "OKNO_CONFIG": str(PROJECT / "config"), "CITY_ROADS_USER": "anna"}


@contextlib.contextmanager
def _started(environment: dict[str, str], *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The child and the four lines it says when it listens."""
    command = [*PROGRAM, "agency", "fake", *arguments]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, [process.stdout.readline().strip() for _ in range(4)]
        finally:
            process.send_signal(signal.SIGINT)


def test_it_says_where_it_is_and_what_to_set_and_ends_when_told(environment: dict[str, str]) -> None:
    with _started(environment, "city-roads", "--fault", "lost_reply:2") as (process, said):
        address, knobs = said[0].removeprefix("city-roads: "), said[1].removeprefix("knobs: ")
        assert said[2:] == [
            f"export CITY_ROADS_ADDRESS={address}",
            # The user is set already, and what is set is never shown.
            "export CITY_ROADS_PASSWORD=stand-in-city-roads-password",
        ]
        with urllib.request.urlopen(f"{knobs}/faults", timeout=10) as reply:
            (fault,) = json.load(reply)["faults"]
        assert (fault["name"], fault["times"]) == ("lost_reply", 2)
        with urllib.request.urlopen(f"{knobs}/", timeout=10) as reply:
            assert "submit" in json.load(reply)["steps"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("city-roads", "--fault", "nonsense"), "there is no fault `nonsense`"),
        (("city-roads", "--fault", "lost_reply:often"), "write NAME or NAME:TIMES"),
        (("city-roads", "--webhook", "http://127.0.0.1:1/"), "no `status.webhook`"),
        (("no-such-agency",), "There is no agency no-such-agency"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    environment: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    done = okno("agency", "fake", *arguments, **environment)
    assert done.exit_code == 1
    assert words in done.output
