"""`config/deadlines.yaml`: its shape, and the rules of `domain.deadlines` it means.

Promises: every message has a deadline — the table ends with a rule for everything; every rule can be reached and speaks
of known categories; a fault says where.
"""

from __future__ import annotations

import pathlib
from typing import Annotated, Literal

from pydantic import Field

from agencies.file_words import RuleFile, covers, rule_faults
from agencies.source import Fault, FileFaults, FileModel, Source
from domain.category_pattern import EVERY
from domain.deadlines import EVERY_REGIME, MOST_DAYS, DeadlineRule
from domain.rubricator import Rubricator

Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class DeadlineRuleFile(RuleFile):
    """One row: regime × categories × days of receipt → term. Exactly one of the two terms is given."""

    regime: Literal["MESSAGE", "APPEAL_59FZ", "PRETRIAL_COMPLAINT", "*"]
    working_days: Days | None = None
    calendar_days: Days | None = None


class DeadlinesFile(FileModel):
    """The whole file."""

    rules: Annotated[tuple[DeadlineRuleFile, ...], Field(min_length=1)]


def load_deadlines(path: pathlib.Path, rubricator: Rubricator) -> tuple[DeadlineRule, ...]:
    """The rules in their order. Raises `FileFaults`."""
    source = Source.read(path)
    rules = source.typed(DeadlinesFile).rules
    faults: list[Fault] = []
    for place, rule in enumerate(rules):
        faults += rule_faults(source, place, rules, rubricator)
        if rule.working_days is None and rule.calendar_days is None:
            text = "needs `working_days` or `calendar_days`"
            faults.append(source.fault(("rules", place), "missing-key", text))
        if rule.working_days is not None and rule.calendar_days is not None:
            text = "stands beside `working_days`; keep one of them, not both"
            faults.append(source.fault(("rules", place, "calendar_days"), "bad-value", text, of_key=True))
        hider = next((other for other in rules[:place] if _hides(other, rule)), None)
        if hider is not None:
            text = f"is never reached: `{hider.id}` above takes all it is for; move it up or remove it"
            faults.append(source.fault(("rules", place), "unreachable-rule", text))
    last = rules[-1]
    if last.regime != EVERY_REGIME or last.category != EVERY or not last.is_for_ever:
        text = "the last rule must be for every regime and category, without dates: every message has a deadline"
        faults.append(source.fault(("rules", len(rules) - 1), "no-last-rule", text))
    if faults:
        raise FileFaults(faults)
    return tuple(_rule(rule) for rule in rules)


def _hides(above: DeadlineRuleFile, rule: DeadlineRuleFile) -> bool:
    same_regime = above.regime in (EVERY_REGIME, rule.regime)
    return above.is_for_ever and same_regime and covers(above.category, rule.category)


def _rule(file: DeadlineRuleFile) -> DeadlineRule:
    return DeadlineRule(
        id=file.id,
        regime=file.regime,
        category=file.category,
        because=file.because.bilingual(),
        working_days=file.working_days,
        calendar_days=file.calendar_days,
        valid_from=file.valid_from,
        valid_until=file.valid_until,
    )
