"""What the file promises for a lost answer must be possible (P4).

PASS  when_answer_is_lost: resend   with `already_there` listed, or `repeats_known_by` naming a row that is sent
PASS  when_answer_is_lost: look-up  with a `look_up` step
FAIL  when_answer_is_lost: resend   with neither: a repeat could make a second case
FAIL  when_answer_is_lost: look-up  without `look_up`
"""

from __future__ import annotations

from collections.abc import Iterator

from agencies import model
from agencies.checks.subject import Subject
from agencies.source import Fault, did_you_mean


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for name in ("submit", "attachment", "withdraw"):
        step = getattr(subject.file, name)
        if step is not None:
            yield from _of_step(subject, name, step)


def _of_step(subject: Subject, name: str, step: model.Submit | model.Attachment | model.Withdraw) -> Iterator[Fault]:
    path = (name, "when_answer_is_lost")
    if step.when_answer_is_lost == "look-up" and subject.file.look_up is None:
        yield subject.source.fault(
            path, "nothing-to-look-up", "needs the step `look_up`; without one choose `ask-a-person`"
        )
    recognised = bool(step.answer.outcome.already_there) or _a_fault_says_so(subject.file, step)
    if step.when_answer_is_lost == "resend" and not recognised and step.repeats_known_by is None:
        text = "the agency must recognise a repeat: list `already_there`, or name the row in `repeats_known_by`; else choose `ask-a-person`"
        yield subject.source.fault(path, "repeat-not-recognised", text)
    if step.repeats_known_by is not None and step.repeats_known_by not in (rows := {**step.send, **step.headers}):
        near = did_you_mean(step.repeats_known_by, rows)
        yield subject.source.fault(
            (name, "repeats_known_by"), "unknown-row", f"no row of `send` or `headers` has this name.{near}"
        )


def _a_fault_says_so(file: model.AgencyFile, step: model.Submit | model.Attachment | model.Withdraw) -> bool:
    return any(rule.means == "already_there" for rule in (*step.answer.faults, *file.connection.faults))
