"""Pausing and replaying an agency, against a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from store.unit import libpq_address
from tests.cli.program import okno


@pytest.fixture
def connection(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """The database of the commands, with one organisation whose turn is far away."""
    monkeypatch.setenv("OKNO_DATABASE_URL", database_url)
    with psycopg.connect(libpq_address(database_url), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO organisation (code, name_ru, name_en, kind, level, timezone)"
            " VALUES ('city-roads', 'Дороги', 'Roads', 'other', 'regional', 'Europe/Moscow')"
        )
        connection.execute(
            "INSERT INTO turn (organisation_code, due_at) VALUES ('city-roads', now() + interval '1 day')"
        )
        yield connection


def turn_is_due(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT due_at <= now() FROM turn").fetchone()
    assert row is not None
    return bool(row[0])


def test_a_pause_is_listed_with_its_reason_until_it_ends_and_then_the_turn_is_due(
    connection: psycopg.Connection,
) -> None:
    """Q42: the vendor asks to stop calling for a while."""
    assert "No agency is paused." in okno("agency", "pause").stdout
    paused = okno("agency", "pause", "city-roads", "--direction", "sending", "--reason", "their upgrade")
    assert paused.exit_code == 0
    assert "city-roads: sending paused since" in okno("agency", "pause").stdout
    assert "their upgrade" in okno("agency", "pause").stdout
    assert not turn_is_due(connection)
    assert "sending goes on" in okno("agency", "resume", "city-roads").stdout
    assert turn_is_due(connection)
    assert "is not paused" in okno("agency", "resume", "city-roads").stderr


def test_a_pause_without_a_reason_or_of_nobody_is_refused(connection: psycopg.Connection) -> None:
    assert "--reason" in okno("agency", "pause", "city-roads").stderr
    unknown = okno("agency", "pause", "nobody", "--reason", "x")
    assert (unknown.exit_code, "no organisation nobody" in unknown.stderr) == (1, True)


def test_a_replay_reads_again_what_came_since_and_a_dry_one_only_counts(connection: psycopg.Connection) -> None:
    for state, age in (("done", "1 hour"), ("broken", "1 hour"), ("done", "3 days"), ("new", "1 minute")):
        connection.execute(
            "INSERT INTO inbox (organisation_code, source, raw, state, received_at)"
            f" VALUES ('city-roads', 'webhook', '', '{state}', now() - interval '{age}')"
        )
    counted = okno("agency", "replay", "city-roads", "--since", "2h", "--dry-run")
    assert "0 from feeds and 2 from webhooks" in counted.stdout
    assert "1 of them could not be read" in counted.stdout
    assert not turn_is_due(connection)
    assert "2 bodies since" in okno("agency", "replay", "city-roads", "--since", "2h").stdout
    states = connection.execute("SELECT state, count(*) FROM inbox GROUP BY 1").fetchall()
    assert dict(states) == {"new": 3, "done": 1}
    assert turn_is_due(connection)
    assert (
        "1 bodies"
        in okno("agency", "replay", "city-roads", "--since", f"{datetime(2026, 1, 1, tzinfo=UTC):%Y-%m-%d}").stdout
    )


def test_a_time_that_is_none_is_told_with_a_right_one(connection: psycopg.Connection) -> None:
    assert "`2h`" in okno("agency", "replay", "city-roads", "--since", "yesterday").stderr
