"""Who is looking: a person whose token the door has verified, and the roles they hold. `store/scope.py` decides what they may see."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.rights import RIGHTS, Grant, Right


@dataclass(frozen=True, slots=True)
class Viewer:
    """`issuer` and `subject` are what the token says; `person_id` is our key for the two; `grants` are those in force."""

    person_id: UUID
    issuer: str
    subject: str
    grants: tuple[Grant, ...] = ()

    @property
    def rights(self) -> frozenset[Right]:
        """What the viewer may read somewhere beyond what is their own."""
        return frozenset(right for grant in self.grants for right in RIGHTS[grant.role])

    def organisations(self, right: Right) -> list[str]:
        """Where: the codes of the organisations on which a role with the right was granted. Those below them count too."""
        return sorted({grant.organisation for grant in self.grants if right in RIGHTS[grant.role]})
