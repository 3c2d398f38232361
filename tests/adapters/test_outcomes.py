"""What an answer comes to: only what the file lists is certain, and no outcome repeats what people wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from adapters.adapter import Adapter, CannotBuild, Found, NotFound, Step, Unclear
from connectors.base import ConnectorError, Fault, Lost, NotSent, Reply, Tree, Unreadable
from domain.outcome import OutcomeKind
from tests.adapters.words import MESSAGE, reply

ACCEPTED, REFUSED, TRY_LATER, UNKNOWN = (
    OutcomeKind.ACCEPTED,
    OutcomeKind.REFUSED,
    OutcomeKind.TRY_LATER,
    OutcomeKind.UNKNOWN,
)


def created(code: object, number: object = None) -> Tree:
    result: dict[str, Tree] = {"Code": code, "Message": "Иванов, кв. 5"}  # type: ignore[dict-item]
    return {"CreateCaseResult": result if number is None else {**result, "CaseNumber": number}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("tree", "kind", "case_id", "already_there"),
    [
        (created("0", "CR-1"), ACCEPTED, "CR-1", False),
        (created(0, "CR-1"), ACCEPTED, "CR-1", False),
        (created(" 0 ", " CR-1 "), ACCEPTED, "CR-1", False),
        (created("17", "CR-1"), ACCEPTED, "CR-1", True),
        (created("10"), REFUSED, None, False),
        (created("90"), TRY_LATER, None, False),
        (created("10", "CR-1"), ACCEPTED, "CR-1", False),
        (created("77", "CR-1"), ACCEPTED, "CR-1", False),
        (created("0"), UNKNOWN, None, False),
        (created("17"), UNKNOWN, None, False),
        (created("77"), UNKNOWN, None, False),
        (created(None), UNKNOWN, None, False),
        (created({"a": "b"}), UNKNOWN, None, False),
        (created("0", ["CR-1"]), UNKNOWN, None, False),
        (created("0", "x" * 201), UNKNOWN, None, False),
        (created("0", "CR\n1"), UNKNOWN, None, False),
        (None, UNKNOWN, None, False),
        ("OK", UNKNOWN, None, False),
        ([], UNKNOWN, None, False),
        ({"self": "x", "http": {"status": "201"}}, UNKNOWN, None, False),
    ],
)
def test_a_reply_comes_to_what_the_file_lists_and_to_nothing_else(
    roads: Adapter, tree: Tree, kind: OutcomeKind, case_id: str | None, already_there: bool
) -> None:
    outcome = roads.read_submit(reply(tree))
    assert (outcome.kind, outcome.case_id, outcome.already_there) == (kind, case_id, already_there)
    assert "Иванов" not in outcome.text
    assert "\n" not in outcome.text


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("wsse:FailedAuthentication", "no"), TRY_LATER),
        (Fault("soap:Client", "Validation failed: Иванов"), REFUSED),
        (Fault("Client", ""), REFUSED),
        (Fault("SOAP-ENV:Server", "ora-12899: value cannot be stored"), REFUSED),
        (Fault("soap:Server", "Internal error 0x80004005"), UNKNOWN),
        (Fault("Клиент Иванов и его слова", "x"), UNKNOWN),
    ],
)
def test_a_fault_means_what_the_rules_say(roads: Adapter, fault: Fault, kind: OutcomeKind) -> None:
    outcome = roads.read_submit(reply(created("0"), 500, fault))
    assert outcome.kind is kind
    assert "Иванов" not in outcome.text
    assert outcome.code in (fault.code, None)


@pytest.mark.parametrize(
    ("status", "tree", "kind", "case_id"),
    [
        (201, {"id": "HI-1"}, ACCEPTED, "HI-1"),
        (409, {"error": {"code": "already_exists", "id": "HI-1"}}, ACCEPTED, "HI-1"),
        (409, {"error": {"code": "other"}}, UNKNOWN, None),
        (422, {"error": {"code": "unknown_kind"}}, REFUSED, None),
        (503, None, TRY_LATER, None),
        (200, {"error": {"code": "internal"}}, UNKNOWN, None),
        (500, {"error": {"code": "internal"}}, UNKNOWN, None),
        (302, None, UNKNOWN, None),
    ],
)
def test_an_http_status_means_what_the_file_says(
    housing: Adapter, status: int, tree: Tree, kind: OutcomeKind, case_id: str | None
) -> None:
    outcome = housing.read_submit(reply(tree, status))
    assert (outcome.kind, outcome.case_id) == (kind, case_id)


def test_a_code_of_the_body_beside_the_status_is_shown(housing: Adapter) -> None:
    outcome = housing.read_submit(reply({"error": {"code": "unknown_kind"}}, 422))
    assert (outcome.code, outcome.text) == ("unknown_kind", "the agency refused it (code unknown_kind)")
    assert housing.read_submit(reply({"error": {"code": "слова жителя"}}, 422)).code is None


@pytest.mark.parametrize(
    ("header", "expected_s"),
    [
        ("30", 30.0),
        ("999999999", 86400.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_is_heeded_within_a_day(housing: Adapter, header: str, expected_s: float | None) -> None:
    outcome = housing.read_submit(reply(None, 503, headers={"retry-after": header}))
    assert outcome.retry_after_s == expected_s


def test_retry_after_may_be_a_date(housing: Adapter) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    after_s = housing.read_submit(reply(None, 503, headers={"retry-after": later})).retry_after_s
    assert after_s is not None
    assert 110 < after_s <= 120


def test_later_steps_need_no_number(roads: Adapter, housing: Adapter) -> None:
    assert roads.read_attachment(reply({"AddPhotoResult": {"Code": "0"}})).kind is ACCEPTED
    assert roads.read_attachment(reply({"AddPhotoResult": {"Code": "17"}})).already_there
    assert roads.read_withdraw(reply({"WithdrawCaseResult": {"Code": "21"}})).kind is REFUSED
    assert housing.read_withdraw(reply({"error": {"code": "already_exists"}}, 409)).already_there
    assert housing.read_withdraw(reply({"error": {"code": "already_answered"}}, 409)).kind is REFUSED
    assert housing.read_withdraw(reply({"state": "withdrawn"}, 200)).kind is ACCEPTED


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotSent("connection refused"), TRY_LATER),
        (CannotBuild("`Kind`: no row"), TRY_LATER),
        (Lost("silence"), UNKNOWN),
        (Unreadable("HTML", status=500), UNKNOWN),
        (ConnectorError("something else"), UNKNOWN),
    ],
)
def test_only_what_certainly_did_not_arrive_may_be_sent_again(
    roads: Adapter, error: ConnectorError | CannotBuild, kind: OutcomeKind
) -> None:
    assert roads.outcome_of(error, Step.SUBMIT).kind is kind


def found(*cases: Tree) -> Reply:
    return reply({"FindCasesResult": {"Case": list(cases)}})


def case(number: object, reference: object = "24-000017-K") -> Tree:
    return {"CaseNumber": number, "ExternalId": reference, "State": "1"}  # type: ignore[dict-item]


def test_a_look_up_finds_our_case_among_foreign_ones(roads: Adapter) -> None:
    answer = found(case("CR-7", "other"), case("CR-8"), case("CR-9", "24-000017-KK"))
    assert roads.read_look_up(answer, MESSAGE) == Found({"case_id": "CR-8"})
    assert roads.read_look_up(found(case("CR-8"), case("CR-8")), MESSAGE) == Found({"case_id": "CR-8"})


@pytest.mark.parametrize(
    "tree", [{"FindCasesResult": {"Case": []}}, {"FindCasesResult": None}, {"FindCasesResult": ""}]
)
def test_an_empty_answer_means_that_nothing_is_there(roads: Adapter, tree: Tree) -> None:
    assert roads.read_look_up(reply(tree), MESSAGE) == NotFound()
    assert roads.read_look_up(found(case("CR-7", "other")), MESSAGE) == NotFound()


@pytest.mark.parametrize(
    "answer",
    [
        reply({}, 500),
        reply({}, 404),
        reply({}),
        reply(None),
        reply({"FindCasesResult": {"Fall": []}}),
        reply({"FindCasesResult": {"Case": "x"}}),
        reply({"FindCasesResult": {"Case": []}}, fault=Fault("Server", "x")),
        found(case("CR-7"), case("CR-8")),
        found(case(None)),
        found({"Number": "CR-7"}),
        found("x"),
    ],
)
def test_an_answer_that_settles_nothing_never_allows_a_second_case(roads: Adapter, answer: Reply) -> None:
    assert isinstance(roads.read_look_up(answer, MESSAGE), Unclear)
