"""What an outcome makes of a delivery: never a blind repeat, never rest without an end, a next attempt or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import AttemptedStep, DeliveryState, after_outcome, after_unclear_look_up, backoff_s
from domain.outcome import Outcome, OutcomeKind, WhenAnswerIsLost

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STEP = AttemptedStep(1, NOW, NOW, "seed", "it@roads.example", WhenAnswerIsLost.LOOK_UP, 60)
LOST = Outcome(OutcomeKind.UNKNOWN, "no reply")
LATER = Outcome(OutcomeKind.TRY_LATER, "busy")


def test_an_unknown_outcome_is_looked_up_only_after_the_agency_has_settled() -> None:
    decision = after_outcome(LOST, STEP)
    assert decision.state is DeliveryState.LOOKING_UP
    assert decision.next_attempt_at == NOW + timedelta(seconds=60)


def test_an_unknown_outcome_that_cannot_be_looked_up_waits_for_a_person_with_a_name() -> None:
    decision = after_outcome(LOST, replace(STEP, when_answer_is_lost=WhenAnswerIsLost.ASK_A_PERSON))
    assert decision.state is DeliveryState.WAITS_FOR_PERSON
    assert decision.owner == "it@roads.example"
    assert decision.next_attempt_at is None


def test_an_unknown_outcome_is_resent_only_where_the_file_says_so() -> None:
    assert after_outcome(LOST, replace(STEP, when_answer_is_lost=WhenAnswerIsLost.RESEND)).state is DeliveryState.READY


def test_an_agency_that_names_an_hour_is_not_asked_before_it() -> None:
    decision = after_outcome(replace(LATER, retry_after_s=900), STEP)
    assert decision.next_attempt_at == NOW + timedelta(seconds=900)


def test_after_three_days_of_trying_a_person_looks() -> None:
    decision = after_outcome(LATER, replace(STEP, attempts=30, now=NOW + timedelta(days=3)))
    assert decision.state is DeliveryState.WAITS_FOR_PERSON
    assert decision.owner == STEP.operator
    assert "3 days" in decision.reason


def test_a_look_up_that_settles_nothing_is_repeated_and_ends_with_a_person() -> None:
    again = after_unclear_look_up("two cases", STEP)
    assert (again.state, again.next_attempt_at) == (DeliveryState.LOOKING_UP, NOW + timedelta(seconds=60))
    at_last = after_unclear_look_up("two cases", replace(STEP, attempts=40, now=NOW + timedelta(days=3)))
    assert (at_last.state, at_last.owner) == (DeliveryState.WAITS_FOR_PERSON, STEP.operator)


def test_a_refusal_is_final() -> None:
    assert after_outcome(Outcome(OutcomeKind.REFUSED, "unknown kind"), STEP).state is DeliveryState.REFUSED


@given(st.integers(1, 100), st.text(max_size=5))
def test_waits_grow_and_are_the_same_in_every_run(attempts: int, seed: str) -> None:
    assert backoff_s(attempts, seed) == backoff_s(attempts, seed)
    assert 4 <= backoff_s(attempts, seed) <= 6 * 3600 * 1.2
    assert backoff_s(attempts + 2, seed) >= backoff_s(attempts, seed) * 0.6


@given(
    st.sampled_from(OutcomeKind),
    st.sampled_from(WhenAnswerIsLost),
    st.integers(1, 50),
    st.timedeltas(timedelta(0), timedelta(days=10)),
)
def test_no_delivery_rests_for_ever(kind: OutcomeKind, lost: WhenAnswerIsLost, attempts: int, age: timedelta) -> None:
    step = replace(STEP, attempts=attempts, now=NOW + age, when_answer_is_lost=lost)
    decision = after_outcome(Outcome(kind, "text"), step)
    at_rest = decision.state in (DeliveryState.DELIVERED, DeliveryState.REFUSED)
    with_a_person = decision.state is DeliveryState.WAITS_FOR_PERSON and decision.owner is not None
    assert [at_rest, with_a_person, decision.next_attempt_at is not None].count(True) == 1
