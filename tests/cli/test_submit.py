"""`okno submit` and `okno serve` together, over real HTTP."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.program import Gateway, okno

TABLE = "text,category,territory\nЯма на дороге,roads/pothole,29701000\nСовсем не горит фонарь,roads/nothing,\nЯма на дороге,roads/pothole,29701000\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "messages.csv"
    path.write_text(TABLE)
    return path


def test_rows_are_sent_once_and_a_bad_one_is_told_by_its_line(gateway: Gateway, table: Path) -> None:
    token = okno("token", "--subject", "anna").stdout.strip()
    arguments: list[str | Path] = ["submit", "--from", table, "--url", gateway.url, "--json"]
    first = okno(*arguments, OKNO_TOKEN=token)
    assert (first.exit_code, first.stdout[:1]) == (1, "{"), first.output
    document = json.loads(first.stdout)
    (rejected,) = document["rejected"]
    assert (rejected["line"], rejected["code"], rejected["field"]) == (3, "CATEGORY_UNKNOWN", "category")
    references = [one["reference"] for one in document["accepted"]]
    assert [one["line"] for one in document["accepted"]] == [2, 4]
    assert len(set(references)) == 2
    assert document["accepted"][0]["organisation"] == "city-roads"

    table.write_text(TABLE.replace("roads/nothing", "roads/lighting"))
    mended = okno(*arguments, OKNO_TOKEN=token)
    assert mended.exit_code == 0
    assert [one["reference"] for one in json.loads(mended.stdout)["accepted"] if one["line"] != 3] == references

    plain = okno(*[one for one in arguments if one != "--json"], OKNO_TOKEN=token)
    assert plain.stdout == "3 rows: 3 accepted, 0 not.\n"
    assert "фонарь" not in gateway.log.read_text()


def test_a_forged_token_ends_everything_with_the_remedy(gateway: Gateway, table: Path) -> None:
    result = okno("submit", "--from", table, "--url", gateway.url, "--token", "a.b.c")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "okno token" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_path_of_the_endpoint_is_told(gateway: Gateway, table: Path) -> None:
    result = okno("submit", "--from", table, "--url", gateway.url + "s", "--token", "x")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr


def test_nobody_at_the_address_is_told_with_what_was_sent(home: Path, table: Path) -> None:
    result = okno("submit", "--from", table, "--url", "http://127.0.0.1:1/graphql", "--token", "x")
    assert result.exit_code == 1
    assert "okno serve" in result.stderr
    assert "0 of 3 rows were sent" in result.stderr


def test_a_missing_token_is_told_before_anything_is_sent(home: Path, table: Path) -> None:
    result = okno("submit", "--from", table)
    assert result.exit_code == 1
    assert "OKNO_TOKEN" in result.stderr


def test_a_missing_column_is_told_without_a_traceback(home: Path, table: Path) -> None:
    table.write_text("message\nЯма\n")
    result = okno("submit", "--from", table, "--token", "x")
    assert result.exit_code == 1
    assert "column `text`" in result.stderr


def test_a_gateway_that_is_asked_to_stop_stops(gateway: Gateway) -> None:
    gateway.process.send_signal(signal.SIGTERM)
    gateway.process.wait(15)
