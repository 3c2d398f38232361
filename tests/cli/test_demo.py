"""The demo itself, as a person starts it: the whole spine with every process real."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from cli.demo.samples import load_samples
from store.home import PROJECT
from tests.cli.program import PROGRAM, okno


def row(summary: str, name: str) -> int:
    found = re.search(rf"│ {re.escape(name)} +│ +(\d+) │", summary)
    assert found is not None, summary
    return int(found[1])


def children_of(folder: Path) -> list[psutil.Process]:
    """Every process that was started in the demo's folder and still runs, the database's included."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (
                process.environ().get("OKNO_HOME") == str(folder) or str(folder) in " ".join(process.cmdline())
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(420)
def test_one_run_loses_nothing_makes_nothing_twice_and_leaves_nothing_behind(home: Path) -> None:
    told = subprocess.run(
        [*PROGRAM, "demo", "--once", "--home", str(home)], cwd=PROJECT, capture_output=True, text=True, timeout=400
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert row(told.stdout, "messages in") == len(load_samples())
    assert row(told.stdout, "cases made (counted at the agencies)") == 11
    assert row(told.stdout, "answers back") == sum(one.answer is not None for one in load_samples())
    assert row(told.stdout, "withdrawn") == 1
    assert row(told.stdout, "duplicates") == row(told.stdout, "lost") == 0
    ends_at = time.monotonic() + 30
    while children_of(home) and time.monotonic() < ends_at:
        time.sleep(0.2)  # the database stops by itself after its last user
    assert children_of(home) == []
    logs = "".join(path.read_text() for path in (home / "logs").iterdir())
    assert not any(sample.text.split()[2] in logs for sample in load_samples())


@pytest.mark.timeout(180)
def test_an_interrupted_demo_stops_everything_it_started(home: Path) -> None:
    demo = subprocess.Popen(
        [*PROGRAM, "demo", "--home", str(home)], cwd=PROJECT, env=os.environ, stdout=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    with demo.stdout:
        for line in demo.stdout:
            if line.startswith("Running"):
                break
        assert len(children_of(home)) >= 5
        second = okno("demo", "--home", home)
        assert second.exit_code == 1
        assert "Another demo runs" in second.stderr
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
    assert demo.wait(60) == 130
    ends_at = time.monotonic() + 30
    while children_of(home) and time.monotonic() < ends_at:
        time.sleep(0.2)
    assert children_of(home) == []


def test_a_csv_belongs_to_one_run_only(home: Path, tmp_path: Path) -> None:
    result = okno("demo", "--input", tmp_path / "messages.csv")
    assert result.exit_code == 1
    assert "--once" in result.stderr
