"""`config/routing.yaml`: its shape, and the rules of `domain.routing` it means.

Promises: every rule speaks of known categories, territories and organisations, can be reached, and a fault says where.
"""

from __future__ import annotations

import pathlib
from typing import Annotated

from pydantic import Field

from agencies.file_words import Oktmo, RuleFile, Slug, covers, rule_faults
from agencies.organisation_file import unknown_territory
from agencies.source import Fault, FileFaults, FileModel, Source, did_you_mean
from domain.organisation import Organisations
from domain.routing import CHOSEN_BY_CITIZEN, Rule
from domain.rubricator import Rubricator
from domain.territory import Territories


class RoutingRuleFile(RuleFile):
    """One row: categories × territory × days → organisation."""

    organisation: Slug
    territory: Oktmo | None = None


class RoutingFile(FileModel):
    """The whole file."""

    rules: Annotated[tuple[RoutingRuleFile, ...], Field(min_length=1)]


def load_routing(
    path: pathlib.Path, rubricator: Rubricator, territories: Territories, organisations: Organisations
) -> tuple[Rule, ...]:
    """The rules in their order; a territory's alias becomes its code. Raises `FileFaults`."""
    source = Source.read(path)
    rules = source.typed(RoutingFile).rules
    faults: list[Fault] = []
    for place, rule in enumerate(rules):
        faults += rule_faults(source, place, rules, rubricator)
        faults += _faults(source, place, rule, territories, organisations)
        hider = next((other for other in rules[:place] if _hides(other, rule, territories)), None)
        if hider is not None:
            text = f"is never reached: `{hider.id}` above takes all it is for; move it up or remove it"
            faults.append(source.fault(("rules", place), "unreachable-rule", text))
    if faults:
        raise FileFaults(faults)
    return tuple(_rule(rule, territories) for rule in rules)


def _faults(
    source: Source, place: int, rule: RoutingRuleFile, territories: Territories, organisations: Organisations
) -> list[Fault]:
    faults: list[Fault] = []
    if organisations.get(rule.organisation) is None:
        near = did_you_mean(rule.organisation, (organisation.code for organisation in organisations))
        text = f"organisations.yaml has no `{rule.organisation}`.{near}"
        faults.append(source.fault(("rules", place, "organisation"), "unknown-organisation", text))
    if rule.territory is not None and territories.resolve(rule.territory) is None:
        faults.append(unknown_territory(source, ("rules", place, "territory"), rule.territory, territories))
    if rule.id == CHOSEN_BY_CITIZEN:
        faults.append(source.fault(("rules", place, "id"), "bad-value", "is kept for citizens' own choices; rename it"))
    return faults


def _hides(above: RoutingRuleFile, rule: RoutingRuleFile, territories: Territories) -> bool:
    if not above.is_for_ever or not covers(above.category, rule.category):
        return False
    if above.territory is None:
        return True
    chain = territories.chain(rule.territory) if rule.territory else ()
    return territories.resolve(above.territory) in chain


def _rule(file: RoutingRuleFile, territories: Territories) -> Rule:
    return Rule(
        id=file.id,
        category=file.category,
        organisation=file.organisation,
        because=file.because.bilingual(),
        territory=territories.resolve(file.territory) if file.territory else None,
        valid_from=file.valid_from,
        valid_until=file.valid_until,
    )
