"""Rules about agency files that go beyond their shape; one rule per file, each with what passes and what fails.

A rule is a module with `check(subject)` that yields faults. Add it to `RULES`; rules that need a sound file come last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agencies.checks import (
    asking_changes_nothing,
    categories_exist,
    code_is_the_file_name,
    codes_mean_one_thing,
    credentials_stay_whole,
    examples_run,
    expressions_hold,
    feed_goes_on,
    listening_is_safe,
    lost_answers_are_settled,
    openapi_agrees,
    protocol_fits,
    secrets_stay_outside,
    sending_is_whole,
    wildcards_are_refused,
    wsdl_agrees,
)
from agencies.checks.subject import Subject
from agencies.source import Fault

Rule = Callable[[Subject], Iterator[Fault]]

RULES: tuple[Rule, ...] = (
    code_is_the_file_name.check,
    secrets_stay_outside.check,
    protocol_fits.check,
    expressions_hold.check,
    credentials_stay_whole.check,
    codes_mean_one_thing.check,
    wildcards_are_refused.check,
    lost_answers_are_settled.check,
    sending_is_whole.check,
    feed_goes_on.check,
    listening_is_safe.check,
    asking_changes_nothing.check,
    categories_exist.check,
)
RULES_FOR_SOUND_FILES: tuple[Rule, ...] = (wsdl_agrees.check, openapi_agrees.check, examples_run.check)
"""They parse the expressions and build the adapter: with a fault above they would only repeat it."""

__all__ = ["RULES", "RULES_FOR_SOUND_FILES", "Rule", "Subject", "check"]


def check(subject: Subject) -> list[Fault]:
    """Every fault of one file, in reading order."""
    faults = [fault for rule in RULES for fault in rule(subject)]
    if not faults:
        faults = [fault for rule in RULES_FOR_SOUND_FILES for fault in rule(subject)]
    return sorted(set(faults))
