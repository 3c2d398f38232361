"""An installation of a test's own, and a gateway in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Gateway, started_gateway


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """OKNO_HOME of the test; no other variable of ours is set."""
    for name in list(os.environ):
        if name.startswith("OKNO_") and name != "OKNO_TEST_DATABASE_URL":
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("OKNO_HOME", str(folder))
    return folder


@pytest.fixture
def gateway(home: Path, database_url: str) -> Iterator[Gateway]:
    """`okno serve` on a fresh database."""
    with started_gateway(home, database_url) as running:
        yield running
