"""Who is looking: a person whose token the door has verified. What they may see is decided in one place, `store/scope.py`."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Viewer:
    """`issuer` and `subject` are what the token says; `person_id` is our key for the two."""

    person_id: UUID
    issuer: str
    subject: str
