"""`okno schema check`: what breaks a frontend is told before it is deployed, with the place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import schema as command
from schema.export import schema_text
from tests.cli.program import okno


@pytest.fixture(autouse=True)
def current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A schema file that is the code's; the text of it."""
    text = schema_text()
    path = tmp_path / "schema.graphql"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(command, "SCHEMA_FILE", path)
    return text


def _older(tmp_path: Path, text: str, part: str, older: str) -> Path:
    assert part in text
    path = tmp_path / "older.graphql"
    path.write_text(text.replace(part, older, 1), encoding="utf-8")
    return path


def test_nothing_to_say_about_a_schema_that_did_not_change(tmp_path: Path, current: str) -> None:
    told = okno("schema", "check", "--against", tmp_path / "schema.graphql")
    assert told.exit_code == 0, told.output
    assert told.stdout == "0 errors, 0 warnings, 0 notes\n"


def test_a_break_of_a_document_of_the_portal_fails_with_its_line(tmp_path: Path, current: str) -> None:
    older = _older(tmp_path, current, "  statusSince: DateTime!", "  statusSince: DateTime!\n\n  since: DateTime!")
    document = tmp_path / "mine.graphql"
    document.write_text("query Mine($r: String!) {\n  message(reference: $r) {\n    since\n  }\n}\n")
    told = okno("schema", "check", "--documents", document, "--against", older)
    assert told.exit_code == 1
    assert f"{document}:3: error: Field Message.since was removed. Keep the old beside the new" in told.stdout
    assert f"{document}:3: error: Cannot query field 'since' on type 'Message'" in told.stdout


def test_a_break_of_no_document_is_a_note_and_passes(tmp_path: Path, current: str) -> None:
    older = _older(tmp_path, current, "  statusSince: DateTime!", "  statusSince: DateTime!\n\n  since: DateTime!")
    told = okno("schema", "check", "--against", older)
    assert told.exit_code == 0, told.output
    assert "note: Field Message.since was removed. It breaks no document we know of." in told.stdout


def test_a_schema_file_that_is_not_the_codes_fails(tmp_path: Path) -> None:
    command.SCHEMA_FILE.write_text("type Query { a: Int }\n")
    told = okno("schema", "check", "--against", command.SCHEMA_FILE, "--documents", command.OPERATIONS)
    assert told.exit_code == 1
    assert "schema.graphql:1: error: it is not the schema of the code any more" in told.stdout


@pytest.mark.parametrize("name", ["no-such-revision", "--output=x"])
def test_something_that_is_no_schema_is_told_with_the_option(name: str) -> None:
    told = okno("schema", "check", f"--against={name}")
    assert told.exit_code == 1
    assert "--against" in told.stderr
    assert name in told.stderr


def test_documents_that_are_not_there_are_told(tmp_path: Path) -> None:
    told = okno("schema", "check", "--documents", tmp_path / "none.graphql")
    assert told.exit_code == 1
    assert "none.graphql: cannot be read" in told.stderr


def test_without_a_history_the_comparison_is_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PROJECT", tmp_path)
    told = okno("schema", "check")
    assert told.exit_code == 0, told.output
    assert "the comparison with an older schema is skipped" in told.stderr
