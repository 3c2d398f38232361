"""`okno agency check` and `explain`: everything that is wrong, at once, and a clear refusal of what is hostile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agencies.rule_pages import EXAMPLES, rule_pages
from tests.cli.program import okno

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def files(tmp_path: Path, home: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config")) / "agencies"


def codes(text: str) -> list[str]:
    return [line.split(" ")[1] for line in text.splitlines()]


def test_every_file_of_the_installation_is_without_a_fault(home: Path) -> None:
    result = okno("agency", "check", "--all")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "not set here" in result.stderr


def test_twenty_faults_are_twenty_lines(files: Path) -> None:
    path = files / "roads.yaml"
    text = path.read_text()
    edits = [
        ("  code: roads\n", "  code: streets\n"),
        ('"${ROADS_PASSWORD}"', '"hunter2"'),
        ("https://roads.example/soap", "https://okno:word@roads.example/soap"),
        ("{code: Client, means: refused}", '{code: "*", means: refused}'),
        ("    Reference: message.reference\n    Subject", "    Reference: message.refernce\n    Subject"),
        ("shorten(120)", "shortn(120)"),
        ('translate("kinds")', 'translate("kind")'),
        ("    Address: message.address", "    Address: mesage.address"),
        ('accepted: ["0"], already_there', 'accepted: ["0", "17"], already_there'),
        ('refused: ["10"]', 'refused: ["*"]'),
        ("  when_answer_is_lost: ask-a-person", "  when_answer_is_lost: resend"),
        ("    CaseNumber: case.id\n  answer:\n    outcome", "    CaseNumber: case.number\n  answer:\n    outcome"),
        ("    reference: item.Reference", "    reference: item.Reference +"),
        ("  operation: GetCase", "  operation: WithdrawCase"),
        ("  operation: FindCases\n", "  operation: FindCases\n  query: {a: message.id}\n"),
        ("      Since: poll.since | local", "      Since: poll.since"),
        ("    overlap: 5m\n", "    overlap: 5m\n    missing_means: answered\n"),
        ('    "2": answered', '    "*": answered'),
        ("    settles_within", "    settles_within"),
        ("    at: item.ChangedAt", "    at: itm.ChangedAt"),
        ("    state: State", "    state: State | lowr"),
        ("    case_id: CaseNumber\n", "    case_id: CaseNumber | firsd(3)\n"),
    ]
    for old, new in edits:
        text = text.replace(old, new)
    path.write_text(text)
    result = okno("agency", "check", path)
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert len(lines) >= 20
    assert len(set(lines)) == len(lines)
    assert all(line.startswith(f"{path}:") for line in lines)
    assert {"secret-in-file", "unknown-filter", "unknown-name", "wildcard-outcome", "code-twice"} <= set(
        codes(result.stdout)
    )
    assert "hunter2" not in result.output


def test_as_json_each_fault_has_its_place(files: Path) -> None:
    path = files / "roads.yaml"
    path.write_text(path.read_text().replace("timeout: 20s", "timeout: 20"))
    document = json.loads(okno("agency", "check", "--json", path).stdout)
    (fault,) = document["faults"]
    assert (fault["code"], fault["line"], fault["file"]) == ("bad-duration", 14, str(path))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a: &a [x]\n" + b"b: *a\n" * 50, "anchor"),
        (b"a: &a {a: *a}\n", "anchor"),
        (b"a: &x [l]\nb: &y [*x,*x,*x,*x]\nc: &z [*y,*y,*y,*y]\nd: [*z,*z,*z,*z]\n", "alias"),
        (b"version: 1\nversion: 1\n", "duplicate-key"),
        (b"version:\t1\n", "tab"),
        (b"\xef\xbb\xbfversion: 1\n", "byte-order-mark"),
        (b"# x\n" * 2_500_000, "too-large"),
        (b"\xff\xfev\x00", "not-utf-8"),
        (b"a: " + b"[" * 500, "too-deep"),
        (b"a: !!python/object/apply:os.system [ls]\n", "tag"),
        (b"", "empty"),
        (b"- 1\n- 2\n", "wrong-type"),
        (b"just words\n", "wrong-type"),
    ],
)
def test_hostile_yaml_is_refused_in_words(files: Path, content: bytes, code: str) -> None:
    path = files / "roads.yaml"
    path.write_bytes(content)
    result = okno("agency", "check", path)
    assert result.exit_code == 1
    assert code in codes(result.stdout)
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("wsdl: roads/cases.wsdl", "wsdl: roads/with-a-dtd.wsdl", "has a DTD"),
        ("wsdl: roads/cases.wsdl", "wsdl: /etc/passwd", "beside this file"),
        ("wsdl: roads/cases.wsdl", "wsdl: roads/../../roads/cases.wsdl", "beside this file"),
        ("message: roads/pothole.yaml", "message: ../../../etc/passwd", "beside this file"),
    ],
)
def test_what_leads_outside_or_hides_entities_is_refused(files: Path, old: str, new: str, words: str) -> None:
    path = files / "roads.yaml"
    path.write_text(path.read_text().replace(old, new))
    result = okno("agency", "check", path)
    assert (result.exit_code, words in result.stdout) == (1, True)


def test_a_schema_that_imports_from_the_net_is_refused_and_nothing_is_fetched(files: Path) -> None:
    """Q48: WSDLs import well-known schemas from the net."""
    wsdl = files / "roads" / "cases.wsdl"
    schema = '<xsd:schema targetNamespace="urn:roads:cases" elementFormDefault="qualified">'
    remote = '<xsd:import namespace="urn:x" schemaLocation="http://127.0.0.1:1/x.xsd"/>'
    wsdl.write_text(wsdl.read_text().replace(schema, schema + remote))
    result = okno("agency", "check", files / "roads.yaml")
    assert "bad-wsdl" in result.stdout
    assert "put a copy beside the WSDL" in result.stdout


def test_an_openapi_that_refers_to_another_document_is_refused(files: Path) -> None:
    path = files / "yards" / "openapi.yaml"
    path.write_text(path.read_text().replace("#/components/schemas/Request", "http://127.0.0.1:1/x.yaml#/a", 1))
    result = okno("agency", "check", files / "yards.yaml")
    assert "bad-openapi" in result.stdout
    assert "put everything into one file" in result.stdout


def test_a_variable_that_is_not_set_is_named_at_its_line_and_is_no_fault(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROADS_PASSWORD", raising=False)
    result = okno("agency", "check", files / "roads.yaml")
    assert result.exit_code == 0
    assert ":13:" in result.stderr
    assert "ROADS_PASSWORD is not set" in result.stderr


def test_a_file_is_named_by_its_path_or_its_code_and_a_wrong_name_is_told(home: Path) -> None:
    assert okno("agency", "check", "open311").exit_code == 0
    assert "Did you mean `city-roads`" in okno("agency", "check", "city-road").stderr
    assert "--all" in okno("agency", "check").stderr


def test_explain_prints_the_page_and_lists_all_codes() -> None:
    page = okno("agency", "explain", "repeat-not-recognised").stdout
    assert "PASS" in page
    assert "FAIL" in page
    assert "second case" in page
    listed = okno("agency", "explain").stdout
    assert all(code in listed for code in rule_pages())
    assert "Did you mean `unknown-filter`" in okno("agency", "explain", "unknown-filtr").stderr
