"""The table of moves (P6): what is in it, what is not, and that its walk can never go astray."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.status import ALLOWED_MOVES, CLOSED_TO_AGENCIES, FINAL, Mover, Status, judge_move

S = Status


@pytest.mark.parametrize(
    ("current", "wanted", "mover"),
    [
        (S.RECEIVED, S.ROUTED, Mover.HUB),
        (S.RECEIVED, S.ON_MODERATION, Mover.HUB),
        (S.ROUTED, S.DELIVERED, Mover.HUB),
        (S.ROUTED, S.ON_MODERATION, Mover.HUB),
        (S.ROUTED, S.REGISTERED, Mover.AGENCY),
        (S.DELIVERED, S.REGISTERED, Mover.AGENCY),
        (S.REGISTERED, S.IN_PROGRESS, Mover.AGENCY),
        (S.IN_PROGRESS, S.WAITING_FOR_CITIZEN, Mover.AGENCY),
        (S.WAITING_FOR_CITIZEN, S.IN_PROGRESS, Mover.AGENCY),
        (S.DELIVERED, S.ANSWERED, Mover.AGENCY),
        (S.PLANNED, S.CLOSED_UNSOLVED, Mover.AGENCY),
        (S.ANSWERED, S.SOLVED, Mover.CITIZEN),
        (S.ANSWERED, S.ROUTED, Mover.CITIZEN),
        (S.IN_PROGRESS, S.WITHDRAWN, Mover.CITIZEN),
    ],
)
def test_a_move_of_the_ordinary_life_is_made(current: Status, wanted: Status, mover: Mover) -> None:
    assert judge_move(current, wanted, mover).applies


@pytest.mark.parametrize(
    ("current", "wanted", "mover"),
    [
        (S.ANSWERED, S.IN_PROGRESS, Mover.AGENCY),
        (S.ANSWERED, S.SOLVED, Mover.AGENCY),
        (S.WITHDRAWN, S.DELIVERED, Mover.HUB),
        (S.IN_PROGRESS, S.REGISTERED, Mover.AGENCY),
        (S.IN_PROGRESS, S.DELIVERED, Mover.AGENCY),
        (S.ROUTED, S.DELIVERED, Mover.AGENCY),
        (S.ANSWERED, S.WITHDRAWN, Mover.CITIZEN),
        (S.RECEIVED, S.SOLVED, Mover.OFFICIAL),
        (S.ON_MODERATION, S.ROUTED, Mover.AGENCY),
    ],
)
def test_a_move_outside_the_table_is_refused_with_a_reason(current: Status, wanted: Status, mover: Mover) -> None:
    judgement = judge_move(current, wanted, mover)
    assert not judgement.applies
    assert judgement.reason


def test_a_state_moves_to_itself_never() -> None:
    assert not any(current is wanted for current, wanted in ALLOWED_MOVES)
    assert judge_move(S.ROUTED, S.ROUTED, Mover.HUB).reason == "the message is in this state already"


def test_only_people_open_what_is_answered_or_closed() -> None:
    for (current, _), movers in ALLOWED_MOVES.items():
        if current in CLOSED_TO_AGENCIES:
            assert movers <= {Mover.CITIZEN, Mover.OFFICIAL}


def test_only_a_citizen_or_an_official_calls_a_message_solved() -> None:
    assert all(
        movers <= {Mover.CITIZEN, Mover.OFFICIAL} for (_, wanted), movers in ALLOWED_MOVES.items() if wanted is S.SOLVED
    )


def test_every_state_can_be_reached_and_every_open_state_can_be_left() -> None:
    assert {wanted for _, wanted in ALLOWED_MOVES} == set(S) - {S.RECEIVED}
    assert {current for current, _ in ALLOWED_MOVES} >= set(S) - FINAL


@given(current=st.sampled_from(S), wanted=st.sampled_from(S), mover=st.sampled_from(Mover))
def test_a_judgement_is_either_applied_or_explained(current: Status, wanted: Status, mover: Mover) -> None:
    judgement = judge_move(current, wanted, mover)
    assert judgement.applies == (judgement.reason is None)


class LifeOfAMessage(RuleBasedStateMachine):
    """Anybody may ask for anything at any time; the table keeps the message on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.status = S.RECEIVED

    @rule(wanted=st.sampled_from(S), mover=st.sampled_from(Mover))
    def ask(self, wanted: Status, mover: Mover) -> None:
        before = self.status
        if judge_move(before, wanted, mover).applies:
            self.status = wanted
            if before in CLOSED_TO_AGENCIES:
                assert mover in (Mover.CITIZEN, Mover.OFFICIAL)

    @invariant()
    def nothing_goes_back_to_its_beginning(self) -> None:
        assert self.status is S.RECEIVED or self.status in {wanted for _, wanted in ALLOWED_MOVES}


TestLifeOfAMessage = LifeOfAMessage.TestCase
