"""What one gateway process counts, for operators. No label holds anything that a caller typed: operations are named only when they are trusted.

Counting costs a request about a microsecond; everything else is read when somebody asks, by `gateway.metrics_text`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from agencies.registry import Registry
from gateway.leaving import Leaving
from schema.plan.statement import PlanCacheInfo
from store.changes import ChangeFeed
from store.unit import Database

if TYPE_CHECKING:
    from gateway.allowance import Buckets

OTHER: Final = "other"
BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_MOST_NAMES: Final = 500


class Latency:
    """Counts per bound, the last one for what took longer, and the sum."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds


class Metrics:
    """The counters of one process, and what else it can tell of."""

    def __init__(self, database: Database, changes: ChangeFeed, leaving: Leaving, registry: Registry) -> None:
        self.database = database
        self.registry = registry
        self.changes = changes
        self.leaving = leaving
        self._plans: list[Callable[[], PlanCacheInfo]] = []
        self.buckets: Buckets | None = None
        """None where nothing is rationed."""
        self.operations: Counter[tuple[str, str]] = Counter()
        self.latencies: dict[str, Latency] = {}

    def watch(self, plans: Callable[[], PlanCacheInfo], buckets: Buckets | None) -> None:
        """Tell of the plan cache of one more schema, and of the callers' allowances too."""
        self._plans.append(plans)
        self.buckets = buckets

    def plans(self) -> PlanCacheInfo:
        """The plan caches of all schemas together."""
        whole = PlanCacheInfo()
        for one in [plans() for plans in self._plans]:
            for name in PlanCacheInfo.__dataclass_fields__:
                setattr(whole, name, getattr(whole, name) + getattr(one, name))
        return whole

    def operation(self, name: str | None, code: str, seconds: float) -> None:
        """One operation has ended. `name` is that of a trusted document, else None; `code` is OK or one of the nine codes."""
        label = name or OTHER
        latency = self.latencies.get(label)
        if latency is None:
            if len(self.latencies) >= _MOST_NAMES:
                label = OTHER
            latency = self.latencies.setdefault(label, Latency())
        latency.add(seconds)
        self.operations[label, code] += 1

    def text(self) -> str:
        """The process's numbers as Prometheus reads them."""
        # The library brings an HTTP server and more along: a gateway that nobody looks at starts without it.
        from gateway.metrics_text import text_of

        return text_of(self)
