"""`okno role`: granted by name, seen in a list, ended, and refused with a remedy."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from typer.testing import Result

from tests.cli.program import Gateway, okno


@pytest.fixture(autouse=True)
def _same_database(gateway: Gateway, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKNO_DATABASE_URL", database_url)


def _grant(subject: str, organisation: str) -> Result:
    return okno("role", "grant", "--subject", subject, "--role", "executor", "--organisation", organisation)


def test_a_role_is_granted_listed_and_ended_once() -> None:
    granted = _grant("boris", "city-roads")
    assert granted.exit_code == 0, granted.output
    grant_id, _, words = granted.stdout.partition("  ")
    assert words == "boris is executor at city-roads and below; reads: authors, messages, small cells\n"

    (line,) = (one for one in json.loads(okno("role", "list", "--json").stdout) if one["id"] == grant_id)
    assert (line["subject"], line["role"], line["organisation"], line["ends_at"]) == (
        "boris",
        "executor",
        "city-roads",
        None,
    )
    assert "city-roads" in okno("role", "list").stdout

    assert okno("role", "end", grant_id).exit_code == 0
    again = okno("role", "end", grant_id)
    assert again.exit_code == 1
    assert "okno role list" in again.stderr


def test_a_role_nowhere_and_an_end_of_nothing_are_refused_with_the_remedy() -> None:
    nowhere = _grant("boris", "no-such-body")
    assert (nowhere.exit_code, nowhere.stdout) == (1, "")
    assert "config/organisations.yaml" in nowhere.stderr
    assert okno("role", "end", str(uuid4())).exit_code == 1
    assert okno("role", "end", "first").exit_code == 2
    assert _grant("", "city-roads").exit_code == 2
