"""What one part of sending says of another is true: rows that are changed, answers that are kept, files that are limited, hooks that run.

PASS  resend_once: [{when: …, with: {kind: '"other"'}}]      where `send` has the row `kind`
FAIL  resend_once: [{when: …, with: {kindd: '"other"'}}]     unknown-row
FAIL  then: [{…, send: {a: steps.submit.guid}}]              unknown-name: the answer to `submit` keeps no `guid`
FAIL  before: [{name: a, send: {x: steps.b.y}}, {name: b}]   unknown-name: `b` comes later
FAIL  submit: {limits: {…}} with a step `attachment`         limits-without-use
FAIL  hooks: {house: nowhere:house}                          hook-not-allowed
FAIL  case_id_comes: later without anything that finds it    nothing-to-look-up
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.expressions import ExpressionFault, PathUse, parse
from adapters.plan_sending import AttachmentsGo
from agencies import hooks
from agencies.build_sending import attachments_go
from agencies.checks.codes_mean_one_thing import writing_steps
from agencies.checks.subject import Place, Subject
from agencies.model import AgencyFile
from agencies.source import Fault, Path, did_you_mean

_AFTER_SUBMIT = ("then", "attachment", "withdraw", "add_comment", "reopen", "set_priority", "look_up")


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    yield from _changed_rows(subject)
    for place in subject.places():
        yield from _kept(subject, place)
    yield from _limits(subject)
    yield from _late_number(subject)
    for name, hook in subject.file.hooks.items():
        if (reason := hooks.why_not(hook)) is not None:
            yield subject.source.fault(("hooks", name), "hook-not-allowed", reason)


def _changed_rows(subject: Subject) -> Iterator[Fault]:
    for at, step in writing_steps(subject.file):
        rows = {**step.send, **step.form}
        for number, rule in enumerate(step.resend_once):
            path: Path = (*at, "resend_once", number)
            named = [((*path, "with", name), name) for name in rule.with_]
            named += [((*path, "without", place), name) for place, name in enumerate(rule.without)]
            for where, name in named:
                if name not in rows:
                    text = f"no row of `send` or `form` has this name.{did_you_mean(name, rows)}"
                    yield subject.source.fault(where, "unknown-row", text, of_key=where[-2] == "with")


def _kept(subject: Subject, place: Place) -> Iterator[Fault]:
    try:
        uses = parse(place.text).paths
    except ExpressionFault:
        # Another rule reports it.
        return
    for use in uses:
        problem = None
        if use.steps[0] == "steps" and "steps" in place.names:
            problem = _why_not_kept(subject, place, use)
        elif use.steps[:2] == ("item", "uploaded"):
            upload = subject.file.upload
            problem = _unless(use, upload.answer.keep if upload else {}, "upload", upload is None)
        if problem is not None:
            yield subject.source.fault(place.path, "unknown-name", problem)


def _why_not_kept(subject: Subject, place: Place, use: PathUse) -> str | None:
    file, name = subject.file, str(use.steps[1]) if len(use.steps) > 1 else ""
    if name == "submit":
        too_early = place.step not in _AFTER_SUBMIT
        return "`submit` comes later" if too_early else _unless(use, file.submit.answer.keep, name, missing=False)
    own = getattr(getattr(file, place.step, None), "before", ())
    for number, step in enumerate(own):
        if step.name == name:
            inside = place.path[1:2] == ("before",) and "answer" not in place.path
            too_early = inside and int(place.path[2]) <= number
            return f"`{name}` comes later" if too_early else _unless(use, step.answer.keep, name, missing=False)
    for list_name, steps in (("before", file.before), ("then", file.then)):
        for number, step in enumerate(steps):
            if step.name == name:
                too_early = place.step == list_name and int(place.path[1]) <= number and "answer" not in place.path
                too_early = too_early or (list_name == "then" and place.step in ("before", "upload", "submit"))
                return f"`{name}` comes later" if too_early else _unless(use, step.answer.keep, name, missing=False)
    return None


def _unless(use: PathUse, keep: dict[str, str], name: str, missing: bool) -> str | None:
    kept = str(use.steps[2]) if len(use.steps) > 2 else ""
    if missing:
        return f"there is no step `{name}` whose answer could keep it"
    return None if kept in keep else f"the answer to `{name}` keeps no `{kept}`.{did_you_mean(kept, keep)}"


def _limits(subject: Subject) -> Iterator[Fault]:
    file = subject.file
    carrying = "upload" if file.upload else "attachment" if file.attachment else "submit"
    for name in ("submit", "attachment", "upload"):
        step = getattr(file, name)
        said = getattr(step, "limits", None)
        if said is None or "limits" not in step.model_fields_set:
            continue
        if name != carrying:
            yield subject.source.fault(
                (name, "limits"), "limits-without-use", f"the files go with `{carrying}`; say it there"
            )
        elif not _files_go(file):
            yield subject.source.fault((name, "limits"), "limits-without-use", "no row sends `message.attachments`")
        elif said.shrink_photos and said.max_bytes is None:
            text = "needs `max_bytes` beside it: how small must a photo be?"
            yield subject.source.fault((name, "limits", "shrink_photos"), "limits-without-use", text)


def _files_go(file: AgencyFile) -> bool:
    try:
        return attachments_go(file) is not AttachmentsGo.NOT
    except ExpressionFault:
        # Another rule reports it.
        return True


def _late_number(subject: Subject) -> Iterator[Fault]:
    file = subject.file
    is_late = file.submit.answer.case_id_comes == "later"
    feeds = [file.status.poll, file.status.webhook] if file.status is not None else []
    if is_late and file.look_up is None and not any(feed is not None and feed.reference is not None for feed in feeds):
        text = "needs `look_up`, or `reference` in the feed: how does the number reach us?"
        yield subject.source.fault(("submit", "answer", "case_id_comes"), "nothing-to-look-up", text)
