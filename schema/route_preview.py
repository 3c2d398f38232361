"""routePreview: who would get a message. It asks the very rules that accept one, so the two never differ."""

from __future__ import annotations

from datetime import date

import strawberry

from domain.actions.submit_message import CLOCK_ZONE, SubmitMessage, submit_message
from domain.bilingual import Bilingual
from domain.message import Regime
from domain.problem import ProblemsFound
from domain.routing import NoRoute
from schema.arguments import InLanguage
from schema.context import Context
from schema.enums import Language
from schema.errors import InvalidInput, invalid
from schema.fields import field
from schema.organisation import Organisation
from schema.place_input import PlaceInput, place_given
from schema.plan.declare import by_key

_NO_WORDS = "—"  # no keyword occurs in it, so it proposes no category


def _say(words: Bilingual | None, language: Language) -> str | None:
    if words is None:
        return None
    return words.en if language is Language.EN else words.ru


@strawberry.type(description="Who would get a message, why, and by when they must answer.")
class RoutePreview:
    organisation: Organisation | None = strawberry.field(
        description="Who would get it; null when a member of staff would have to decide."
    )
    rule: str | None = strawberry.field(description="The name of the rule that decides.")
    deadline_on: date | None = strawberry.field(
        description="The last day for the answer, if the message were sent now."
    )
    regime: Regime | None = strawberry.field(description="The law the message would live by.")
    errors: list[InvalidInput] = strawberry.field(
        description="What is wrong with the arguments. If any, the rest is null."
    )
    why: strawberry.Private[Bilingual | None] = None
    beware: strawberry.Private[Bilingual | None] = None

    @field("The reason, in words.")
    def reason(self, language: InLanguage = Language.RU) -> str | None:
        return _say(self.why, language)

    @field("A warning, when the citizen's choice goes against the rules.")
    def warning(self, language: InLanguage = Language.RU) -> str | None:
        return _say(self.beware, language)


def preview_route(
    context: Context, category: str | None, place: PlaceInput | None, organisation: str | None
) -> RoutePreview:
    """Ask the rules; store nothing."""
    command = SubmitMessage("preview", _NO_WORDS, category, place_given(place), organisation)
    now = context.clock()
    try:
        accepted = submit_message(command, context.facts, now)
    except ProblemsFound as found:
        return RoutePreview(
            organisation=None, rule=None, deadline_on=None, regime=None, errors=invalid(context, found.problems)
        )
    route = accepted.route
    if route is None:
        nowhere = context.facts.route(category, accepted.territory, organisation, now.astimezone(CLOCK_ZONE).date())
        why = nowhere.reason if isinstance(nowhere, NoRoute) else None
    else:
        why = route.reason
    return RoutePreview(
        organisation=None if route is None else by_key(Organisation, route.organisation),
        rule=None if route is None else route.rule_id,
        deadline_on=accepted.deadline.date,
        regime=accepted.regime,
        errors=[],
        why=why,
        beware=None if route is None else route.warning,
    )
