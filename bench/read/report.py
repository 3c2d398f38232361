"""How the figures are shown: a table for each operation, the ratios to the hub with their spread, or all of it as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.figures import Figures, as_json, medians

_COLUMNS = {
    "at_once": "at once",
    "per_s": "per s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "app_cpu_ms": "app CPU ms",
    "database_cpu_ms": "database CPU ms",
}
_AIM_COMPILE_MS = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """All rounds: by operation, by contestant. `compiled_ms` is the time of a fresh plan for each operation."""

    rounds_of: Mapping[str, Mapping[str, Sequence[Figures]]]
    compiled_ms: Mapping[str, float]
    rounds: int
    seconds: float
    connections: int
    ground: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median over the rounds, and the middle half of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, above: Sequence[Figures], below: Sequence[Figures], name: str) -> Ratio | None:
        """Round by round; None when one side has no such figure."""
        pairs = [(one.get(name), other.get(name)) for one, other in zip(above, below, strict=True)]
        values = [one / other for one, other in pairs if one is not None and other]
        return cls.over(values) if len(values) == len(pairs) else None

    @classmethod
    def over(cls, values: Sequence[float]) -> Ratio:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def ratios(measured: Measured, code: str, hub: str) -> dict[str, dict[str, Ratio]]:
    """The hub to each other: requests per second (more is better), and the others' processor time to the hub's (more is better)."""
    rounds = measured.rounds_of[code]
    found: dict[str, dict[str, Ratio]] = {}
    for name, figures in rounds.items():
        if name == hub or hub not in rounds:
            continue
        ours = rounds[hub]
        wanted = {
            "requests": Ratio.of(ours, figures, "per_s"),
            "less app CPU": Ratio.of(figures, ours, "app_cpu_ms"),
            "less database CPU": Ratio.of(figures, ours, "database_cpu_ms"),
        }
        found[name] = {title: ratio for title, ratio in wanted.items() if ratio is not None}
    return found


def as_text(measured: Measured, hub: str) -> str:
    """Tables in Markdown, so that they can stand in a document as they are."""
    how = f"{measured.rounds} rounds of {measured.seconds:g} s, {measured.connections} connections; medians."
    lines = [f"{measured.ground}.", how]
    for code, rounds in measured.rounds_of.items():
        between = ratios(measured, code, hub)
        titles = ["requests", "less app CPU", "less database CPU"]
        lines += ["", f"### {code} (a fresh plan: {measured.compiled_ms[code]:.1f} ms, aim {_AIM_COMPILE_MS})", ""]
        lines.append("| | " + " | ".join([*_COLUMNS.values(), *(f"{hub}: {title}" for title in titles)]) + " |")
        lines.append("|---" * (len(_COLUMNS) + len(titles) + 1) + "|")
        for name, figures in rounds.items():
            middle = medians(figures)
            cells = [_cell(key, middle) for key in _COLUMNS]
            cells += [str(between.get(name, {}).get(title, "")) for title in titles]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "Ratios: the hub's requests to the other's; the other's processor time to the hub's. Median (middle half of the rounds).",
    ]
    return "\n".join(lines)


def _cell(name: str, middle: Figures) -> str:
    if name not in middle:
        return ""
    return f"{middle[name]:.0f}" if name == "at_once" else f"{middle[name]:.2f}"


def as_document(measured: Measured, hub: str) -> str:
    """The same as JSON."""
    found = {
        code: {
            "medians": {name: medians(figures) for name, figures in rounds.items()},
            "ratios": {
                name: {title: [one.median, one.low, one.high] for title, one in by_title.items()}
                for name, by_title in ratios(measured, code, hub).items()
            },
            "compiled_ms": measured.compiled_ms[code],
        }
        for code, rounds in measured.rounds_of.items()
    }
    size = {"rounds": measured.rounds, "seconds": measured.seconds, "connections": measured.connections}
    return as_json({"comparison": "read", "ground": measured.ground, **size, "operations": found})
