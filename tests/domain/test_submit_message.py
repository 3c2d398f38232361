"""The rules of intake, over the house's own reference data: what is decided, and what a form may hold."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.reference_data import load_reference_data
from domain.actions.submit_message import MAX_TEXT_CHARS, Place, SubmitMessage, submit_message
from domain.message import CategorySource
from domain.problem import Problem, ProblemsFound
from domain.status import Status
from gateway.facts import InstallationFacts

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FORM = SubmitMessage("8c1f", "На дороге у школы глубокая яма", "roads/pothole")


@pytest.fixture(scope="module")
def facts(config_folder: Path) -> InstallationFacts:
    return InstallationFacts(load_reference_data(config_folder), ["city-roads", "housing-inspection"])


def problems_of(form: SubmitMessage, facts: InstallationFacts) -> dict[str, str]:
    with pytest.raises(ProblemsFound) as found:
        submit_message(form, facts, NOW)
    return {".".join(problem.path): problem.code for problem in found.value.problems}


def test_a_message_with_a_category_goes_to_its_body_with_rule_reason_and_deadline(facts: InstallationFacts) -> None:
    accepted = submit_message(FORM, facts, NOW)
    assert accepted.status is Status.ROUTED
    assert accepted.route is not None
    assert accepted.route.organisation == "city-roads"
    assert accepted.route.reason.ru
    assert accepted.deadline.date > date(2026, 3, 2)
    assert accepted.deadline.rule_id


def test_words_that_agree_on_a_body_send_a_message_without_a_category_there(facts: InstallationFacts) -> None:
    accepted = submit_message(
        replace(FORM, category=None, text="В подъезде прорвало трубу отопления, течёт батарея"), facts, NOW
    )
    assert accepted.category is not None
    assert accepted.category.startswith("housing/")
    assert accepted.category_source is CategorySource.KEYWORDS
    assert accepted.route is not None
    assert accepted.route.organisation == "housing-inspection"


def test_words_that_say_nothing_bring_a_message_to_a_person_and_never_to_refusal(facts: InstallationFacts) -> None:
    accepted = submit_message(replace(FORM, category=None, text="Здравствуйте, подскажите пожалуйста"), facts, NOW)
    assert accepted.status is Status.ON_MODERATION
    assert (accepted.category, accepted.category_source, accepted.route) == (None, None, None)
    assert accepted.deadline.date


def test_the_citizens_own_choice_of_body_is_honoured_and_warned_about(facts: InstallationFacts) -> None:
    accepted = submit_message(replace(FORM, organisation="housing-inspection"), facts, NOW)
    assert accepted.route is not None
    assert accepted.route.organisation == "housing-inspection"
    assert accepted.route.warning is not None
    assert accepted.route.overridden_rule_id is not None


def test_every_problem_of_a_form_is_told_at_once(facts: InstallationFacts) -> None:
    form = SubmitMessage(
        "", " ", "roads/rainbow", Place(latitude=91, longitude=36), "nobody", tuple(uuid4() for _ in range(11))
    )
    assert problems_of(form, facts) == {
        "idempotencyKey": "KEY_NOT_USABLE",
        "text": "EMPTY",
        "category": "CATEGORY_UNKNOWN",
        "organisation": "ORGANISATION_UNKNOWN",
        "attachments": "TOO_MANY_ATTACHMENTS",
        "place.point.latitude": "POINT_NOT_POSSIBLE",
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EMPTY"),
        ("\n \t", "EMPTY"),
        ("я" * (MAX_TEXT_CHARS + 1), "TOO_LONG"),
        ("яма\x00", "CHARACTERS_NOT_ALLOWED"),
        ("яма\ud83d", "CHARACTERS_NOT_ALLOWED"),
        ("яма\x1b[31m", "CHARACTERS_NOT_ALLOWED"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_with_a_remedy(facts: InstallationFacts, text: str, code: str) -> None:
    assert problems_of(replace(FORM, text=text), facts) == {"text": code}


@pytest.mark.parametrize(
    ("place", "path", "code"),
    [
        (Place(latitude=0.0, longitude=0.0), "place.point", "POINT_OUTSIDE"),
        (Place(latitude=math.nan, longitude=36.0), "place.point.latitude", "POINT_NOT_POSSIBLE"),
        (Place(latitude=54.5, longitude=math.inf), "place.point.longitude", "POINT_NOT_POSSIBLE"),
        (Place(latitude=54.5, longitude=36.2, accuracy_m=-1), "place.point.accuracy", "ACCURACY_NOT_POSSIBLE"),
        (Place(territory="99999999"), "place.territory", "TERRITORY_UNKNOWN"),
        (Place(address="ул. Ленина\x00"), "place.address", "CHARACTERS_NOT_ALLOWED"),
    ],
)
def test_a_place_that_cannot_be_is_refused_where_it_is_wrong(
    facts: InstallationFacts, place: Place, path: str, code: str
) -> None:
    assert problems_of(replace(FORM, place=place), facts) == {path: code}


def test_a_branch_of_the_rubricator_is_not_a_topic(facts: InstallationFacts) -> None:
    assert problems_of(replace(FORM, category="roads"), facts) == {"category": "CATEGORY_TOO_BROAD"}


@given(text=st.text(max_size=300), category=st.sampled_from([None, "roads/pothole", "x"]), key=st.text(max_size=5))
def test_any_form_is_either_accepted_whole_or_refused_with_remedies_in_both_languages(
    facts: InstallationFacts, text: str, category: str | None, key: str
) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        accepted = submit_message(SubmitMessage(key, text, category), facts, NOW)
    except ProblemsFound as found:
        problems = found.problems
    else:
        assert (accepted.route is None) == (accepted.status is Status.ON_MODERATION)
        return
    assert problems
    for problem in problems:
        assert problem.ru.endswith(".")
        assert problem.en.endswith(".")
        assert len(text) < 4 or text not in problem.ru + problem.en


def test_the_same_words_have_the_same_fingerprint_and_others_another() -> None:
    assert FORM.fingerprint() == replace(FORM, idempotency_key="other").fingerprint()
    others = [
        replace(FORM, text="x"),
        replace(FORM, category=None),
        replace(FORM, place=Place(latitude=1.0, longitude=2.0)),
        replace(FORM, place=Place(latitude=2.0, longitude=1.0)),
        replace(FORM, organisation="city-roads"),
        replace(FORM, attachments=(uuid4(),)),
    ]
    assert len({FORM.fingerprint(), *(form.fingerprint() for form in others)}) == len(others) + 1
