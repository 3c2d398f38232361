"""What a person can mend: a named problem, where it is in their input, and what to do, in Russian and in English.

A problem never repeats what the person wrote: it may end up in a log or a bug report (P9).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is stable for programs, `path` names the input field from the outside in (`place.point.latitude`)."""

    code: str
    path: tuple[str, ...]
    ru: str
    en: str


class ProblemsFound(Exception):
    """A command that cannot be carried out as it is. Holds every problem found, not only the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = problems
