"""A fault in a file under `config/`: where it is, a short stable code and what to do about it.

Promises: `str(fault)` is `file:line:column CODE text`, the form editors and CI turn into links; codes are stable words
that tests and people may rely on; values from the file are not echoed (a pasted password must not reach a log).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Fault:
    """One fault. `line` and `column` count from 1, as editors do; `code` is a stable word such as `unknown-key`."""

    file: str
    line: int
    column: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.text}"


class FileFaults(Exception):
    """A file (or several) cannot be used. `faults` is never empty and is in reading order, without repeats."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean …?` for the nearest known word, else the list of known words when it is short, else nothing."""
    words = sorted(set(known))
    lowered = {candidate.lower(): candidate for candidate in words}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f" Did you mean `{lowered[near[0]]}`?"
    if 0 < len(words) <= 12:
        return " Known: " + ", ".join(f"`{known_word}`" for known_word in words) + "."
    return ""
