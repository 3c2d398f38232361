"""The demo's self-check finds what it promises to find."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.demo.audit import Audit, compare
from cli.demo.operators import HOUSING, ROADS, HeldCase
from cli.demo.samples import load_samples
from cli.demo.views import AnswerView, MessageView

NUMBER = "26-0000-0002-8"
ANSWERED = MessageView(
    reference=NUMBER,
    text="Яма",
    status="ANSWERED",
    body=ROADS,
    body_name="Дороги",
    body_has_system=True,
    cases=("CR-1",),
    attachments=2,
    deliveries=(("SUBMIT", "DELIVERED"),),
    answers=(AnswerView("a", "Заделана", None),),
)
CASE = HeldCase("CR-1", NUMBER, "4", 2)


def look(view: MessageView | None, *cases: HeldCase, at: str = ROADS) -> Audit:
    return compare([NUMBER], {} if view is None else {NUMBER: view}, {at: cases})


def test_a_message_whose_answer_came_home_is_well() -> None:
    found = look(ANSWERED, CASE)
    assert found.well
    assert (found.messages, found.cases, found.answers) == (1, 1, 1)


def test_two_cases_of_one_message_are_a_duplicate() -> None:
    found = look(ANSWERED, CASE, replace(CASE, case_id="CR-2"))
    assert (found.duplicates, found.cases, found.well) == (1, 2, False)


def test_cases_of_one_message_at_both_agencies_are_a_duplicate() -> None:
    found = compare([NUMBER], {NUMBER: ANSWERED}, {ROADS: [CASE], HOUSING: [replace(CASE, case_id="HI-1")]})
    assert found.duplicates == 1


@pytest.mark.parametrize(
    ("view", "case"),
    [
        (None, CASE),
        (ANSWERED, None),
        (replace(ANSWERED, status="REGISTERED", answers=()), CASE),
        (replace(ANSWERED, answers=()), CASE),
        (replace(ANSWERED, cases=()), CASE),
        (replace(ANSWERED, cases=("CR-9",)), CASE),
        (replace(ANSWERED, deliveries=(("SUBMIT", "LOOKING_UP"),)), CASE),
        (ANSWERED, replace(CASE, files=1)),
        (replace(ANSWERED, status="REGISTERED", answers=()), replace(CASE, state="9")),
        (replace(ANSWERED, status="WITHDRAWN", answers=()), replace(CASE, state="2")),
        (replace(ANSWERED, deliveries=(("SUBMIT", "DELIVERED"), ("WITHDRAW", "READY"))), CASE),
    ],
    ids=[
        "the number is not known any more",
        "no case at the body",
        "the answer did not come home",
        "the status came without the answer",
        "the case is not shown",
        "another case is shown",
        "the delivery hangs",
        "a photo is missing",
        "the refusal did not come home",
        "the withdrawal did not arrive",
        "something is on its way",
    ],
)
def test_what_is_missing_on_either_side_is_lost(view: MessageView | None, case: HeldCase | None) -> None:
    found = look(view, *([] if case is None else [case]))
    assert len(found.lost) == 1
    assert NUMBER in found.lost[0]
    assert not found.well


def test_a_message_on_the_desk_or_in_moderation_is_not_lost() -> None:
    desk = replace(
        ANSWERED,
        status="ROUTED",
        body="veterinary-committee",
        cases=(),
        answers=(),
        deliveries=(("SUBMIT", "ON_DESK"),),
    )
    moderated = replace(ANSWERED, status="ON_MODERATION", body=None, cases=(), answers=(), deliveries=())
    assert (look(desk).on_desk, look(desk).well) == (1, True)
    assert (look(moderated).in_moderation, look(moderated).well) == (1, True)


def test_a_refusal_by_an_agency_is_counted_and_not_well() -> None:
    found = look(replace(ANSWERED, status="ON_MODERATION", cases=(), answers=(), deliveries=(("SUBMIT", "REFUSED"),)))
    assert (found.refused, found.well) == (1, False)


def test_a_message_withdrawn_before_it_was_sent_needs_no_case() -> None:
    found = look(replace(ANSWERED, status="WITHDRAWN", cases=(), answers=(), deliveries=(("SUBMIT", "CANCELLED"),)))
    assert (found.withdrawn, found.well) == (1, True)


def test_a_message_nobody_sent_is_wrong() -> None:
    assert not compare([], {NUMBER: ANSWERED}, {ROADS: []}).well


def test_the_samples_cover_what_the_demo_promises() -> None:
    samples = load_samples()
    assert any(len(one.photos) == 2 for one in samples)
    assert any(one.category is None for one in samples)
    assert any(one.organisation is not None for one in samples)
    assert any(one.withdraw for one in samples)
    assert sum(one.verdict is not None for one in samples) >= 3
    assert all(one.answer is not None for one in samples if one.verdict is not None)
