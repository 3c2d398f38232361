"""Who wrote a moment ago, and how far the log of the primary was then: so that nobody reads a replica that has not seen their own words yet.

A place in the log is PostgreSQL's LSN; outside it is written as PostgreSQL writes it, `0/3000148`. The memory is short and bounded: a replica that is
in use lags `keep_s` at most, so what is older than that has reached it, and what had to be forgotten earlier counts as written by everybody.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

_MOST_PEOPLE: Final = 50_000
_LSN: Final = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
NOT_KNOWN: Final = (1 << 64) - 1
"""A place after every other: when somebody wrote and the place could not be learnt."""


def read_lsn(text: str) -> int | None:
    """The place as a number, or None when the text is none."""
    found = _LSN.fullmatch(text)
    return None if found is None else int(found[1], 16) << 32 | int(found[2], 16)


def write_lsn(place: int) -> str:
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


class Written:
    """The last writes of people, for as long as they matter."""

    def __init__(self, keep_s: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._clock_s = clock_s
        self._places: OrderedDict[UUID, tuple[int, float]] = OrderedDict()
        self._everybody = (0, 0.0)

    def note(self, person_id: UUID, place: int) -> None:
        """The person's write is in the log at or before `place`."""
        now_s = self._clock_s()
        before = self._places.pop(person_id, (0, 0.0))[0]
        # What came from another process may be older than what we know.
        self._places[person_id] = (max(place, before), now_s)
        while self._places:
            eldest, (their_place, noted_s) = next(iter(self._places.items()))
            if now_s - noted_s <= self._keep_s and len(self._places) <= _MOST_PEOPLE:
                return
            del self._places[eldest]
            if now_s - noted_s <= self._keep_s:
                self.note_everybody(their_place)

    def note_everybody(self, place: int) -> None:
        """Anybody may have written up to `place`."""
        self._everybody = (max(place, self._everybody[0]), self._clock_s())

    def place(self, person_id: UUID | None) -> int:
        """What a replica must have replayed before this person may read it; 0 when nothing is remembered."""
        now_s = self._clock_s()
        everybody, forgotten_s = self._everybody
        if everybody and now_s - forgotten_s > self._keep_s:
            self._everybody, everybody = (0, 0.0), 0
        if person_id is None or person_id not in self._places:
            return everybody
        theirs, noted_s = self._places[person_id]
        return max(everybody, theirs) if now_s - noted_s <= self._keep_s else everybody
