"""What the rules of the domain ask about the world, answered from the reference data in memory: no question costs a
statement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from agencies.reference_data import ReferenceData
from domain.deadlines import Deadline, deadline
from domain.message import Regime
from domain.routing import NoRoute, Route, route
from domain.rubricator import Proposal


class InstallationFacts:
    """The `Facts` of `domain.actions.submit_message` for one installation."""

    def __init__(self, reference: ReferenceData, connected: Collection[str]) -> None:
        """`connected`: the organisations whose own system an agency file connects."""
        self._reference = reference
        self._connected = frozenset(connected)

    @property
    def rubricator_version(self) -> str:
        return self._reference.rubricator.version

    def category_is_leaf(self, code: str) -> bool | None:
        category = self._reference.rubricator.get(code)
        return None if category is None else category.parent is not None

    def propose_categories(self, text: str, limit: int) -> Sequence[Proposal]:
        return self._reference.rubricator.propose(text, limit)

    def territory_at(self, latitude: float, longitude: float) -> str | None:
        return self._reference.territory_index.at(latitude, longitude)

    def resolve_territory(self, code: str) -> str | None:
        return self._reference.territories.resolve(code)

    def organisation_exists(self, code: str) -> bool:
        return self._reference.organisations.get(code) is not None

    def organisation_has_system(self, code: str) -> bool:
        return code in self._connected

    def route(
        self, category: str | None, territory: str | None, chosen_organisation: str | None, on: date
    ) -> Route | NoRoute:
        chain = self._reference.territories.chain(territory) if territory is not None else ()
        return route(self._reference.routing, category, chain, chosen_organisation, on)

    def deadline(self, regime: Regime, category: str | None, received_on: date) -> Deadline:
        return deadline(self._reference.deadlines, regime, category, received_on, self._reference.calendar)
