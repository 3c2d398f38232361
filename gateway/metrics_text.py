"""The numbers of one process in Prometheus's text: each family has its words here, and docs/operate-gateway.md says what they mean to an operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import PurePath

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.metrics import BOUNDS_S, Latency, Metrics
from store.reading import ReadPool

_BOUNDS = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]


def text_of(metrics: Metrics) -> str:
    """What the process counts now, and what the operating system says of it."""
    registry = CollectorRegistry()
    registry.register(_Families(metrics))
    ProcessCollector(registry=registry)
    return generate_latest(registry).decode()


def _buckets(latency: Latency) -> list[tuple[str, float]]:
    """As Prometheus wants them: each bound with everything up to it."""
    return list(zip(_BOUNDS, map(float, accumulate(latency.counts)), strict=True))


class _Families(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._of = metrics

    def describe(self) -> list[Metric]:
        """Nothing is collected for the sake of registering."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._about_operations()
        yield GaugeMetricFamily(
            "okno_subscriptions_open", "Messages being watched by open subscriptions.", self._of.changes.watcher_count
        )
        yield GaugeMetricFamily("okno_sockets_open", "Open WebSockets.", self._of.leaving.socket_count)
        yield from self._about_agencies()
        yield from self._about_plans()
        yield from self._about_pools()
        yield from self._about_replicas()

    def _about_operations(self) -> Iterator[Metric]:
        operations = CounterMetricFamily(
            "okno_operations", "GraphQL operations, by trusted name and outcome.", labels=["operation", "code"]
        )
        for (name, code), count in sorted(self._of.operations.items()):
            operations.add_metric([name, code], count)
        yield operations
        latencies = HistogramMetricFamily(
            "okno_operation_seconds",
            "How long GraphQL operations took, up to their whole answer.",
            labels=["operation"],
        )
        for name, latency in sorted(self._of.latencies.items()):
            latencies.add_metric([name], _buckets(latency), latency.sum_s)
        yield latencies
        refused = 0 if self._of.buckets is None else self._of.buckets.refused
        yield CounterMetricFamily("okno_rate_refusals", "Requests refused for their rate.", refused)
        charged = 0.0 if self._of.buckets is None else self._of.buckets.charged
        yield CounterMetricFamily(
            "okno_rate_charged", "Taken out of the callers' allowances, in units of cost.", charged
        )

    def _about_agencies(self) -> Iterator[Metric]:
        registry = self._of.registry
        yield GaugeMetricFamily("okno_agencies", "Agencies whose file can be worked with.", len(registry.codes))
        faults = GaugeMetricFamily(
            "okno_agency_file_faults", "Faults of an agency file; the last good version goes on.", labels=["file"]
        )
        for name, count in sorted(Counter(PurePath(fault.file).name for fault in registry.faults).items()):
            faults.add_metric([name], count)
        yield faults

    def _about_plans(self) -> Iterator[Metric]:
        info = self._of.plans()
        yield GaugeMetricFamily("okno_plans", "Compiled plans kept.", info.plans)
        yield GaugeMetricFamily("okno_plans_sql_chars", "Length of the SQL of the kept plans.", info.sql_chars)
        yield CounterMetricFamily("okno_plan_hits", "Reads whose plan was there.", info.hits)
        yield CounterMetricFamily("okno_plan_misses", "Reads whose plan had to be compiled.", info.misses)
        yield CounterMetricFamily("okno_plan_compile_seconds", "Time spent compiling plans.", info.compile_s)

    def _about_pools(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily(
            "okno_connections", "Database connections, by pool and state.", labels=["pool", "state"]
        )
        waiting = GaugeMetricFamily("okno_connections_waiting", "Reads waiting for a connection.", labels=["pool"])
        for name, pool in self._read_pools():
            use = pool.use()
            for state, count in (("limit", use.size), ("busy", use.open - use.idle), ("idle", use.idle)):
                connections.add_metric([name, state], count)
            waiting.add_metric([name], use.waiting)
        writes = self._of.database.write_use()
        for state, count in (("limit", writes.size), ("busy", writes.open - writes.idle), ("idle", writes.idle)):
            connections.add_metric(["writes", state], count)
        yield connections
        yield waiting

    def _about_replicas(self) -> Iterator[Metric]:
        if self._of.database.replicas is None:
            return
        lags = GaugeMetricFamily("okno_replica_lag_seconds", "How far a replica is behind.", labels=["replica"])
        used = GaugeMetricFamily("okno_replica_used", "1 when the replica serves reads.", labels=["replica"])
        for number, replica in enumerate(self._of.database.replicas.pools, 1):
            used.add_metric([str(number)], float(replica.usable))
            if replica.lag_s is not None:
                lags.add_metric([str(number)], replica.lag_s)
        yield lags
        yield used

    def _read_pools(self) -> Iterator[tuple[str, ReadPool]]:
        yield "reads", self._of.database.reads
        if self._of.database.replicas is not None:
            for number, replica in enumerate(self._of.database.replicas.pools, 1):
                yield f"replica {number}", replica
