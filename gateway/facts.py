"""What the rules of the domain ask about the world, answered from the reference data in memory: no question costs a
statement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

from adapters.adapter import AttachmentsGo
from agencies.reference_data import ReferenceData
from agencies.registry import Registry, UnknownAgency
from domain.deadlines import Deadline, deadline
from domain.delivery import Purpose
from domain.message import Regime
from domain.routing import NoRoute, Route, route
from domain.rubricator import Proposal


def what_systems_take(registry: Registry) -> Callable[[str, Purpose], bool]:
    """By the agency files as they are at the moment of the question."""

    def takes(code: str, purpose: Purpose) -> bool:
        try:
            adapter = registry.adapter(code)
        except UnknownAgency:
            return False
        if purpose is Purpose.SUBMIT:
            return adapter.plan.attachments_go is not AttachmentsGo.NOT
        return adapter.supports(purpose)

    return takes


class InstallationFacts:
    """The `Facts` of `domain.actions.submit_message` for one installation."""

    def __init__(
        self,
        reference: ReferenceData,
        connected: Collection[str],
        takes: Callable[[str, Purpose], bool] = lambda code, purpose: False,
    ) -> None:
        """`connected`: the organisations whose own system an agency file connects; `takes` says what such a system can do."""
        self._reference = reference
        self._connected = frozenset(connected)
        self._takes = takes

    def connect(self, connected: Collection[str]) -> None:
        """Other agency files connect other organisations from now on."""
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

    def organisation_takes(self, code: str, purpose: Purpose) -> bool:
        return code in self._connected and self._takes(code, purpose)

    def route(
        self, category: str | None, territory: str | None, chosen_organisation: str | None, on: date
    ) -> Route | NoRoute:
        chain = self._reference.territories.chain(territory) if territory is not None else ()
        return route(self._reference.routing, category, chain, chosen_organisation, on)

    def deadline(self, regime: Regime, category: str | None, received_on: date) -> Deadline:
        return deadline(self._reference.deadlines, regime, category, received_on, self._reference.calendar)
