"""Whatever becomes of the answer: what the file says is to be done afterwards leaves one case, never two."""

from __future__ import annotations

import pytest

from domain.outcome import OutcomeKind, WhenAnswerIsLost
from tests.standard_suite.stages import FromFile, Stage

BROKEN = {
    "lost_reply": 1,
    "created_with_error": 1,
    "half_an_answer": 1,
    "ok_with_error": 0,
    "error_500": 0,
}
"""Fault → how many cases it makes."""


async def _tried(stage: Stage, fault: str, made: int, reference: str) -> None:
    message = stage.message(reference)
    await stage.disturb(fault)
    outcome = await stage.submit(message)
    assert outcome.kind is OutcomeKind.UNKNOWN, outcome.text
    assert await stage.count(reference) == made
    settled = await stage.settled(message, outcome)
    if stage.adapter.when_answer_is_lost is WhenAnswerIsLost.ASK_A_PERSON:
        assert settled is outcome
        return
    assert settled.kind is OutcomeKind.ACCEPTED, settled.text
    assert await stage.count(reference) == 1


@pytest.mark.parametrize("fault", BROKEN)
async def test_after_a_broken_answer_there_is_one_case(stage: FromFile, fault: str) -> None:
    """Q7, Q44, Q49, Q52: an error after the case was made, no answer at all, an error inside a success."""
    await _tried(stage, fault, BROKEN[fault], "26-0001-2345-8")


@pytest.mark.parametrize("fault", BROKEN)
async def test_after_a_broken_answer_the_real_sample_has_one_case(sample: Stage, fault: str) -> None:
    await _tried(sample, fault, BROKEN[fault], f"BROKEN-{fault}"[:30])


@pytest.mark.parametrize(("fault", "seconds"), [("silence", 5.0), ("slow_trickle", 0.2)])
async def test_an_agency_that_is_too_slow_is_left_in_time_and_nothing_is_guessed(
    stage: FromFile, fault: str, seconds: float
) -> None:
    await stage.disturb(fault, seconds=seconds)
    message = stage.message("26-0001-2345-8")
    impatient = stage.impatient()
    outcome = await stage.submit(message, impatient)
    await impatient.close()
    # On a busy machine even the login may not come about in time: then nothing was sent, and that is known.
    assert outcome.kind in (OutcomeKind.UNKNOWN, OutcomeKind.TRY_LATER), outcome.text
    await stage.calm()
    settled = await stage.settled(message, outcome)
    if stage.adapter.when_answer_is_lost is not WhenAnswerIsLost.ASK_A_PERSON:
        assert settled.kind is OutcomeKind.ACCEPTED
        assert await stage.count(message.reference) == 1


async def test_an_answer_in_another_charset_than_it_says_is_read_or_unknown(stage: FromFile) -> None:
    """Q28: a header that names the wrong charset."""
    await stage.disturb("wrong_charset")
    message = stage.message("26-0001-2345-8")
    outcome = await stage.submit(message)
    assert outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN)
    assert await stage.count(message.reference) == 1


async def test_credentials_that_are_refused_once_are_shown_again_or_the_call_comes_later(stage: FromFile) -> None:
    if not stage.file.connection.securities:
        pytest.skip("the file signs in with nothing")
    await stage.disturb("refuse_login")
    message = stage.message("26-0001-2345-8")
    outcome = await stage.submit(message)
    assert outcome.kind is not OutcomeKind.REFUSED
    assert (await stage.settled(message, outcome)).kind in (OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN)
    assert await stage.count(message.reference) <= 1
