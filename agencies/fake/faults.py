"""What a stand-in can do wrong on demand. Each fault has a name, is switched on by it, and is shown as often as was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "lost_reply": "does what was asked and closes the connection without a byte",
    "created_with_error": "does what was asked and answers 500 with an HTML page",
    "half_an_answer": "does what was asked, sends half of the reply and closes the connection",
    "slow_trickle": "does what was asked and sends the reply a byte at a time, `seconds` (0.2) between two",
    "wrong_charset": "does what was asked and answers in windows-1251, saying it were UTF-8",
    "ok_with_error": "does nothing and answers 200 with an error that the file does not list",
    "error_500": "does nothing and answers 500 with an HTML page",
    "silence": "does nothing and says nothing for `seconds` (60)",
    "busy": "does nothing and answers what the file reads as try later",
    "refused": "does nothing and answers what the file reads as refused",
    "refuse_login": "takes no credentials",
    "destructive_read": "shows every change once, whether it was received or not",
    "clock_skew": "has a clock that is `seconds` (10 800) ahead",
    "dst_hour": "dates changes into the hour that came twice when the clocks were last put back",
    "repeated_event": "shows every change twice",
    "out_of_order_events": "shows changes newest first",
    "unknown_code": "shows the newest change with a state that nobody ever heard of",
    "partial_batch": "shows an item that cannot be read between the others",
    "catalogue_shrink": "shows one tenth of its tables and full lists",
}
"""Name → what it does."""
OF_WRITING: Final = frozenset({"lost_reply", "created_with_error", "busy", "refused"})
"""Shown to steps that change something, unless a step is named."""
OF_READING: Final = frozenset(
    {
        *("destructive_read", "clock_skew", "dst_hour", "repeated_event", "out_of_order_events"),
        *("unknown_code", "partial_batch", "catalogue_shrink"),
    }
)
"""Change what is shown, not how: every reading step, as long as they are on."""
AFTER_DOING: Final = frozenset({"lost_reply", "created_with_error", "half_an_answer", "slow_trickle", "wrong_charset"})
"""What was asked for is done first."""
_SECONDS: Final[Mapping[str, float]] = {"slow_trickle": 0.2, "silence": 60.0, "clock_skew": 10_800.0}
_MOST_SECONDS = 100_000.0


class NoSuchFault(ValueError):
    """The wish cannot be fulfilled. The text names what and the remedy."""


@dataclass(slots=True)
class Switched:
    """One fault that is on. `times` None: until it is switched off. `step` None: every step that the kind is for."""

    name: str
    times: int | None = None
    step: str | None = None
    seconds: float | None = None

    @property
    def pause_s(self) -> float:
        return self.seconds if self.seconds is not None else _SECONDS.get(self.name, 0.0)


class Switchboard:
    """The faults that are on, in the order they were switched on."""

    def __init__(self) -> None:
        self._on: list[Switched] = []

    def switch_on(
        self, name: str, *, times: int | None = None, step: str | None = None, seconds: float | None = None
    ) -> None:
        """Raises NoSuchFault."""
        if name not in KINDS:
            raise NoSuchFault(f"there is no fault `{name}`; there are {', '.join(KINDS)}")
        if times is not None and times < 1:
            raise NoSuchFault("times: give 1 or more, or leave it out for as long as it is on")
        if seconds is not None and not 0 <= seconds <= _MOST_SECONDS:
            raise NoSuchFault(f"seconds: give 0 to {_MOST_SECONDS:g}")
        self._on.append(Switched(name, times, step, seconds))

    def switch_off(self) -> None:
        self._on.clear()

    def listed(self) -> list[Switched]:
        return list(self._on)

    def take(self, step: str, *, writes: bool) -> Switched | None:
        """The fault to show to this call, counted as shown."""
        for fault in self._on:
            meant = fault.step == step if fault.step is not None else writes or fault.name not in OF_WRITING
            if meant and fault.name not in OF_READING:
                self._count(fault)
                return fault
        return None

    def reading(self, name: str, step: str) -> Switched | None:
        """A fault of what is shown, where it is on for this step; counted as shown."""
        for fault in self._on:
            if fault.name == name and fault.step in (None, step):
                self._count(fault)
                return fault
        return None

    def _count(self, fault: Switched) -> None:
        if fault.times is not None:
            fault.times -= 1
            if not fault.times:
                self._on.remove(fault)
