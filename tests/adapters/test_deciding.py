"""The seven styles of status maps that agencies have, over the same few words of ours (field-notes §2)."""

from __future__ import annotations

import time

import pytest

from adapters.deciding import Decision, Foreign, decide
from domain.foreign_change import Meaning
from domain.status import Status

S, M = Status, Meaning
MEANS = {"1": S.REGISTERED, "In Progress": S.IN_PROGRESS, "A": S.PLANNED, "a": S.ANSWERED}
ROWS = (
    # status and closing code
    Decision(S.CLOSED_UNSOLVED, state="closed", reason="dup*"),
    Decision(S.ANSWERED, state="closed", reason="fixed"),
    # a reason counts only once the work is completed; before that it is a spurious save
    Decision(M.UNCHANGED, state="in work", reason="*"),
    # type → field → value
    Decision(S.PLANNED, state="inspection", substate="result", reason="order raised"),
    Decision(M.IGNORE, state="inspection", substate="*internal*"),
    # the beginning of a free text
    Decision(S.ANSWERED, state="Выполнено*"),
    # a field that is empty
    Decision(S.IN_PROGRESS, state="open", substate=""),
    # timed
    Decision(S.ANSWERED, state="parked", after_s=3600),
)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (Foreign("1"), S.REGISTERED),
        (Foreign("closed", reason="Duplicate of 12"), S.CLOSED_UNSOLVED),
        (Foreign("closed", reason="fixed"), S.ANSWERED),
        (Foreign("closed", reason="something new"), M.UNKNOWN),
        (Foreign("in work", reason="fixed"), M.UNCHANGED),
        (Foreign("inspection", "result", "order raised"), S.PLANNED),
        (Foreign("inspection", "note: internal only", "x"), M.IGNORE),
        (Foreign("inspection", "result", "x"), M.UNKNOWN),
        (Foreign("ВЫПОЛНЕНО 12.03, бригада Петрова"), S.ANSWERED),
        (Foreign("Не выполнено"), M.UNKNOWN),
        (Foreign("open"), S.IN_PROGRESS),
        (Foreign("open", "x"), M.UNKNOWN),
        (Foreign("  in   PROGRESS "), S.IN_PROGRESS),
        (Foreign("A"), S.PLANNED),
        (Foreign("a"), S.ANSWERED),
        (Foreign(" A "), M.UNKNOWN),
        (Foreign("nobody said this"), M.UNKNOWN),
    ],
)
def test_the_first_row_that_fits_counts_then_the_table_and_nothing_is_guessed(
    said: Foreign, means: Status | Meaning
) -> None:
    assert decide(ROWS, MEANS, said)[0] is means


def test_a_timed_row_says_how_long_the_state_must_have_stood() -> None:
    assert decide(ROWS, MEANS, Foreign("parked")) == (S.ANSWERED, 3600)
    assert decide(ROWS, MEANS, Foreign("1")) == (S.REGISTERED, 0)


def test_a_pattern_is_no_expression_of_any_other_kind() -> None:
    rows = (Decision(S.ANSWERED, state="a.c"), Decision(S.PLANNED, state="[x]?"))
    assert decide(rows, {}, Foreign("abc"))[0] is M.UNKNOWN
    assert decide(rows, {}, Foreign("x1"))[0] is M.UNKNOWN
    assert decide(rows, {}, Foreign("[X]?"))[0] is S.PLANNED


def test_no_text_makes_a_pattern_slow() -> None:
    rows = (Decision(S.ANSWERED, state="*a" * 60 + "*b"),)
    began = time.process_time()
    assert decide(rows, {}, Foreign("a" * 2_000))[0] is M.UNKNOWN
    assert time.process_time() - began < 1


def test_a_state_is_named_by_all_its_parts() -> None:
    assert Foreign("closed", "", "dup").code == "closed / dup"
