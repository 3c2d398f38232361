"""Agency files: the real ones hold, and every rule catches the mistake it is for, at its line."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agencies.checks import RULES, RULES_FOR_SOUND_FILES, Subject, check
from agencies.model import AgencyFile, agency_schema
from agencies.registry import Registry, UnknownAgency, check_agency_file
from agencies.rubricator_file import load_rubricator
from agencies.secrets import Reference, UnsetVariable
from agencies.source import Fault, FileFaults
from connectors.rest.connector import RestConnector
from connectors.soap.connector import SoapConnector

VARIABLES = {
    "CITY_ROADS_ADDRESS": "http://127.0.0.1:9/soap",
    "CITY_ROADS_USER": "okno",
    "CITY_ROADS_PASSWORD": "roads-word",
    "HOUSING_ADDRESS": "http://127.0.0.1:9/api/v1",
    "HOUSING_CLIENT_ID": "okno",
    "HOUSING_CLIENT_SECRET": "housing-word",
    "HOUSING_WEBHOOK_SECRET": "webhook-word",
}


@pytest.fixture(scope="module")
def categories(config_folder: Path) -> frozenset[str]:
    return frozenset(category.code for category in load_rubricator(config_folder / "rubricator.yaml").categories)


@pytest.fixture
def folder(tmp_path: Path, config_folder: Path) -> Path:
    """A copy of `config/` that a test may spoil."""
    shutil.copytree(config_folder / "agencies", tmp_path / "agencies")
    return tmp_path


def faults_of(path: Path, categories: frozenset[str] | None = None) -> tuple[Fault, ...]:
    try:
        check_agency_file(path, categories)
    except FileFaults as found:
        return found.faults
    return ()


def spoil(folder: Path, code: str, old: str, new: str) -> Path:
    path = folder / "agencies" / f"{code}.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize("code", ["city-roads", "housing-inspection"])
def test_the_real_files_hold_and_their_examples_run(config_folder: Path, categories: frozenset[str], code: str) -> None:
    path = config_folder / "agencies" / f"{code}.yaml"
    assert faults_of(path, categories) == ()
    _, file = check_agency_file(path)
    assert len(file.examples) >= 10
    assert {bool(one.message) for one in file.examples} == {True, False}


ROADS, HOUSING = "city-roads", "housing-inspection"
_LATITUDE = "    case.Latitude: message.latitude | decimal(6)\n"
_ASKED = "  operation: GetCase\n  send:\n    "
_LONGITUDE = "    case.Longitude: message.longitude | decimal(6)\n"


@pytest.mark.parametrize(
    ("code", "old", "new", "fault", "words"),
    [
        (ROADS, "  code: city-roads", "  code: roads", "not-the-file-name", "must be `city-roads`"),
        (ROADS, "timezone: Europe/Moscow", "timezone: Moscow", "unknown-timezone", "Europe/Moscow"),
        (ROADS, "  timeout: 20s", "  timeout: 20", "bad-duration", "20s"),
        (ROADS, "max_reply: 4 MB", "max_reply: much", "bad-size", "8 MB"),
        (ROADS, "  at_once: 4", "  at_onse: 4", "unknown-key", "Did you mean `at_once`"),
        (ROADS, "when_answer_is_lost: look-up", "when_answer_is_lost: lookup", "bad-value", "Did you mean `look-up`"),
        (ROADS, '    "4": answered', '    "4": answerd', "bad-value", "Did you mean `answered`"),
        (ROADS, '"${CITY_ROADS_PASSWORD}"', "hunter2", "secret-in-file", "${NAME}"),
        (ROADS, '"${CITY_ROADS_PASSWORD}"', '"x${CITY_ROADS_PASSWORD}"', "secret-in-file", "nothing else"),
        (ROADS, "${CITY_ROADS_ADDRESS}", "http://okno:word@roads.example/soap", "secret-in-file", "no user"),
        (ROADS, '"${CITY_ROADS_USER}"', '"${city_user}"', "bad-variable", "capital letters"),
        (HOUSING, "${HOUSING_WEBHOOK_SECRET}", "abc", "secret-in-file", "environment"),
        (ROADS, 'refused: ["10", "11"]', 'refused: ["*"]', "wildcard-outcome", "nobody foresaw"),
        (ROADS, 'text: "ORA-12899:*"', 'text: "*"', "wildcard-outcome", "fits every fault"),
        (ROADS, '{code: Server, text: "ORA-12899:*", means', '{code: Server, means', "wildcard-outcome", "fits every fault"),
        (ROADS, "{code: Client, means: refused}", '{code: "*", means: refused}', "wildcard-outcome", "fits every fault"),
        (ROADS, '    "4": answered', '    "*": answered', "wildcard-outcome", "waits for a person"),
        (ROADS, 'refused: ["10", "11"]', 'refused: ["10", "17"]', "code-twice", "`already_there` already"),
        (HOUSING, '      accepted: ["200"]\n', "", "no-success", "needs `accepted`"),
        (ROADS, "message.subject |", "message.subjct |", "unknown-name", "Did you mean `message.subject`"),
        (ROADS, "ExternalId: message.reference\n    case.", "ExternalId: mesage.reference\n    case.", "unknown-name", "Did you mean `message`"),
        (ROADS, "CaseNumber: case.id\n    #", "CaseNumber: case\n    #", "unknown-name", "is not a value"),
        (ROADS, "Content: item.content", "Content: item.content.raw", "unknown-name", "nothing below"),
        (ROADS, "| shorten(4000)", "| shortn(4000)", "unknown-filter", "Did you mean `shorten`"),
        (ROADS, "| shorten(4000)", "| shorten('x')", "bad-argument", "length must be a number"),
        (ROADS, 'translate("kinds")', 'translate("knds")', "unknown-table", "Did you mean `kinds`"),
        (ROADS, "message.received_at | local", "message.received_at", "time-needs-form", "| local"),
        (ROADS, "Since: poll.since | local", "Since: '\"2026-01-01T00:00:00\"'", "feed-stands-still", "poll.since"),
        (HOUSING, "      cursor: poll.cursor ", "      # cursor: poll.cursor ", "feed-stands-still", "poll.cursor"),
        (HOUSING, "    every: 30s ", "    overlap: 5m\n    every: 30s ", "no-overlap", "remove it"),
        (ROADS, "operation: FindCases", "request: GET /cases", "wrong-protocol", "name the `operation`"),
        (HOUSING, "request: GET /requests\n  settles", "operation: Find\n  settles", "wrong-protocol", "request: POST"),
        (HOUSING, "request: GET /requests\n  settles", "request: fetch it\n  settles", "bad-request-line", "POST /requests"),
        (HOUSING, "request: GET /requests\n", "request: GET /requests\n  send: {a: message.id}\n", "wrong-protocol", "use `query`"),
        (HOUSING, "kind: oauth2-client-credentials", "kind: wsse-username", "unknown-key", "`connection.security.token_path`"),
        (ROADS, "receives: [roads/*]", "receives: [road/*]", "unknown-category", "no category"),
        (ROADS, "    roads/bridge:", "    roads/brige:", "unknown-category", "Did you mean `roads/bridge`"),
        (ROADS, '    "*": "0499"', '    roads/parking: "0499"', "category-not-translated", "`roads/other`"),
        (ROADS, "wsdl: city-roads/cases.wsdl", "wsdl: city-roads/case.wsdl", "bad-wsdl", ""),
        (ROADS, "wsdl: city-roads/cases.wsdl", "wsdl: ../../x.wsdl", "outside-the-folder", "beside this file"),
        (ROADS, "operation: CreateCase", "operation: CreateCse", "unknown-operation", "Did you mean `CreateCase`"),
        (ROADS, "    case.Subject: message", "    case.Subjekt: message", "unknown-element", "Did you mean `Subject`"),
        (ROADS, "    case.PhotoCount: message.attachments_count\n", "    case: message.id\n", "unknown-element", "holds other elements"),
        (ROADS, '    case.Kind: message.category | translate("kinds")\n', "", "element-not-sent", "requires `case.Kind`"),
        (ROADS, _LATITUDE + _LONGITUDE, _LONGITUDE + _LATITUDE, "wrong-order", "before `case.Longitude`"),
        (ROADS, "message.subject | one_line", "message.address | one_line", "may-be-missing", "default"),
        (ROADS, "case_id: CreateCaseResult.CaseNumber", "case_id: CreateCaseResult.CaseNo", "unknown-element", "Did you mean `CaseNumber`"),
        (ROADS, "note: item.Remark", "note: item.Remarks", "unknown-element", "Did you mean `Remark`"),
        (ROADS, "each: GetChangesResult.Change", "each: GetChangesResult", "not-a-list", "does not repeat"),
        (ROADS, '      case.Kind: "0412"', '      case.Kind: "0413"', "example-fails", "sends `0412`"),
        (ROADS, "leaves_out: [case.Latitude", "leaves_out: [case.Text, case.Latitude", "example-fails", "sends `Такой"),
        (ROADS, "message: city-roads/samples/signs.yaml", "message: city-roads/samples/none.yaml", "unreadable", "cannot be read"),
        (ROADS, "reads: {means: unknown}", "reads: {means: answered}", "example-fails", "means `unknown`"),
        (ROADS, 'at: "2026-03-05T14:00:00+00:00"', 'at: "2026-03-05T17:00:00+00:00"', "example-fails", "14:00"),
        (HOUSING, "comes_to: {outcome: try_later}", "comes_to: {outcome: refused}", "example-fails", "comes to `try_later`"),
        (HOUSING, "  - name: busy\n", "  - name: busy\n    message: x.yaml\n", "bad-example", "exactly one of"),
        (ROADS, "  operation: GetCase\n", "  operation: GetCaze\n", "unknown-operation", "Did you mean `GetCase`"),
        (ROADS, "state: GetCaseResult.Case.State", "stat: GetCaseResult.Case.State", "unknown-key", "Did you mean `state`"),
        (ROADS, "\nask: ", "\naks: ", "unknown-key", "Did you mean `ask`"),
        (ROADS, "at: GetCaseResult.Case.ChangedAt", "at: GetCaseResult.Case.Changed", "unknown-element", "Did you mean `ChangedAt`"),
        (ROADS, _ASKED + "CaseNumber: case.id", _ASKED + "CaseNo: case.id", "unknown-element", "Did you mean `CaseNumber`"),
        (ROADS, _ASKED + "CaseNumber: case.id", _ASKED + "CaseNumber: message.reference", "unknown-name", "there is no `message`"),
        (ROADS, _ASKED + "CaseNumber: case.id", _ASKED + "CaseNumber: '\"CR-1\"'", "asks-for-no-case", "send `case.id`"),
        (ROADS, "  operation: GetCase\n", "  operation: WithdrawCase\n", "asking-changes", "what `withdraw` calls"),
        (ROADS, 'reads: {means: waiting_for_citizen', 'reads: {means: answered', "example-fails", "means `WAITING_FOR_CITIZEN`"),
        (ROADS, "note: Где именно?}", "note: Когда?}", "example-fails", "reads `Где именно?`"),
        (HOUSING, "request: GET /requests/{case.id}\n", "request: DELETE /requests/{case.id}\n", "asking-changes", "a GET"),
        (HOUSING, "request: GET /requests/{case.id}\n", "operation: GetCase\n", "wrong-protocol", "belongs to soap"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_fault_at_its_place(
    folder: Path, categories: frozenset[str], code: str, old: str, new: str, fault: str, words: str
) -> None:
    path = spoil(folder, code, old, new)
    faults = faults_of(path, categories)
    assert fault in {one.code for one in faults}
    found = next(one for one in faults if one.code == fault)
    assert words in found.text
    assert (found.file == str(path) and found.line > 1) or fault == "unreadable"


def test_a_fault_is_found_at_its_line_and_column(folder: Path) -> None:
    path = spoil(folder, ROADS, "| shorten(300)", "| shortn(300)")
    line = next(n for n, text in enumerate(path.read_text("utf-8").splitlines(), 1) if "shortn" in text)
    (found,) = faults_of(path)
    assert str(found).startswith(f"{path}:{line}:19 unknown-filter `submit.send.case.Address`")


def test_all_faults_of_a_file_come_in_one_pass(folder: Path) -> None:
    path = spoil(folder, ROADS, "message.subject |", "message.subjct |")
    spoil(folder, ROADS, '"${CITY_ROADS_PASSWORD}"', "hunter2")
    spoil(folder, ROADS, 'refused: ["10", "11"]', 'refused: ["*"]')
    faults = faults_of(path)
    assert [one.code for one in faults] == ["secret-in-file", "unknown-name", "wildcard-outcome"]
    assert "hunter2" not in "\n".join(map(str, faults))


@pytest.mark.parametrize(
    ("policy", "extra", "fault"),
    [
        ("resend", "", "repeat-not-recognised"),
        ("resend", "  repeats_known_by: case.ExternalId\n", None),
        ("resend", "  repeats_known_by: case.Number\n", "unknown-row"),
        ("look-up", "", None),
        ("ask-a-person", "", None),
    ],
)
def test_a_blind_repeat_needs_an_agency_that_recognises_it(
    folder: Path, policy: str, extra: str, fault: str | None
) -> None:
    path = spoil(folder, ROADS, "  when_answer_is_lost: look-up\n", f"  when_answer_is_lost: {policy}\n{extra}")
    text = path.read_text("utf-8")
    submit, rest = text.split("\nattachment:", 1)
    submit = submit.replace('      already_there: ["17"]\n', "")
    rest = rest.split("\nexamples:")[0]
    path.write_text(submit + "\nattachment:" + rest, encoding="utf-8")
    assert [one.code for one in faults_of(path)] == ([fault] if fault else [])


def test_a_look_up_policy_needs_the_step(folder: Path) -> None:
    path = spoil(folder, ROADS, "\nlook_up:\n", "\nunused:\n")
    text = path.read_text("utf-8")
    start, end = text.index("\nunused:\n"), text.index("\nstatus:\n")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    assert [one.code for one in faults_of(path)] == ["nothing-to-look-up"]


def test_asking_needs_the_table_that_translates_states(folder: Path) -> None:
    path = spoil(folder, ROADS, "\nstatus:\n", "\nunused:\n")
    text = path.read_text("utf-8")
    start, end = text.index("\nunused:\n"), text.index("\ntranslate:\n")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    assert "`ask` needs `status`" in "\n".join(map(str, faults_of(path)))


def test_every_rule_says_what_passes_and_what_fails() -> None:
    for rule in (*RULES, *RULES_FOR_SOUND_FILES):
        module = __import__(rule.__module__, fromlist=["__doc__"])
        assert "PASS" in str(module.__doc__)
        assert "FAIL" in str(module.__doc__)


def test_every_key_of_the_language_is_described_in_the_schema() -> None:
    schema = agency_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    for name, definition in [("AgencyFile", schema), *definitions.items()]:
        assert isinstance(definition, dict)
        assert definition["description"], name
        for key, field in definition["properties"].items():
            assert field.get("description") or "const" in field, f"{name}.{key}"
    assert json.loads(json.dumps(schema)) == schema
    assert "outcome" in json.dumps(schema)
    assert '"from"' in json.dumps(schema)


# The registry


def test_the_registry_makes_an_adapter_and_a_connector_for_each_agency(config_folder: Path) -> None:
    registry = Registry.load(config_folder, variables=VARIABLES)
    assert registry.faults == ()
    assert registry.codes == (ROADS, HOUSING)
    assert registry.unset_variables() == ()
    assert isinstance(registry.connector(ROADS, None), SoapConnector)
    assert isinstance(registry.connector(HOUSING, None), RestConnector)
    assert (registry.agency(ROADS).at_once, registry.agency(ROADS).per_minute) == (4, 30000)


def test_a_faulty_file_takes_only_its_own_agency_out(folder: Path) -> None:
    spoil(folder, ROADS, "version: 1", "version: 2")
    registry = Registry.load(folder, variables=VARIABLES)
    assert registry.codes == (HOUSING,)
    assert [one.code for one in registry.faults] == ["bad-value"]
    with pytest.raises(UnknownAgency, match=r"config/agencies/city-roads\.yaml is missing or has faults"):
        registry.adapter(ROADS)


def test_every_unset_variable_is_named_at_its_place(config_folder: Path) -> None:
    known = {name: value for name, value in VARIABLES.items() if name != "CITY_ROADS_PASSWORD"}
    registry = Registry.load(config_folder, variables={**known, "HOUSING_CLIENT_SECRET": ""})
    faults = registry.unset_variables()
    assert [one.code for one in faults] == ["unset-variable", "unset-variable"]
    assert ["CITY_ROADS_PASSWORD" in faults[0].text, "HOUSING_CLIENT_SECRET" in faults[1].text] == [True, True]
    with pytest.raises(UnsetVariable, match="CITY_ROADS_PASSWORD is not set"):
        registry.connector(ROADS, None)


def test_variables_come_from_the_environment_unless_given(config_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry.load(config_folder)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert len(registry.unset_variables()) == len(VARIABLES)
    for name, text in VARIABLES.items():
        monkeypatch.setenv(name, text)
    assert registry.unset_variables() == ()
    assert "housing-word" in registry.secrets(HOUSING)


def test_secrets_for_masking_hold_no_user_names(config_folder: Path) -> None:
    registry = Registry.load(config_folder, variables=VARIABLES)
    assert registry.secrets(ROADS) == ("roads-word",)
    assert set(registry.secrets(HOUSING)) == {"housing-word", "webhook-word"}


def test_no_secret_is_shown_by_what_holds_it(config_folder: Path) -> None:
    registry = Registry.load(config_folder, variables=VARIABLES)
    shown = [repr(registry.agency(code)) + repr(registry.adapter(code).plan) for code in registry.codes]
    shown += [
        repr(Reference("${A}").resolved({"A": "roads-word"})),
        str(Reference("${A}").resolved({"A": "roads-word"})),
    ]
    assert not any(secret in text for text in shown for secret in ("roads-word", "housing-word", "webhook-word"))


def test_an_address_can_differ_by_environment(folder: Path) -> None:
    spoil(
        folder,
        ROADS,
        "address: ${CITY_ROADS_ADDRESS}",
        "address: {sandbox: http://127.0.0.1:1/s, production: https://roads.example/s}",
    )
    sandbox = Registry.load(folder, variables=VARIABLES)
    production = Registry.load(folder, variables=VARIABLES, environment="production")
    assert sandbox.address_text(ROADS) == "http://127.0.0.1:1/s"
    assert production.address_text(ROADS) == "https://roads.example/s"
    call = production.adapter(ROADS).poll_call(None, datetime(2026, 3, 2, tzinfo=UTC))
    assert production.connector(ROADS, None).render(call).url == "https://roads.example/s"


def test_a_token_is_fetched_from_the_host_of_the_address(config_folder: Path) -> None:
    registry = Registry.load(config_folder, variables=VARIABLES)
    connector = registry.connector(HOUSING, None)
    assert isinstance(connector, RestConnector)
    assert "token_address='http://127.0.0.1:9/oauth/token'" in repr(connector._connection)
    assert "housing-word" not in repr(connector._connection)


def test_a_subject_without_categories_does_not_judge_them(config_folder: Path) -> None:
    source, file = check_agency_file(config_folder / "agencies" / f"{ROADS}.yaml")
    assert isinstance(file, AgencyFile)
    assert check(Subject(source, file, config_folder / "agencies")) == []
    assert check(Subject(source, file, config_folder / "agencies", frozenset({"other/other"})))
