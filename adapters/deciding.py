"""What an agency's state means in our words: the table `means`, and the ordered rows of `decide` over state, substate and reason.

Promises: rows are tried in the order of the file and before the table; a `*` stands for anything, also for nothing; case and runs of
spaces make no difference, except where the table itself tells two codes apart by them (Q39); what fits nothing is `Meaning.UNKNOWN`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from domain.foreign_change import Meaning
from domain.status import Status

Meant: TypeAlias = "Status | Meaning"


@dataclass(frozen=True, slots=True)
class Decision:
    """One row: patterns of up to three fields, what they mean, and for how long the state must have stood to count."""

    means: Meant
    state: str = "*"
    substate: str = "*"
    reason: str = "*"
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Foreign:
    """A state in the agency's words."""

    state: str
    substate: str = ""
    reason: str = ""

    @property
    def code(self) -> str:
        """How it is named to people: the parts that are there."""
        return " / ".join(part for part in (self.state, self.substate, self.reason) if part)


def decide(rows: Sequence[Decision], means: Mapping[str, Meant], said: Foreign) -> tuple[Meant, float]:
    """What it means, and how many seconds it must have stood before it counts."""
    for row in rows:
        if _fits(row.state, said.state) and _fits(row.substate, said.substate) and _fits(row.reason, said.reason):
            return row.means, row.after_s
    exact = means.get(said.state)
    if exact is not None:
        return exact, 0.0
    alike = {meant for code, meant in means.items() if _folded(code) == _folded(said.state)}
    return (alike.pop() if len(alike) == 1 else Meaning.UNKNOWN), 0.0


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _fits(pattern: str, text: str) -> bool:
    return pattern == "*" or _compiled(pattern).fullmatch(_folded(text)) is not None


@lru_cache(maxsize=4000)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = re.sub(r"\*+", "*", _folded(pattern)).split("*")
    # Possessive: no text, however it repeats itself, makes the match try again and again.
    first, *rest = [re.escape(piece) for piece in pieces]
    if not rest:
        return re.compile(first)
    *middle, last = rest
    return re.compile(first + "".join(f"(?>.*?{piece})" for piece in middle) + f".*{last}", re.DOTALL)
