"""Asking how a case stands: what is sent, what is read, and that nothing an agency writes gets through unharmed or guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.adapter import Adapter, AskRefused, CaseNow, NotSupported
from adapters.asking import MAX_REMARK_LENGTH
from connectors.base import Fault, Tree
from domain.foreign_change import Meaning
from domain.status import Status
from tests.adapters.words import reply

CASE = {"case_id": "CR-000042"}


def roads_tree(**changes: Tree) -> Tree:
    case: dict[str, Tree] = {"CaseNumber": "CR-000042", "State": "3", "ChangedAt": "2026-03-05T17:00:00", **changes}
    return {"GetCaseResult": {"Code": "0", "Message": "Found", "Case": case}}


def test_the_question_names_the_case_and_may_be_repeated(roads: Adapter, housing: Adapter) -> None:
    soap, rest = roads.ask_call(CASE), housing.ask_call({"case_id": "HI-2026-000001"})
    assert soap is not None
    assert rest is not None
    assert (soap.operation, soap.body, soap.safe) == ("GetCase", {"CaseNumber": "CR-000042"}, True)
    assert (rest.operation, dict(rest.path), rest.body, rest.safe) == (
        "GET /requests/{v0}",
        {"v0": "HI-2026-000001"},
        None,
        True,
    )


def test_a_state_is_translated_and_its_time_is_the_agencys(roads: Adapter) -> None:
    read = roads.read_ask(reply(roads_tree(Remark="Где именно?")), "CR-000042")
    assert read == CaseNow("3", Status.WAITING_FOR_CITIZEN, datetime(2026, 3, 5, 14, tzinfo=UTC), "Где именно?")


@pytest.mark.parametrize(
    ("state", "means"), [("8", Meaning.UNKNOWN), ("7", Meaning.IGNORE), ("9", Status.CLOSED_UNSOLVED)]
)
def test_a_state_is_never_guessed(roads: Adapter, state: str, means: Status | Meaning) -> None:
    read = roads.read_ask(reply(roads_tree(State=state)), "CR-000042")
    assert (read.code, read.means) == (state, means)


def test_a_remark_is_shown_only_where_the_file_says_so(roads: Adapter) -> None:
    assert roads.read_ask(reply(roads_tree(State="2", Remark="для своих")), "CR-000042").note is None


@pytest.mark.parametrize("at", ["gestern", "2026-13-01T00:00:00", "", None, ["2026-03-05"], "0001-01-01T00:00:00"])
def test_a_time_that_is_none_does_not_hide_the_state(roads: Adapter, at: Tree) -> None:
    read = roads.read_ask(reply(roads_tree(ChangedAt=at)), "CR-000042")
    assert (read.code, read.occurred_at) == ("3", None)


def test_what_an_agency_writes_is_cut_and_freed_of_control_characters(roads: Adapter) -> None:
    nasty = "раз\r\nдва\x00\x1b[31m\u202eтри\u2066\ud800\x85" + "ы" * 100_000
    note = roads.read_ask(reply(roads_tree(Remark=nasty)), "CR-000042").note
    assert note is not None
    assert note.startswith("раз\nдва[31mтри\nыыы")
    assert len(note) == MAX_REMARK_LENGTH
    assert note.endswith("ы…")


@pytest.mark.parametrize("remark", [{"a": "b"}, ["x"], b"bytes", True])
def test_a_remark_of_a_strange_shape_does_not_hide_the_state(roads: Adapter, remark: Tree) -> None:
    assert roads.read_ask(reply(roads_tree(Remark=remark)), "CR-000042").code == "3"


@pytest.mark.parametrize(
    "tree",
    [
        None,
        "",
        [],
        {},
        {"GetCaseResult": {"Code": "20", "Message": "No such case"}},
        roads_tree(CaseNumber="CR-000043"),
        roads_tree(CaseNumber=None),
        roads_tree(State=None),
        roads_tree(State=""),
        roads_tree(State={"a": "1"}),
        roads_tree(State="3" * 101),
    ],
)
def test_a_reply_that_tells_no_state_of_this_case_is_refused_without_its_words(roads: Adapter, tree: Tree) -> None:
    with pytest.raises(AskRefused) as refused:
        roads.read_ask(reply(tree), "CR-000042")
    assert refused.value.about_the_case
    assert "CR-0000" not in refused.value.text
    assert "No such case" not in refused.value.text


@pytest.mark.parametrize(
    ("status", "fault", "about_the_case"),
    [(404, None, True), (500, None, False), (503, None, False), (429, None, False), (401, None, False),
     (500, Fault("Server", "слова"), False)],
)  # fmt: skip
def test_a_failure_of_the_system_is_told_from_one_of_the_case(
    housing: Adapter, status: int, fault: Fault | None, about_the_case: bool
) -> None:
    with pytest.raises(AskRefused) as refused:
        housing.read_ask(reply({"error": {"code": "x"}}, status, fault), "HI-2026-000001")
    assert refused.value.about_the_case is about_the_case
    assert "слова" not in refused.value.text


def test_a_file_without_the_section_cannot_be_asked(roads: Adapter) -> None:
    silent = Adapter(replace(roads.plan, ask=None))
    assert silent.ask_call(CASE) is None
    with pytest.raises(NotSupported):
        silent.read_ask(reply(roads_tree()), "CR-000042")
