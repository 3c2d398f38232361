"""Times as agencies write them: ISO 8601, seconds or milliseconds since 1970, or a form such as `%d-%b-%Y %H:%M:%S` (Q13).

Promises: the first form that fits counts; a time without a zone belongs to the zone that the caller names; of an hour that comes twice
the first is meant; names of months are understood in English and Russian whatever the machine's language is; what fits no form is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

ISO = "iso"
NAMED_FORMS = (ISO, "epoch", "epoch-ms", "net")
"""`net` is `/Date(1767225600000+0300)/`, as old .NET services write it."""

_MAX_LENGTH = 60
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_NET = re.compile(r"/Date\((-?\d{1,16})(?:[+-]\d{4})?\)/", re.ASCII)
_CODE = re.compile(r"%(.)")
_MONTHS = {
    name: number
    for names in (
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "янв фев мар апр мая июн июл авг сен окт ноя дек",
        "янв фев мар апр май июн июл авг сен окт ноя дек",
    )
    for number, name in enumerate(names.split(), 1)
}
_PARTS = {
    "d": r"(?P<day>\d{1,2})",
    "m": r"(?P<month>\d{1,2})",
    "b": r"(?P<name>[^\W\d_]{3,9})\.?",
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<short_year>\d{2})",
    "H": r"(?P<hour>\d{1,2})",
    "I": r"(?P<hour>\d{1,2})",
    "p": r"(?P<half>[AaPp])\.?[Mm]\.?",
    "M": r"(?P<minute>\d{2})",
    "S": r"(?P<second>\d{2})",
    "f": r"(?P<fraction>\d{1,9})",
    "z": r"(?P<zone>Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}


def bad_form(form: str) -> str | None:
    """Why this is not a form, or None when it is one."""
    if form in NAMED_FORMS:
        return None
    codes = _CODE.findall(form)
    unknown = [code for code in codes if code not in _PARTS]
    if unknown:
        return f"`%{unknown[0]}` does not exist here; the codes are " + " ".join(f"%{code}" for code in _PARTS)
    if len(set(codes) - {"%"}) != len([code for code in codes if code != "%"]) or {"H", "I"} <= set(codes):
        return "each part of a time stands once"
    if not ({"d"} <= set(codes) and {"m", "b"} & set(codes) and {"Y", "y"} & set(codes)):
        return f"a form has a day, a month and a year, or is one of {', '.join(NAMED_FORMS)}"
    return None


def moment_from(value: object, forms: Sequence[str], zone: tzinfo) -> datetime | None:
    """The time in UTC, or None where it fits no form or lies beyond the calendar."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value).strip()
    if len(text) > _MAX_LENGTH:
        return None
    for form in forms:
        try:
            moment = _read(text, form)
            if moment is not None:
                return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            # It has the look of this form and is no time, such as the 31st of February.
            continue
    return None


def _read(text: str, form: str) -> datetime | None:
    match form:
        case "iso":
            return datetime.fromisoformat(text)
        case "epoch" | "epoch-ms":
            number = _NUMBER.fullmatch(text)
            return _since_1970(float(text) / (1000 if form == "epoch-ms" else 1)) if number else None
        case "net":
            found = _NET.fullmatch(text)
            return _since_1970(int(found[1]) / 1000) if found else None
    found = _pattern(form).fullmatch(text)
    return _put_together(found.groupdict()) if found else None


def _since_1970(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@lru_cache(maxsize=1000)
def _pattern(form: str) -> re.Pattern[str]:
    pieces = _CODE.split(form)
    # Every second piece is a code; what stands between them is itself, and any run of spaces is one.
    texts = [
        _PARTS[piece] if number % 2 else re.sub(r"(?:\\ |\s)+", r"\\s+", re.escape(piece))
        for number, piece in enumerate(pieces)
    ]
    return re.compile("".join(texts), re.IGNORECASE)


def _put_together(parts: dict[str, str | None]) -> datetime | None:
    def number(name: str) -> int:
        return int(parts.get(name) or 0)

    month = number("month") or _MONTHS.get((parts.get("name") or "")[:3].lower(), 0)
    year = number("year") or 2000 + number("short_year")
    hour = number("hour")
    half = parts.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    moment = datetime(year, month, number("day"), hour, number("minute"), number("second"), microsecond)
    return moment.replace(tzinfo=_zone(parts["zone"])) if parts.get("zone") else moment


def _zone(text: str | None) -> timezone:
    if text is None or text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-distance if text[0] == "-" else distance)
