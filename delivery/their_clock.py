"""By how much an agency's clock differs from ours, from the Date of its replies (Q12)."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median

_REMEMBERED = 9
_NO_DIFFERENCE_S = 2.0
_MOST_S = timedelta(days=1).total_seconds()


class TheirClock:
    """The median of the last few differences, so that one wrong Date moves nothing. Kept while the process lives."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_REMEMBERED)

    def note(self, date: str | None, now: datetime) -> None:
        """Take the Date header of a reply that came at `now`; what is no date, or more than a day off, tells nothing."""
        try:
            theirs = parsedate_to_datetime(date) if date else None
        except ValueError:
            return
        if theirs is None or theirs.tzinfo is None:
            return
        # The header has whole seconds: on average half of one was cut off.
        ahead_s = (theirs - now).total_seconds() + 0.5
        if abs(ahead_s) <= _MOST_S:
            self._seen.append(ahead_s)

    @property
    def ahead_s(self) -> float:
        """Seconds by which their clock is ahead; 0 for a difference too small to be known."""
        ahead_s = median(self._seen) if self._seen else 0.0
        return ahead_s if abs(ahead_s) >= _NO_DIFFERENCE_S else 0.0
