"""`okno agency show`, `grade`, `docs`, `reference` and `dry-run` as programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agencies.rule_pages import EXAMPLES
from tests.cli.program import okno


@pytest.fixture
def files(tmp_path: Path, home: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config")) / "agencies"


def test_the_reference_and_the_schema_are_what_the_models_say() -> None:
    result = okno("agency", "reference", "--check")
    assert result.exit_code == 0, result.stdout + "run: okno agency reference"


def test_show_fills_in_the_profile_and_the_defaults_and_says_from_where(files: Path) -> None:
    shown = okno("agency", "show", files / "works.yaml").stdout
    assert 'address: "https://works.example/api"' in shown
    assert "token: ${WORKS_TOKEN}" in shown
    assert "when_answer_is_lost: ask-a-person   # desk.yaml:17" in shown
    assert 'timeout: "20s"   # default' in shown


def test_grade_lists_what_is_missing_and_can_be_demanded(files: Path) -> None:
    graded = okno("agency", "grade", files / "roads.yaml", "--at-least", "silver")
    assert graded.exit_code == 1
    assert graded.stdout.startswith("roads: none")
    assert "for bronze: write an example of a reply that comes to `accepted`" in graded.stdout
    assert okno("agency", "grade", "city-roads", "housing-inspection", "--at-least", "silver").exit_code == 0


@pytest.mark.parametrize(
    ("lang", "words"),
    [("ru", ["Городская дорожная служба", "«4»: дан ответ", "отозвать сообщение"]), ("en", ["withdraw the message", "«4»: answered"])],
)  # fmt: skip
def test_the_helplines_page_speaks_plainly_and_of_no_wire(home: Path, lang: str, words: list[str]) -> None:
    page = okno("agency", "docs", "city-roads", "--lang", lang).stdout
    assert all(one in page for one in words)
    assert not any(one in page for one in ("${", "http", "wsdl", "CreateCase"))


def test_a_dry_run_shows_the_request_and_runs_the_examples(files: Path) -> None:
    result = okno("agency", "dry-run", files / "roads.yaml")
    assert result.exit_code == 0
    assert "<n0:Kind>0412</n0:Kind>" in result.stdout
    assert "ok    a pothole" in result.stderr
    path = files / "roads.yaml"
    path.write_text(path.read_text().replace('sends: {Kind: "0412"}', 'sends: {Kind: "0413"}'))
    failing = okno("agency", "dry-run", path)
    assert (failing.exit_code, "FAIL  a pothole" in failing.stderr) == (1, True)
    assert "no step `fly`" in okno("agency", "dry-run", path, "--step", "fly").stderr


def test_a_message_of_ones_own_can_be_shown(files: Path) -> None:
    sample = files / "roads" / "own.yaml"
    sample.write_text((files / "roads" / "pothole.yaml").read_text().replace("Яма у остановки", "Своя тема"))
    assert "Своя тема" in okno("agency", "dry-run", files / "roads.yaml", "--message", sample).stdout
