"""What a request may cost, and how much one caller may spend: judged before anything of the request is run.

Every caller has a bucket that fills by `per_s` up to `burst`; an operation takes its cost (`schema.extensions.cost`) out of it, and a document that
nobody knew before takes the price of reading it. The buckets are those of one process: with N processes behind one address a caller has up to N times
the rate. The memory is bounded; the callers seen longest ago are forgotten and begin anew with a full bucket.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from gateway.documents import Resolved
from gateway.refusals import Code, Refusal
from gateway.settings import Rate, Settings
from schema.extensions.known_documents import Operation
from schema.extensions.limits import too_costly

CHARS_READ_FOR_ONE = 5
"""So many characters of an unknown document cost as much as one field of an answer."""


class Buckets:
    """Token buckets by caller."""

    def __init__(self, rate: Rate, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str, cost: float) -> float:
        """Take `cost` out of the caller's bucket: 0.0, or how many seconds until there is enough, and then nothing is taken."""
        now_s = self._clock()
        left, seen_s = self._buckets.get(caller, (float(self._rate.burst), now_s))
        left = min(self._rate.burst, left + (now_s - seen_s) * self._rate.per_s)
        wait_s = 0.0 if left >= cost else (cost - left) / self._rate.per_s
        self._buckets[caller] = (left if wait_s else left - cost, now_s)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        self.refused += wait_s > 0
        return wait_s


class Allowance:
    """Charges requests for one door."""

    def __init__(self, settings: Settings) -> None:
        rate = settings.rate_in_force
        self._most = settings.limits.operation_cost
        self.buckets = Buckets(rate, settings.limits.callers_remembered) if rate.is_limited else None

    def charge(self, caller: str, resolved: Resolved) -> Operation:
        """Take the cost of a request whose document has no errors; the operation it means.

        Raises Fault (BAD_REQUEST: no such operation; TOO_COSTLY) or Refusal (429, TOO_MANY_REQUESTS).
        """
        operation = resolved.learned.operation(resolved.operation_name)
        cost = operation.cost.of(resolved.variables)
        if cost > self._most:
            raise too_costly("cost", self._most)
        self._take(caller, cost)
        return operation

    def charge_reading(self, caller: str, text: str) -> None:
        """Take the price of parsing and validating a text. Raises Refusal (429)."""
        self._take(caller, 1 + len(text) // CHARS_READ_FOR_ONE)

    def _take(self, caller: str, cost: int) -> None:
        wait_s = 0.0 if self.buckets is None else self.buckets.take(caller, cost)
        if wait_s:
            raise too_many(wait_s)


def too_many(wait_s: float) -> Refusal:
    whole_s = max(1, math.ceil(wait_s))
    return Refusal(
        429,
        Code.TOO_MANY_REQUESTS,
        f"Слишком много запросов подряд. Повторите через {whole_s} с или попросите меньше.",
        f"Too many requests in a row. Try again in {whole_s} s, or ask for less.",
        {"retry-after": str(whole_s)},
    )
