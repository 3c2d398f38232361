"""Deadlines: counted in working days from the day after receipt, by the first rule that fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from domain.bilingual import Bilingual
from domain.deadlines import Deadline, DeadlineRule, NoDeadlineRule, deadline, nth_working_day, working_days_between

BECAUSE = Bilingual("Так решено.", "So it is decided.")
FRIDAY, SATURDAY, MONDAY = date(2026, 3, 13), date(2026, 3, 14), date(2026, 3, 16)


@dataclass(frozen=True)
class PlainWeek:
    """Monday to Friday, and some days off."""

    off: frozenset[date] = frozenset()

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.off


class NeverWorking:
    def is_working_day(self, day: date) -> bool:
        return day.year < 1900


def rule(name: str, regime: str, category: str, days: int, **more: date) -> DeadlineRule:
    return DeadlineRule(name, regime, category, BECAUSE, days, None, more.get("since"), more.get("until"))


RULES = (
    DeadlineRule("appeal", "APPEAL_59FZ", "*", BECAUSE, calendar_days=30),
    rule("snow", "MESSAGE", "roads/snow", 2),
    rule("rest", "*", "*", 20),
)


def test_the_day_of_receipt_is_not_counted() -> None:
    assert deadline(RULES, "MESSAGE", "roads/snow", MONDAY, PlainWeek()) == Deadline(date(2026, 3, 18), 2, "snow")


def test_a_weekend_is_skipped_and_gives_no_extra_day() -> None:
    for received in (FRIDAY, SATURDAY, SATURDAY + timedelta(days=1)):
        assert deadline(RULES, "MESSAGE", "roads/snow", received, PlainWeek()).date == date(2026, 3, 17)


def test_a_day_off_moves_the_deadline() -> None:
    calendar = PlainWeek(frozenset({date(2026, 3, 17)}))
    assert deadline(RULES, "MESSAGE", "roads/snow", MONDAY, calendar).date == date(2026, 3, 19)


def test_the_first_rule_for_the_regime_and_category_wins() -> None:
    cases: list[tuple[str, str | None]] = [
        ("MESSAGE", "roads/snow"),
        ("MESSAGE", "roads/sign"),
        ("MESSAGE", None),
        ("APPEAL_59FZ", "roads/snow"),
        ("PRETRIAL_COMPLAINT", "roads/snow"),
    ]
    found = [deadline(RULES, regime, category, MONDAY, PlainWeek()).rule_id for regime, category in cases]
    assert found == ["snow", "rest", "rest", "appeal", "rest"]


def test_calendar_days_that_end_on_a_day_off_end_before_it() -> None:
    received = date(2026, 3, 5)  # thirty days later is a Saturday
    found = deadline(RULES, "APPEAL_59FZ", None, received, PlainWeek())
    assert found == Deadline(date(2026, 4, 3), 21, "appeal")


def test_a_rule_is_chosen_by_the_day_of_receipt() -> None:
    rules = (rule("winter", "MESSAGE", "*", 1, since=date(2026, 11, 1), until=date(2026, 11, 30)), *RULES)
    days = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)]
    found = [deadline(rules, "MESSAGE", None, day, PlainWeek()).rule_id for day in days]
    assert found == ["rest", "winter", "winter", "rest"]


def test_no_rule_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(NoDeadlineRule, match="APPEAL_59FZ"):
        deadline(RULES[1:2], "APPEAL_59FZ", "roads/snow", MONDAY, PlainWeek())


def test_a_calendar_without_working_days_is_refused_and_does_not_hang() -> None:
    with pytest.raises(ValueError, match="no working day"):
        nth_working_day(MONDAY, 1, NeverWorking())


@pytest.mark.parametrize("terms", [(None, None), (1, 1), (0, None), (None, 366), (-1, None)])
def test_a_rule_has_exactly_one_sensible_term(terms: tuple[int | None, int | None]) -> None:
    with pytest.raises(ValueError, match="needs working_days or calendar_days"):
        DeadlineRule("bad", "*", "*", BECAUSE, *terms)


def test_counting_and_finding_working_days_agree() -> None:
    calendar = PlainWeek(frozenset({date(2026, 3, 17)}))
    for count in range(1, 60):
        for received in (FRIDAY, SATURDAY, MONDAY):
            last = nth_working_day(received, count, calendar)
            assert calendar.is_working_day(last)
            assert working_days_between(received, last, calendar) == count
