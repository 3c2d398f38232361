"""`okno agency new`: a first file with the real names, whose only faults are questions for a person."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.program import okno

ANSWERS = [
    (r'security: "\?\?\? [^"]*"', "security: {kind: basic, username: okno, password: '${WORD}'}"),
    (r'receives: \["\?\?\? [^"]*"\]', "receives: [roads/*]"),
    (r'accepted: \["\?\?\? [^"]*"\]', 'accepted: ["0"]'),
    (r'"\?\?\? their field for ([^"]*)": message', r'"\1": message'),
    (r"case_id: \"\?\?\? [^\"]*\"", "case_id: id"),
    (r'services: \{"\*": "\?\?\? [^"]*"\}', 'services: {"*": OTHER}'),
    (r'"\*": "\?\?\? [^"]*"', '"*": other'),
    (r'"\?\?\? [^"]*"', "answered"),
]


@pytest.fixture
def config(tmp_path: Path, config_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the house's configuration, where new files are written."""
    folder = Path(shutil.copytree(config_folder, tmp_path / "config"))
    monkeypatch.setenv("OKNO_CONFIG", str(folder))
    return folder


def answered(path: Path) -> None:
    text = path.read_text()
    for question, answer in ANSWERS:
        text = re.sub(question, answer, text)
    path.write_text(text)


@pytest.mark.parametrize(
    ("arguments", "holds"),
    [
        (["--wsdl", "city-roads/cases.wsdl"], "case.ExternalId: message.reference   # required"),
        (["--openapi", "housing-inspection/openapi.yaml"], "external_id: message.reference   # required"),
        (["--like", "open311"], "uses: open311@1"),
        (["--like", "city-roads"], "${NEW_ONE_PASSWORD}"),
        (["--submit", "POST /tickets"], "message.subject | one_line | shorten(120)"),
    ],
)
def test_the_only_faults_are_questions_and_answered_the_file_checks_and_runs(
    config: Path, arguments: list[str], holds: str
) -> None:
    path = config / "agencies" / "new-one.yaml"
    option, source = arguments
    given = str(config / "agencies" / source) if source.endswith((".wsdl", "openapi.yaml")) else source
    result = okno("agency", "new", "new-one", option, given)
    assert result.exit_code == 0, result.output
    assert holds in path.read_text()
    checked = okno("agency", "check", "new-one")
    assert checked.exit_code == 1
    assert {line.split(" ")[1] for line in checked.stdout.splitlines()} == {"unanswered"}
    answered(path)
    checked = okno("agency", "check", "new-one")
    assert checked.stdout == ""
    assert okno("agency", "dry-run", "new-one").exit_code == 0


def test_what_a_wsdl_imports_is_copied_along(config: Path, tmp_path: Path) -> None:
    okno("agency", "new", "new-one", "--wsdl", config / "agencies" / "city-roads" / "cases.wsdl")
    assert (config / "agencies" / "new-one" / "cases.wsdl").is_file()
    assert (config / "agencies" / "new-one" / "cases.xsd").is_file()


def test_a_file_that_is_there_is_never_overwritten(config: Path) -> None:
    before = (config / "agencies" / "city-roads.yaml").read_text()
    result = okno("agency", "new", "city-roads", "--like", "open311")
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)
    assert (config / "agencies" / "city-roads.yaml").read_text() == before


def test_wrong_wishes_are_told_with_right_ones(config: Path) -> None:
    wsdl = config / "agencies" / "city-roads" / "cases.wsdl"
    assert "exactly one of" in okno("agency", "new", "x").stderr
    assert "exactly one of" in okno("agency", "new", "x", "--like", "open311", "--wsdl", wsdl).stderr
    assert "no method with a path" in okno("agency", "new", "x", "--submit", "CreateTicket").stderr
    assert "no code" in okno("agency", "new", "X y", "--like", "open311").stderr
    assert "Did you mean `CreateCase`" in okno("agency", "new", "x", "--wsdl", wsdl, "--submit", "CreateCse").stderr
    assert "OpenAPI" in okno("agency", "new", "x", "--openapi", config / "rubricator.yaml").stderr
