"""Deadlines: by which day a message must be answered (A-058, P12).

Promises: pure — the calendar is given; the day of receipt is day 0 and the first working day after it is day 1, so a
message of Saturday and one of the Friday before have the same deadline; the first rule that matches wins; every regime
must have a rule for every category, and a missing one is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from domain.bilingual import Bilingual
from domain.category_pattern import matches_category

EVERY_REGIME = "*"
MOST_DAYS = 365
"""No rule may give an organisation more days than this."""
_LONGEST_PAUSE_DAYS = 60  # no calendar has two months without a working day: a broken one must not loop


class WorkingCalendar(Protocol):
    """What the rules need to know about days."""

    def is_working_day(self, day: date) -> bool:
        """Whether public bodies work on this day."""
        ...


class NoDeadlineRule(LookupError):
    """No rule speaks about this regime and category on this day: the table must end with one that does."""


@dataclass(frozen=True)
class DeadlineRule:
    """One row of the table. Exactly one of `working_days` and `calendar_days` is set, 1 to `MOST_DAYS`.

    `regime` is `MESSAGE`, `APPEAL_59FZ`, `PRETRIAL_COMPLAINT` or `*`; `category` is a pattern; `valid_from` and
    `valid_until` are the first and the last day of receipt it is for. Raises `ValueError`.
    """

    id: str
    regime: str
    category: str
    because: Bilingual
    working_days: int | None = None
    calendar_days: int | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        given = [days for days in (self.working_days, self.calendar_days) if days is not None]
        if len(given) != 1 or not 1 <= given[0] <= MOST_DAYS:
            raise ValueError(f"deadline rule {self.id} needs working_days or calendar_days, from 1 to {MOST_DAYS}")

    def matches(self, regime: str, category: str | None, received_on: date) -> bool:
        """Whether the rule is for a message of this regime and category received on this day."""
        if self.valid_from is not None and received_on < self.valid_from:
            return False
        if self.valid_until is not None and received_on > self.valid_until:
            return False
        return self.regime in (EVERY_REGIME, regime) and matches_category(self.category, category)


@dataclass(frozen=True)
class Deadline:
    """The last day for the answer (in the organisation's zone), how many working days that gives, and which rule."""

    date: date
    working_days: int
    rule_id: str


def deadline(
    rules: Iterable[DeadlineRule], regime: str, category: str | None, received_on: date, calendar: WorkingCalendar
) -> Deadline:
    """The deadline of a message received on a day. Raises `NoDeadlineRule`.

    A message without a category yet has the deadline of the rules for `*`.

    A deadline in calendar days that falls on a day off ends on the last working day before it, so that the citizen
    never waits longer than the rule says; it ends on that day itself when there is no working day in between.
    """
    for rule in rules:
        if not rule.matches(regime, category, received_on):
            continue
        if rule.working_days is not None:
            last = nth_working_day(received_on, rule.working_days, calendar)
            return Deadline(last, rule.working_days, rule.id)
        last = _last_working_day(received_on, received_on + timedelta(days=rule.calendar_days or 0), calendar)
        return Deadline(last, working_days_between(received_on, last, calendar), rule.id)
    raise NoDeadlineRule(f"no deadline rule is for {regime} and {category or 'no category'} received on {received_on}")


def nth_working_day(after: date, count: int, calendar: WorkingCalendar) -> date:
    """The `count`-th working day (≥ 1) after a day. Raises `ValueError` for a calendar without working days."""
    day, found, pause_days = after, 0, 0
    while found < count:
        day += timedelta(days=1)
        pause_days += 1
        if calendar.is_working_day(day):
            found += 1
            pause_days = 0
        elif pause_days > _LONGEST_PAUSE_DAYS:
            raise ValueError(f"the calendar has no working day in the {_LONGEST_PAUSE_DAYS} days before {day}")
    return day


def working_days_between(after: date, until: date, calendar: WorkingCalendar) -> int:
    """How many working days lie after one day, up to and including another; 0 when `until` is not later."""
    days = ((after + timedelta(days=offset)) for offset in range(1, (until - after).days + 1))
    return sum(calendar.is_working_day(day) for day in days)


def _last_working_day(after: date, until: date, calendar: WorkingCalendar) -> date:
    day = until
    while day > after:
        if calendar.is_working_day(day):
            return day
        day -= timedelta(days=1)
    return until
