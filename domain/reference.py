"""The reference: the number people read aloud. `26-0001-2345-8`: two digits of the year, eight of a counter, one check digit.

Digits only, because it is dictated by telephone. The check digit is Damm's: it catches every single wrong digit and every swap of two neighbours.
"""

from __future__ import annotations

import re

MAX_SERIAL = 99_999_999

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
_SEPARATORS = re.compile(r"[\s\-‐-―−]+")


def _check_digit(digits: str) -> int:
    row = 0
    for digit in digits:
        row = _DAMM[row][int(digit)]
    return row


def make_reference(year: int, serial: int) -> str:
    """The reference of the `serial`-th message (1 … 99 999 999) of a year."""
    if not 1 <= serial <= MAX_SERIAL:
        message = f"a year has references for serial numbers 1 to {MAX_SERIAL}, not {serial}"
        raise ValueError(message)
    digits = f"{year % 100:02}{serial:08}"
    return f"{digits[:2]}-{digits[2:6]}-{digits[6:]}-{_check_digit(digits)}"


def read_reference(spoken: str) -> str | None:
    """The canonical form of what somebody typed, or None when it cannot be a reference: wrong length, other characters, wrong check digit."""
    digits = _SEPARATORS.sub("", spoken)
    if len(digits) != 11 or not (digits.isascii() and digits.isdigit()) or _check_digit(digits) != 0:
        return None
    return f"{digits[:2]}-{digits[2:6]}-{digits[6:10]}-{digits[10]}"


def reference_beginning(spoken: str) -> str | None:
    """The beginning of a reference in its canonical form, `26-0001-2`; None for fewer than four digits, more than ten, or anything but digits."""
    digits = _SEPARATORS.sub("", spoken)
    if not 4 <= len(digits) <= 10 or not (digits.isascii() and digits.isdigit()):
        return None
    return "-".join(part for part in (digits[:2], digits[2:6], digits[6:]) if part)
