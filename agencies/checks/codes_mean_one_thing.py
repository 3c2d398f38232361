"""One code means one thing.

PASS  accepted: ["0"], already_there: ["17"]
FAIL  accepted: ["0", "17"], already_there: ["17"]
FAIL  accepted: []  with nothing already there: no reply could ever be a success
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.plan import Verdict
from agencies import model
from agencies.checks.subject import Subject
from agencies.source import Fault, Path


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for path, rules in outcome_rules(subject.file):
        seen: dict[str, str] = {}
        for verdict in Verdict:
            for number, code in enumerate(getattr(rules, verdict.value)):
                if code in seen:
                    yield subject.source.fault(
                        (*path, verdict.value, number), "code-twice", f"the code is listed under `{seen[code]}` already"
                    )
                seen[code] = verdict.value
        if not rules.accepted and rules.accepted_when is None:
            text = "needs `accepted` or `accepted_when`: else no reply could be a success"
            yield subject.source.fault(path, "no-success", text)


def outcome_rules(file: model.AgencyFile) -> Iterator[tuple[Path, model.OutcomeRules]]:
    """The outcome rules of every step that changes something, with their paths."""
    for at, step in writing_steps(file):
        yield (*at, "answer", "outcome"), step.answer.outcome


def writing_steps(file: model.AgencyFile) -> Iterator[tuple[Path, model.Writes]]:
    """Every step that has an outcome, with its path."""
    for name in ("submit", "upload", "attachment", "withdraw", "add_comment", "reopen", "set_priority"):
        step = getattr(file, name)
        if step is not None:
            yield (name,), step
            for number, own in enumerate(getattr(step, "before", ())):
                yield (name, "before", number), own
    for name in ("before", "then"):
        for number, step in enumerate(getattr(file, name)):
            yield (name, number), step
