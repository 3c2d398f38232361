"""What the stand-in knows: cases, what was added to them, and every change in the order it happened. In memory, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain.status import Status

FIRST_NUMBER = 100_001


_NUMBER_OF_OURS = re.compile(r"[\w-]{6,}")


def names(wanted: str, text: str) -> bool:
    """Whether a text holds what a request looks for, or a number in it: what stands around it is a system's own way of searching."""
    return wanted in text or any(token in text for token in _NUMBER_OF_OURS.findall(wanted))


@dataclass(frozen=True, slots=True)
class Captured:
    """What one request said, by the names the file uses: `message.reference`, `case.id`, `poll.cursor`, `item.sha256` …"""

    names: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    """Every text of the request: systems that keep our reference inside another text are searched by it."""

    def get(self, *names: str) -> str | None:
        """The first of these that the request named."""
        return next((self.names[name] for name in names if name in self.names), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agency answers a citizen."""

    text: str
    decision: str = "done"
    responsible: str = "Отдел обращений"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a case's history. `seq` counts all changes of the system from 1; `status` None is a state nobody ever heard of."""

    seq: int
    case_id: str
    status: Status | None
    at: datetime
    note: str | None = None
    note_is_public: bool = False
    answer: Answer | None = None


@dataclass(slots=True)
class Case:
    """One case."""

    id: str
    created: Captured
    pieces: dict[str, list[str]] = field(default_factory=dict)
    """Attachments, comments and the rest, by step; what a repeat is known by."""

    @property
    def reference(self) -> str | None:
        return self.created.get("message.reference", "message.id")


class Ledger:
    """The system's own memory."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.changes: list[Change] = []
        self.uploads: list[str] = []

    def create(self, captured: Captured, status: Status = Status.REGISTERED) -> Case:
        case = Case(str(FIRST_NUMBER + len(self.cases)), captured)
        self.cases[case.id] = case
        self.move(case.id, status)
        return case

    def known_by(self, captured: Captured) -> list[Case]:
        """The cases that carry what a request looks for: our reference as it was sent, alone or inside another text."""
        wanted = captured.get("message.reference", "message.id", "our.reference", "our.id")
        if wanted is None:
            return list(self.cases.values())
        exact = [one for one in self.cases.values() if one.reference == wanted]
        return exact or [one for one in self.cases.values() if any(names(wanted, text) for text in one.created.texts)]

    def move(
        self,
        case_id: str,
        status: Status | None,
        *,
        note: str | None = None,
        note_is_public: bool = False,
        answer: Answer | None = None,
        at: datetime | None = None,
    ) -> Change:
        """Add a change to a case. Raises KeyError where there is no such case."""
        moment = (at or datetime.now(UTC)).replace(microsecond=0)
        change = Change(len(self.changes) + 1, self.cases[case_id].id, status, moment, note, note_is_public, answer)
        self.changes.append(change)
        return change

    def last_change(self, case_id: str) -> Change | None:
        return next((one for one in reversed(self.changes) if one.case_id == case_id), None)

    def add_piece(self, case_id: str, step: str, key: str) -> bool:
        """Keep one thing of a case; False where it is there already. Raises KeyError where there is no such case."""
        pieces = self.cases[case_id].pieces.setdefault(step, [])
        if key in pieces:
            return False
        pieces.append(key)
        return True

    def shown(self, cases: Iterable[Case]) -> list[dict[str, Any]]:
        """Cases as an operator sees them."""
        return [
            {
                "id": one.id,
                "reference": one.reference,
                "said": dict(one.created.names),
                "texts": list(one.created.texts),
                "pieces": {step: list(keys) for step, keys in one.pieces.items()},
                "changes": [
                    {"status": change.status.value if change.status else None, "at": change.at.isoformat()}
                    for change in self.changes
                    if change.case_id == one.id
                ],
            }
            for one in cases
        ]
