"""Organisations: the public bodies, institutions and contractors that messages go to.

Promises: an organisation has one short code that files, routes and agencies use; organisations form trees, and the
tree says whose queue a superior may see (A-139).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from domain.bilingual import Bilingual


class OrganisationKind(StrEnum):
    """What an organisation is in law (A-095, A-104, A-133)."""

    GOVERNMENT = "government"
    EXECUTIVE_BODY = "executive-body"
    INSPECTION = "inspection"
    LOCAL_ADMINISTRATION = "local-administration"
    BUDGET_INSTITUTION = "budget-institution"
    CONTRACTOR = "contractor"
    OTHER_STATE = "other-state"
    OTHER = "other"


class OrganisationLevel(StrEnum):
    """Where it stands (A-006); a route may end at any level."""

    FEDERAL = "federal"
    REGIONAL = "regional"
    MUNICIPAL = "municipal"
    SETTLEMENT = "settlement"
    SUBORDINATE = "subordinate"


@dataclass(frozen=True)
class Organisation:
    """A body that can be responsible for a message. `timezone` is a zone name: its deadlines end at its midnight."""

    code: str
    name: Bilingual
    kind: OrganisationKind
    level: OrganisationLevel
    parent: str | None
    territory: str
    timezone: str


@dataclass(frozen=True)
class Organisations:
    """All organisations of an installation. Raises `ValueError` for a code twice, a missing parent or a circle."""

    all: tuple[Organisation, ...]

    def __post_init__(self) -> None:
        if len(self._by_code) != len(self.all):
            raise ValueError("an organisation's code occurs twice; codes are unique")
        for organisation in self.all:
            if organisation.parent is not None and organisation.parent not in self._by_code:
                raise ValueError(f"organisation {organisation.code} has the unknown parent {organisation.parent}")
            self.chain(organisation.code)

    @cached_property
    def _by_code(self) -> dict[str, Organisation]:
        return {organisation.code: organisation for organisation in self.all}

    @cached_property
    def _children(self) -> dict[str | None, tuple[Organisation, ...]]:
        children: dict[str | None, list[Organisation]] = {}
        for organisation in self.all:
            children.setdefault(organisation.parent, []).append(organisation)
        return {parent: tuple(group) for parent, group in children.items()}

    def __iter__(self) -> Iterator[Organisation]:
        return iter(self.all)

    def get(self, code: str) -> Organisation | None:
        """The organisation of this code, or None when it is unknown."""
        return self._by_code.get(code)

    def subordinates(self, code: str) -> tuple[Organisation, ...]:
        """The organisations directly below."""
        return self._children.get(code, ())

    def chain(self, code: str) -> tuple[str, ...]:
        """The codes from an organisation up to the top of its tree, itself first; empty when it is unknown."""
        chain: dict[str, None] = {}
        organisation = self._by_code.get(code)
        while organisation is not None:
            if organisation.code in chain:
                raise ValueError(f"organisation {organisation.code} is its own superior")
            chain[organisation.code] = None
            organisation = self._by_code.get(organisation.parent) if organisation.parent else None
        return tuple(chain)
