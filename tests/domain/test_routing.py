"""Routing by rule, by place, by day, and by the citizen's own choice."""

from __future__ import annotations

from datetime import date

import pytest

from domain.bilingual import Bilingual
from domain.category_pattern import is_category_pattern, matches_category
from domain.routing import CHOSEN_BY_CITIZEN, NoRoute, Route, Rule, route

CITY, REGION = "29701000", "29000000"
DAY = date(2026, 3, 1)


def rule(name: str, category: str, organisation: str, territory: str | None = None, **days: date) -> Rule:
    because = Bilingual(f"Потому что {name}.", f"Because {name}.")
    return Rule(name, category, organisation, because, territory, days.get("since"), days.get("until"))


RULES = (
    rule("city-signs", "roads/sign", "city-signs", CITY),
    rule("city-roads", "roads/*", "city-roads", CITY),
    rule("region-roads", "roads/*", "road-ministry", REGION),
)


def organisation(category: str | None, *chain: str, rules: tuple[Rule, ...] = RULES, on: date = DAY) -> str | None:
    found = route(rules, category, chain, None, on)
    return found.organisation if isinstance(found, Route) else None


def test_the_first_rule_that_fits_wins_and_gives_its_reason() -> None:
    assert route(RULES, "roads/sign", (CITY, REGION), None, DAY) == Route(
        "city-signs", "city-signs", Bilingual("Потому что city-signs.", "Because city-signs.")
    )


def test_a_rule_for_a_region_fits_every_municipality_below_it() -> None:
    assert organisation("roads/sign", "29602000", REGION) == "road-ministry"
    assert organisation("roads/pothole", CITY, REGION) == "city-roads"


def test_a_rule_for_a_municipality_does_not_fit_its_region() -> None:
    assert organisation("roads/pothole", REGION) == "road-ministry"


def test_a_message_without_a_place_fits_only_rules_for_everywhere() -> None:
    assert organisation("roads/pothole") is None
    assert organisation("roads/pothole", rules=(*RULES, rule("rest", "*", "reception"))) == "reception"


def test_no_rule_is_an_answer_that_can_be_shown() -> None:
    found = route(RULES, "medicine/drugs", (CITY, REGION), None, DAY)
    assert isinstance(found, NoRoute)
    assert found.reason.ru
    assert found.reason.en


def test_without_a_category_a_person_decides_even_when_a_rule_takes_everything() -> None:
    assert organisation(None, CITY, rules=(rule("rest", "*", "reception"),)) is None


def test_a_rule_is_in_force_from_its_first_to_its_last_day() -> None:
    rules = (rule("winter", "roads/*", "snow-service", since=date(2026, 11, 1), until=date(2027, 3, 31)),)
    days = [date(2026, 10, 31), date(2026, 11, 1), date(2027, 3, 31), date(2027, 4, 1)]
    assert [organisation("roads/snow", rules=rules, on=day) for day in days] == [
        None,
        "snow-service",
        "snow-service",
        None,
    ]


def test_a_citizens_choice_is_honoured_warned_about_and_recorded() -> None:
    found = route(RULES, "roads/pothole", (CITY, REGION), "road-ministry", DAY)
    assert isinstance(found, Route)
    assert (found.organisation, found.rule_id) == ("road-ministry", CHOSEN_BY_CITIZEN)
    assert found.overridden_rule_id == "city-roads"
    assert found.warning is not None
    assert "Потому что city-roads." in found.warning.ru
    assert "Because city-roads." in found.warning.en


def test_a_choice_the_rules_agree_with_needs_no_warning() -> None:
    found = route(RULES, "roads/pothole", (CITY, REGION), "city-roads", DAY)
    assert isinstance(found, Route)
    assert (found.warning, found.overridden_rule_id) == (None, None)


@pytest.mark.parametrize("category", ["medicine/drugs", None])
def test_a_choice_the_rules_know_nothing_about_is_honoured_with_a_warning(category: str | None) -> None:
    found = route(RULES, category, (CITY,), "road-ministry", DAY)
    assert isinstance(found, Route)
    assert found.organisation == "road-ministry"
    assert found.warning is not None
    assert found.overridden_rule_id is None


@pytest.mark.parametrize(
    ("pattern", "category", "fits"),
    [
        ("*", "roads/sign", True),
        ("*", None, True),
        ("roads/*", "roads/sign", True),
        ("roads/*", "roads", True),
        ("roads/*", "roads-new/sign", False),
        ("roads/*", None, False),
        ("roads/sign", "roads/sign", True),
        ("roads/sign", "roads/signal", False),
    ],
)
def test_a_pattern_fits_what_it_says(pattern: str, category: str | None, fits: bool) -> None:
    assert matches_category(pattern, category) is fits


@pytest.mark.parametrize("pattern", ["", "roads", "roads/", "/*", "*/sign", "roads/*/x", "Roads/*", "roads/**"])
def test_other_forms_of_patterns_are_not_patterns(pattern: str) -> None:
    assert not is_category_pattern(pattern)
