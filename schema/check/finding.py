"""One line of a check's report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Only an ERROR fails the check."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it. `place` is `file:line` where there is one."""

    severity: Severity
    place: str | None
    text: str

    def __str__(self) -> str:
        return f"{f'{self.place}: ' if self.place else ''}{self.severity}: {self.text}"
