"""`okno verify`: says that all is well, or what is not and what to do; and mends it."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from store.unit import libpq_address
from tests.cli.program import okno


def test_damage_ends_with_one_names_the_remedy_and_is_mended(
    home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKNO_DATABASE_URL", database_url)
    sound = okno("verify")
    assert sound.exit_code == 0, sound.output
    assert "statistics_day" in sound.stdout

    with psycopg.connect(libpq_address(database_url)) as connection:
        connection.execute("INSERT INTO statistics_day (day, messages) VALUES ('2026-11-20', 3)")
    damaged = okno("verify")
    assert damaged.exit_code == 1
    assert "messages is 3, counted 0" in damaged.stdout
    assert "okno verify --mend" in damaged.stdout
    found = {one["check"]: one for one in json.loads(okno("verify", "--json").stdout)}
    assert found["statistics_day"]["differences"] == 1
    assert "--mend" in found["statistics_day"]["remedy"]
    assert found["statistics_cell"] | {"promise": ""} == {
        "check": "statistics_cell",
        "promise": "",
        "differences": 0,
        "examples": [],
        "remedy": None,
    }

    assert okno("verify", "--mend").exit_code == 0
    assert okno("verify").exit_code == 0
