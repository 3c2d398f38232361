"""What a request may cost, and how much one caller may spend: judged before anything of the request is run.

Every caller has a bucket that fills by `per_s` up to `burst`; an operation takes its cost (`schema.extensions.cost`) out
of it. A document that nobody knew before takes the price of reading it: first what its length foretells, and once it is
read what it really took. A document that is known to be wrong takes the price of saying so. The buckets are those of one
process: with N processes behind one address a caller has up to N times the rate. The memory is bounded; the callers seen
longest ago are forgotten and begin anew with a full bucket.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.refusals import Code, Refusal
from gateway.settings import Rate, Settings
from schema.extensions.known_documents import Operation
from schema.extensions.limits import too_costly

if TYPE_CHECKING:
    from gateway.documents import Resolved

PROCESSOR_S_FOR_ONE = 0.00001
"""So much of the processor's time is worth as much as one field of an answer; that is about what a field takes."""
READING_AT_LEAST = 30
CHARS_READ_FOR_ONE = 4
"""So many characters of an unknown document take about as long to read as one field of an answer; `READING_AT_LEAST` comes before the first."""
BYTES_FREE = 65_536
"""A body up to here is read for nothing: there is hardly a request that is larger."""
BYTES_READ_FOR_ONE = 1_000
"""So many bytes of a body of JSON take about as long to read as one field of an answer."""
WRONG_AGAIN = 20
"""What a refusal costs (a document that is known to be wrong, too large an operation): the request has to be read and answered all the same."""


class Buckets:
    """Token buckets by caller."""

    def __init__(self, rate: Rate, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0
        self.charged = 0.0
        """What was taken out of all of them."""

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str, cost: float) -> float:
        """Take `cost` out of the caller's bucket: 0.0, or how many seconds until there is enough, and then nothing is taken."""
        left = self._left(caller)
        wait_s = 0.0 if left >= cost else (cost - left) / self._rate.per_s
        self._keep(caller, left if wait_s else left - cost)
        self.refused += wait_s > 0
        self.charged += 0 if wait_s else cost
        return wait_s

    def settle(self, caller: str, more: float) -> None:
        """Take `more` for something that was done already, on credit if need be; give back what is below zero."""
        self._keep(caller, min(self._rate.burst, self._left(caller) - more))
        self.charged += more

    def _left(self, caller: str) -> float:
        now_s = self._clock()
        left, seen_s = self._buckets.get(caller, (float(self._rate.burst), now_s))
        return min(self._rate.burst, left + (now_s - seen_s) * self._rate.per_s)

    def _keep(self, caller: str, left: float) -> None:
        self._buckets[caller] = (left, self._clock())
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)


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

    def charge_reading(self, caller: str, text: str) -> int:
        """Take what parsing and judging a text of this length costs as a rule; how much that is. Raises Refusal (429)."""
        foretold = READING_AT_LEAST + len(text) // CHARS_READ_FOR_ONE
        self._take(caller, foretold)
        return foretold

    def charge_body(self, caller: str, size_bytes: int) -> None:
        """Take what reading a large body of JSON costs. Raises Refusal (429)."""
        if size_bytes > BYTES_FREE:
            self._take(caller, (size_bytes - BYTES_FREE) // BYTES_READ_FOR_ONE)

    def settle_reading(self, caller: str, foretold: int, spent_s: float) -> None:
        """The text was read: take, or give back, what the processor time it took is worth more or less than was foretold."""
        if self.buckets is not None:
            self.buckets.settle(caller, spent_s / PROCESSOR_S_FOR_ONE - foretold)

    def charge_wrong(self, caller: str) -> None:
        """Take the price of a refusal. Raises Refusal (429)."""
        self._take(caller, WRONG_AGAIN)

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
