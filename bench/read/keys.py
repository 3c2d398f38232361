"""Keys that follow from a number, so that rows of different tables find each other without a look-up and every load is the same."""

from __future__ import annotations

import random
from datetime import UTC, datetime

ISSUER = "https://sign-in.bench.example"
TEST_CITIZENS = 50
"""People with `OWN_MESSAGES` each, whatever the size of the load; everybody else has few."""
OWN_MESSAGES = 40
STAFF = "staff"
"""The subject of somebody who may read every message."""
STAFF_NUMBER = 0
_MILLISECONDS_FIRST = 0x018F_0000_0000
_EVENTS_A_MESSAGE = 16


def person_key(number: int) -> str:
    """The `person.id` of the `number`-th person; 0 is the member of staff, 1 to `TEST_CITIZENS` the test citizens."""
    return f"{_MILLISECONDS_FIRST >> 16:08x}-{_MILLISECONDS_FIRST & 0xFFFF:04x}-7000-8000-{number:012x}"


def subject(number: int) -> str:
    return STAFF if number == STAFF_NUMBER else f"citizen-{number:06}"


def timed_key(moment_s: float, chance: random.Random) -> str:
    """A UUIDv7 of a moment (epoch seconds)."""
    at_ms, bits = int(moment_s * 1000), chance.getrandbits(74)
    return f"{at_ms >> 16:08x}-{at_ms & 0xFFFF:04x}-7{bits >> 62:03x}-{0x8000 | (bits >> 48 & 0x3FFF):04x}-{bits & 0xFFFFFFFFFFFF:012x}"


def event_key(message: int, number: int) -> int:
    """The `event.id` of the `number`-th event of the `message`-th message (both from 0); ids grow in the order of a message's history."""
    return message * _EVENTS_A_MESSAGE + number + 1


def iso(moment_s: float) -> str:
    """As PostgreSQL reads it."""
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="milliseconds")
