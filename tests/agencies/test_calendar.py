"""The Russian working calendar against days that are known."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from agencies.calendar import RussianCalendar, load_calendar
from agencies.source import FileFaults

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def calendar() -> RussianCalendar:
    return load_calendar(CONFIG / "calendar.yaml")


@pytest.mark.parametrize(
    "day", [date(2021, 2, 20), date(2024, 4, 27), date(2025, 11, 1), date(2026, 1, 12), date(2026, 3, 10)]
)
def test_a_known_working_day_is_one(calendar: RussianCalendar, day: date) -> None:
    assert calendar.is_working_day(day)


@pytest.mark.parametrize(
    "day",
    [
        date(2024, 4, 29),
        date(2024, 4, 30),
        date(2024, 12, 30),
        date(2025, 5, 2),
        date(2025, 11, 3),
        date(2026, 1, 9),
        date(2026, 12, 31),
        date(2026, 3, 9),
    ],
)
def test_a_known_day_off_is_one(calendar: RussianCalendar, day: date) -> None:
    assert not calendar.is_working_day(day)


@pytest.mark.parametrize("day", [date(2020, 4, 1), date(2020, 7, 1), date(2021, 5, 5), date(2021, 11, 3)])
def test_a_one_off_day_by_decree_is_off_although_the_yearly_calendar_works(
    calendar: RussianCalendar, day: date
) -> None:
    assert RussianCalendar().is_working_day(day)
    assert not calendar.is_working_day(day)


@pytest.mark.parametrize(
    ("year", "days"), [(2020, 248), (2021, 247), (2022, 247), (2023, 247), (2024, 248), (2025, 247), (2026, 247)]
)
def test_the_yearly_calendar_has_the_known_number_of_working_days(year: int, days: int) -> None:
    calendar, first = RussianCalendar(), date(year, 1, 1)
    whole_year = (first + timedelta(days=offset) for offset in range((date(year + 1, 1, 1) - first).days))
    assert sum(calendar.is_working_day(day) for day in whole_year) == days


def test_a_short_day_is_a_working_day(calendar: RussianCalendar) -> None:
    assert calendar.is_short_day(date(2025, 11, 1))
    assert not calendar.is_short_day(date(2025, 11, 5))
    assert all(calendar.is_working_day(day) for day in calendar.short_days)


def test_a_span_can_also_make_days_working(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(
        "version: 2026.2\ndays: [{from: 2026-01-09, until: 2026-01-09, kind: working, because: a decree}]\n"
    )
    assert load_calendar(path).is_working_day(date(2026, 1, 9))


def test_faults_of_the_calendar_say_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(
        "version: 2026.2\n"
        "days:\n"
        "  - {from: 2026-05-04, until: 2026-05-06, kind: 'off', because: a decree}\n"
        "  - {from: 2026-05-06, until: 2026-05-06, kind: working, because: another}\n"
        "  - {from: 2026-06-06, until: 2026-06-01, kind: 'off', because: backwards}\n"
        "short:\n"
        "  - 2026-05-05\n"
    )
    with pytest.raises(FileFaults) as raised:
        load_calendar(path)
    assert [(fault.line, fault.code) for fault in raised.value.faults] == [
        (4, "repeated-day"),
        (5, "bad-value"),
        (7, "bad-value"),
    ]
