"""Routing: which organisation a message goes to, by rule, with the reason in words (A-005).

Promises: pure — the same rules, category, territory, choice and day give the same route; the first rule that matches
wins, so a rule table is read from top to bottom; a citizen's own choice of organisation is honoured, and when a rule
says otherwise the citizen is warned and the overridden rule is recorded (A-024).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from domain.bilingual import Bilingual
from domain.category_pattern import matches_category

CHOSEN_BY_CITIZEN = "chosen-by-citizen"
"""The rule id of a route that follows the citizen's choice."""


@dataclass(frozen=True)
class Rule:
    """One row of the routing table: categories × territory × days → organisation.

    `category` is a pattern; `territory` matches itself and all below it, None matches everywhere and also a message
    without a place; `valid_from` and `valid_until` are the first and the last day of force.
    """

    id: str
    category: str
    organisation: str
    because: Bilingual
    territory: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def matches(self, category: str, territory_chain: Sequence[str], on: date) -> bool:
        """Whether the rule speaks about this category at this place on this day."""
        if self.valid_from is not None and on < self.valid_from:
            return False
        if self.valid_until is not None and on > self.valid_until:
            return False
        if self.territory is not None and self.territory not in territory_chain:
            return False
        return matches_category(self.category, category)


@dataclass(frozen=True)
class Route:
    """Where a message goes and why. `overridden_rule_id` is the rule a citizen's choice went against, if any."""

    organisation: str
    rule_id: str
    reason: Bilingual
    warning: Bilingual | None = None
    overridden_rule_id: str | None = None


@dataclass(frozen=True)
class NoRoute:
    """No rule matches: a person must decide. `reason` can be shown to the citizen."""

    reason: Bilingual


def route(
    rules: Iterable[Rule],
    category: str | None,
    territory_chain: Sequence[str],
    chosen_organisation: str | None,
    on: date,
) -> Route | NoRoute:
    """The route of a message. `territory_chain` holds the codes from its territory upwards, empty without a place.

    Without a category no rule is asked, not even `*`: a person finds the topic first (A-087), unless the citizen chose.
    `chosen_organisation` must be a known organisation: the caller checks that before.
    """
    by_rule = None
    if category is not None:
        by_rule = next((rule for rule in rules if rule.matches(category, territory_chain, on)), None)
    if chosen_organisation is not None:
        return _chosen(chosen_organisation, by_rule)
    if category is None:
        return NoRoute(
            Bilingual(
                ru="Тема сообщения ещё не определена; её определит сотрудник и выберет организацию.",
                en="The topic is not known yet; a member of staff will find it and the organisation.",
            )
        )
    if by_rule is None:
        return NoRoute(
            Bilingual(
                ru="Для этой темы и этого места ответственная организация ещё не назначена; её определит сотрудник.",
                en="No organisation is set for this topic and place yet; a member of staff will find it.",
            )
        )
    return Route(by_rule.organisation, by_rule.id, by_rule.because)


def _chosen(organisation: str, by_rule: Rule | None) -> Route:
    reason = Bilingual(ru="Вы сами выбрали эту организацию.", en="You chose this organisation yourself.")
    if by_rule is not None and by_rule.organisation == organisation:
        return Route(organisation, CHOSEN_BY_CITIZEN, reason)
    if by_rule is None:
        warning = Bilingual(
            ru="По правилам неизвестно, отвечает ли эта организация за вашу тему; она может передать сообщение другой.",
            en="The rules do not say whether this organisation answers for your topic; it may pass the message on.",
        )
        return Route(organisation, CHOSEN_BY_CITIZEN, reason, warning)
    warning = Bilingual(
        ru=f"По правилам за эту тему отвечает другая организация. {by_rule.because.ru}",
        en=f"By the rules another organisation answers for this topic. {by_rule.because.en}",
    )
    return Route(organisation, CHOSEN_BY_CITIZEN, reason, warning, by_rule.id)
