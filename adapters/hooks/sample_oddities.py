"""Hooks of the sample agencies: what their files cannot say. They show what a hook looks like and are used by tests."""

from __future__ import annotations

import re

_HOUSE = re.compile(r"(\d+[а-яa-z]?)\s*$", re.IGNORECASE)


def house_number(address: object) -> str | None:
    """The number of the house at the end of an address."""
    found = _HOUSE.search(address) if isinstance(address, str) else None
    return found[1] if found else None


def never_ends(_value: object) -> str:
    """Shows that a hook is stopped."""
    count = 0
    while True:
        count += 1


def too_much(_value: object) -> list[int]:
    """Shows that what a hook gives is bounded."""
    return list(range(1_000_000))
