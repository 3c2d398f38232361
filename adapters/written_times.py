"""Times as old systems want them written: a form with codes, in a named zone (Q13). How they are read: adapters/times.py.

Promises: the same on every machine, whatever its language; a code that is not listed is a fault and never left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CODES: Mapping[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04}",
    "y": lambda at: f"{at.year % 100:02}",
    "m": lambda at: f"{at.month:02}",
    "d": lambda at: f"{at.day:02}",
    "H": lambda at: f"{at.hour:02}",
    "I": lambda at: f"{at.hour % 12 or 12:02}",
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "B": lambda at: _MONTHS[at.month - 1],
    "a": lambda at: _DAYS[at.weekday()][:3],
    "A": lambda at: _DAYS[at.weekday()],
    "f": lambda at: f"{at.microsecond:06}",
    "L": lambda at: f"{at.microsecond // 1000:03}",
    "s": lambda at: str(int(at.timestamp())),
    "z": lambda at: at.strftime("%z"),
    ":z": lambda at: at.isoformat(timespec="minutes")[16:],
    "%": lambda _at: "%",
}
_CODE = re.compile(r"%(:z|.?)", re.DOTALL)
_SHIFT = re.compile(r"([+-]?)(\d{1,6}) ?(s|m|h|d)")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BadForm(ValueError):
    """The form, the zone or the duration is none. The text says what is possible."""


def written(moment: datetime, form: str, zone: tzinfo) -> str:
    """`moment` in `form` and `zone`. Raises BadForm, and OverflowError at the ends of the calendar."""
    at = moment.astimezone(zone)

    def code(match: re.Match[str]) -> str:
        writer = _CODES.get(match[1])
        if writer is None:
            known = " ".join(f"%{name}" for name in _CODES)
            raise BadForm(f"`{match[0]}` is not a code of a time; known are {known}")
        return writer(at)

    return _CODE.sub(code, form)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """A zone by its name. Raises BadForm."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadForm("the zone must be a name such as `UTC` or `Europe/Moscow`") from None


def seconds_of(text: str) -> float:
    """Seconds of a duration with a sign, such as `-2m`. Raises BadForm."""
    match = _SHIFT.fullmatch(text)
    if match is None:
        raise BadForm("the duration must be such as `-2m`, `20s` or `3h`")
    seconds = int(match[2]) * _UNITS_S[match[3]]
    return float(-seconds if match[1] == "-" else seconds)
