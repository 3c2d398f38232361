"""What the file promises for a lost answer must be possible (P4).

PASS  when_answer_is_lost: resend   with `already_there` listed, or `repeats_known_by` naming a row that is sent
PASS  when_answer_is_lost: look-up  with a `look_up` step
PASS  when_answer_is_lost: resend   for `upload`: what nothing names yet harms nobody twice
PASS  when_answer_is_lost: resend   with `repeat_harms_nobody: true`, for a call of `before` that makes such a thing
FAIL  when_answer_is_lost: resend   with neither: a repeat could make a second case
FAIL  when_answer_is_lost: look-up  without `look_up`
"""

from __future__ import annotations

from collections.abc import Iterator

from agencies import model
from agencies.checks.codes_mean_one_thing import writing_steps
from agencies.checks.subject import Subject
from agencies.source import Fault, Path, did_you_mean


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for at, step in writing_steps(subject.file):
        yield from _of_step(subject, at, step)


def _of_step(subject: Subject, at: Path, step: model.Writes) -> Iterator[Fault]:
    path = (*at, "when_answer_is_lost")
    policy = getattr(step, "when_answer_is_lost", None)
    if policy == "look-up" and subject.file.look_up is None:
        yield subject.source.fault(
            path, "nothing-to-look-up", "needs the step `look_up`; without one choose `ask-a-person`"
        )
    outcome = step.answer.outcome
    says_so = bool(outcome.already_there) or outcome.already_there_when is not None
    recognised = says_so or _a_fault_says_so(subject.file, step)
    # An upload that nothing names is nobody's: a second one does no harm (Q51).
    recognised = recognised or isinstance(step, model.Upload)
    recognised = recognised or (isinstance(step, model.NamedStep) and step.repeat_harms_nobody)
    if policy == "resend" and not recognised and step.repeats_known_by is None:
        text = "the agency must recognise a repeat: list `already_there`, or name the row in `repeats_known_by`; else choose `ask-a-person`"
        if isinstance(step, model.NamedStep):
            text += "; where a second time leaves nothing that anybody sees, say `repeat_harms_nobody: true`"
        yield subject.source.fault(path, "repeat-not-recognised", text)
    if step.repeats_known_by is not None and step.repeats_known_by not in (
        rows := {**step.send, **step.form, **step.headers}
    ):
        near = did_you_mean(step.repeats_known_by, rows)
        yield subject.source.fault(
            (*at, "repeats_known_by"), "unknown-row", f"no row of `send` or `headers` has this name.{near}"
        )


def _a_fault_says_so(file: model.AgencyFile, step: model.Writes) -> bool:
    return any(rule.means == "already_there" for rule in (*step.answer.faults, *file.connection.faults))
