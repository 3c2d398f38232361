"""The Russian working calendar: the yearly transfers of days off, and what `config/calendar.yaml` adds to them.

Promises: the file wins over the yearly calendar; a day the file says nothing about follows the package `holidays`, which
holds the transfers of the government's yearly decrees; the version says when open deadlines must be counted again.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Literal

import holidays
from pydantic import Field

from agencies.source import Fault, FileFaults, FileModel, Source

_MOST_SPAN_DAYS = 60  # longer than any one-off pause so far; guards against a mistyped year


class SpanFile(FileModel):
    """Days, first to last, that are off or working against the yearly calendar."""

    from_: Annotated[date, Field(alias="from")]
    until: date
    kind: Literal["off", "working"]
    because: Annotated[str, Field(min_length=1)]


class CalendarFile(FileModel):
    """`config/calendar.yaml`."""

    version: Annotated[str, Field(pattern=r"^[0-9]{4}\.[0-9]+$")]
    days: tuple[SpanFile, ...] = ()
    short: tuple[date, ...] = ()


@dataclass(frozen=True)
class RussianCalendar:
    """Which days public bodies work. `overrides` says True for working, False for off; `short_days` are working days."""

    version: str = "0000.0"
    overrides: Mapping[date, bool] = field(default_factory=dict)
    short_days: frozenset[date] = frozenset()
    _yearly: holidays.HolidayBase = field(
        default_factory=lambda: holidays.country_holidays("RU"), repr=False, compare=False
    )

    def is_working_day(self, day: date) -> bool:
        """Whether public bodies work on this day."""
        decided = self.overrides.get(day)
        return bool(self._yearly.is_working_day(day)) if decided is None else decided

    def is_short_day(self, day: date) -> bool:
        """Whether this working day is one hour shorter."""
        return day in self.short_days


def load_calendar(path: pathlib.Path) -> RussianCalendar:
    """The calendar with the file's days. Raises `FileFaults`."""
    source = Source.read(path)
    file = source.typed(CalendarFile)
    overrides: dict[date, bool] = {}
    faults: list[Fault] = []
    for place, span in enumerate(file.days):
        length_days = (span.until - span.from_).days + 1
        if not 1 <= length_days <= _MOST_SPAN_DAYS:
            text = f"must be on or after `from`, and at most {_MOST_SPAN_DAYS} days long"
            faults.append(source.fault(("days", place, "until"), "bad-value", text))
            continue
        for day in (span.from_ + timedelta(days=offset) for offset in range(length_days)):
            if day in overrides:
                faults.append(source.fault(("days", place), "repeated-day", f"{day} is already in a line above"))
            overrides[day] = span.kind == "working"
    calendar = RussianCalendar(file.version, overrides, frozenset(file.short))
    for place, day in enumerate(file.short):
        if not calendar.is_working_day(day):
            faults.append(source.fault(("short", place), "bad-value", f"{day} is a day off and cannot be a short day"))
    if faults:
        raise FileFaults(faults)
    return calendar
