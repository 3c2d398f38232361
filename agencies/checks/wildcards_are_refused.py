"""No outcome is decided by "anything else": an answer nobody foresaw is unknown, and a person sees it.

PASS  refused: ["10", "11"]
FAIL  refused: ["*"]
FAIL  refused_when: "true"
FAIL  faults: [{text: "*", means: refused}]
FAIL  faults: [{code: Server, means: refused}]   every failure inside has this code, one after the case was made too
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.expressions import ExpressionFault, parse
from adapters.plan import Verdict
from agencies import model
from agencies.checks.codes_mean_one_thing import outcome_rules, writing_steps
from agencies.checks.subject import Subject
from agencies.source import Fault, Path

_CODES_OF_ANYTHING = ("", "server", "receiver")
_TEXT = "a wildcard decides what nobody foresaw; list the codes, the rest is unknown and is looked into"


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for path, rules in outcome_rules(subject.file):
        for verdict in Verdict:
            for number, code in enumerate(getattr(rules, verdict.value)):
                if "*" in code:
                    yield subject.source.fault((*path, verdict.value, number), "wildcard-outcome", _TEXT)
    if "*" in (subject.file.status.means if subject.file.status else {}):
        yield subject.source.fault(
            ("status", "means", "*"), "wildcard-outcome", "a state nobody foresaw waits for a person", of_key=True
        )
    for path, condition in _conditions(subject.file):
        if _holds_always(condition):
            yield subject.source.fault(
                path, "wildcard-outcome", "the condition looks at nothing, so it fits every answer"
            )
    for path, rule in _fault_rules(subject.file):
        if _fits_nearly_all(rule):
            yield subject.source.fault(
                path,
                "wildcard-outcome",
                "a pattern that fits every fault decides what nobody foresaw; write a part of the text",
            )


def _conditions(file: model.AgencyFile) -> Iterator[tuple[Path, str]]:
    for path, rules in outcome_rules(file):
        for verdict in Verdict:
            condition = getattr(rules, f"{verdict.value}_when")
            if condition is not None:
                yield (*path, f"{verdict.value}_when"), condition
    for at, step in writing_steps(file):
        for number, rule in enumerate(step.resend_once):
            yield (*at, "resend_once", number, "when"), rule.when


def _holds_always(condition: str) -> bool:
    try:
        return not parse(condition).paths
    except ExpressionFault:
        # Another rule reports it.
        return False


def _fits_nearly_all(rule: model.FaultRule) -> bool:
    says_code = rule.code is not None and rule.code.rpartition(":")[2].strip("*?[]! ").lower() not in _CODES_OF_ANYTHING
    return not says_code and not (rule.text or "").strip("*?[]! ")


def _fault_rules(file: model.AgencyFile) -> Iterator[tuple[Path, model.FaultRule]]:
    for number, rule in enumerate(file.connection.faults):
        yield ("connection", "faults", number), rule
    for at, step in writing_steps(file):
        for number, rule in enumerate(step.answer.faults):
            yield (*at, "answer", "faults", number), rule
