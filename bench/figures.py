"""Numbers of a measurement: the processor time of processes, percentiles, medians over rounds, and how they are printed."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

Figures = dict[str, float]
"""What one side of one round came to, by name; units last in the names."""


def processor_s(pid: int) -> float:
    """Processor seconds of one process so far, all its threads, without its children."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def family_processor_s(pid: int) -> float:
    """Processor seconds of a process and everything it started so far, those that have ended included."""
    total = 0.0
    head = psutil.Process(pid)
    for process in (head, *head.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Watch:
    """Clock and processor time since a moment, for several processes at once."""

    begun_at: float
    before_s: Mapping[str, float]
    single: Mapping[str, int]
    families: Mapping[str, int]

    @classmethod
    def start(cls, *, single: Mapping[str, int], families: Mapping[str, int]) -> Watch:
        """`single` and `families` are process ids by the name their figures get; a family counts its children too."""
        return cls(time.perf_counter(), _used(single, families), dict(single), dict(families))

    def stop(self, count: int) -> Figures:
        """Milliseconds of processor time for each of `count` things done, by name, and how many were done in a second."""
        elapsed_s = time.perf_counter() - self.begun_at
        used = _used(self.single, self.families)
        figures = {f"{name}_cpu_ms": (used[name] - self.before_s[name]) * 1000 / count for name in used}
        return {"per_s": count / elapsed_s, **figures}


def _used(single: Mapping[str, int], families: Mapping[str, int]) -> dict[str, float]:
    return {name: processor_s(pid) for name, pid in single.items()} | {
        name: family_processor_s(pid) for name, pid in families.items()
    }


def medians(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median over the rounds."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def median_ratio(above: Sequence[Figures], below: Sequence[Figures], name: str = "per_s") -> float:
    """The median of the ratios of neighbouring rounds: both sides of a ratio saw the same state of the machine."""
    return statistics.median(one[name] / other[name] for one, other in zip(above, below, strict=True))


def spread(above: Sequence[Figures], below: Sequence[Figures], name: str = "per_s") -> tuple[float, float]:
    """The smallest and the largest of those ratios."""
    ratios = [one[name] / other[name] for one, other in zip(above, below, strict=True)]
    return min(ratios), max(ratios)


def machine() -> str:
    """The machine in a few words, without its name."""
    memory_gb = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {memory_gb:.0f} GB of memory, load {load:.1f} at the end"


def table(rows: Mapping[str, Figures]) -> str:
    """The figures as text, a row for each side."""
    names = list(dict.fromkeys(name for figures in rows.values() for name in figures))
    wide = max(len(row) for row in rows) + 2
    lines = [" " * wide + "".join(f"{name:>22}" for name in names)]
    for row, figures in rows.items():
        cells = (f"{figures[name]:>22.2f}" if name in figures else " " * 22 for name in names)
        lines.append(f"{row:<{wide}}" + "".join(cells))
    return "\n".join(lines)


def as_json(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)
