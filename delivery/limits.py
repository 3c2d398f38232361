"""How fast one agency may be called.

One agency's calls are made by the holder of its turn alone, so a count in this process is enough; a takeover starts with an empty bucket and can
exceed the rate by one burst at most.
"""

from __future__ import annotations

import asyncio
import math
import time


class Pace:
    """At most `per_minute` calls, spread evenly, with a burst of `at_once`."""

    def __init__(self, per_minute: int, at_once: int) -> None:
        self._interval_s = 60.0 / per_minute
        self._burst = max(1, at_once)
        self._free_at = 0.0

    async def wait(self, at_most_s: float = math.inf) -> bool:
        """Return when the next call may be made. False at once, and no turn taken, when that would be later than `at_most_s`."""
        now = time.monotonic()
        earliest = max(self._free_at, now - self._interval_s * (self._burst - 1))
        delay_s = earliest - now
        if delay_s > at_most_s:
            return False
        self._free_at = earliest + self._interval_s
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        return True
