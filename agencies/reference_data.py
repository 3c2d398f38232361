"""All reference data of an installation, from one config folder: topics, places, bodies, rules, calendar.

Promises: what loads is consistent — no route to an unknown organisation, no rule for an unknown category, no
organisation in an unknown territory, no outline of one; the faults of all files are reported together, so a person
mends them in one round.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agencies.calendar import RussianCalendar, load_calendar
from agencies.deadline_file import load_deadlines
from agencies.organisation_file import load_organisations
from agencies.routing_file import load_routing
from agencies.rubricator_file import load_rubricator
from agencies.source import Fault, FileFaults
from agencies.territory_file import load_territories
from domain.deadlines import DeadlineRule
from domain.organisation import Organisations
from domain.routing import Rule
from domain.rubricator import Rubricator
from domain.territory import Territories
from store.territory_index import BadOutlines, TerritoryIndex

T = TypeVar("T")


@dataclass(frozen=True)
class ReferenceData:
    """Everything the rules need, loaded once at start-up and never changed."""

    rubricator: Rubricator
    territories: Territories
    organisations: Organisations
    routing: tuple[Rule, ...]
    deadlines: tuple[DeadlineRule, ...]
    calendar: RussianCalendar
    territory_index: TerritoryIndex


def load_reference_data(folder: pathlib.Path) -> ReferenceData:
    """The reference data of a config folder. Raises `FileFaults` with the faults of all its files."""
    faults: list[Fault] = []

    def attempt(load: Callable[[], T]) -> T | None:
        try:
            return load()
        except FileFaults as error:
            faults.extend(error.faults)
            return None

    rubricator = attempt(lambda: load_rubricator(folder / "rubricator.yaml"))
    territories = attempt(lambda: load_territories(folder / "territories" / "territories.yaml"))
    calendar = attempt(lambda: load_calendar(folder / "calendar.yaml"))
    organisations = routing = deadlines = index = None
    if territories is not None:
        organisations = attempt(lambda: load_organisations(folder / "organisations.yaml", territories))
        index = attempt(lambda: _load_index(folder / "territories", territories))
    if rubricator is not None:
        deadlines = attempt(lambda: load_deadlines(folder / "deadlines.yaml", rubricator))
    if rubricator is not None and territories is not None and organisations is not None:
        routing = attempt(lambda: load_routing(folder / "routing.yaml", rubricator, territories, organisations))
    if rubricator is None or territories is None or organisations is None or index is None:
        raise FileFaults(faults)
    if routing is None or deadlines is None or calendar is None:
        raise FileFaults(faults)
    return ReferenceData(rubricator, territories, organisations, routing, deadlines, calendar, index)


def _load_index(folder: pathlib.Path, territories: Territories) -> TerritoryIndex:
    try:
        return TerritoryIndex.load(folder, territories)
    except BadOutlines as error:
        raise FileFaults([Fault(str(folder), 1, 1, "bad-outline", str(error))]) from error
