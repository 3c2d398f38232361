"""Every expression is of the language, and every name, filter and table in it exists.

PASS  message.subject | shorten(120)
FAIL  message.subjct              unknown-name: did you mean `message.subject`?
FAIL  message.subject | shortn(9) unknown-filter
FAIL  message.received_at         time-needs-form: add `| local` or `| utc_ms`
FAIL  message.category | translate("knds")   unknown-table
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.expressions import Expression, ExpressionFault, PathUse, parse
from agencies.checks.subject import Place, Subject
from agencies.source import Fault, did_you_mean

_TIMES = {("message", "received_at"), ("poll", "since")}


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for place in subject.places():
        try:
            expression = parse(place.text)
        except ExpressionFault as fault:
            yield subject.source.fault(place.path, fault.code, fault.text)
            continue
        for use in expression.paths:
            problem = _problem(use, place)
            if problem:
                yield subject.source.fault(place.path, "unknown-name", problem)
        yield from _tables(subject, place, expression)
        if expression.only_path in _TIMES:
            yield subject.source.fault(
                place.path, "time-needs-form", "a time needs a form: add `| local` or `| utc_ms`"
            )


def _problem(use: PathUse, place: Place) -> str | None:
    root, below = str(use.steps[0]), use.steps[1:]
    if root not in place.names:
        if place.of_reply:
            return None
        return f"there is no `{root}` here.{did_you_mean(root, place.names)}"
    known: Mapping[str, str] | None = place.names[root]
    if known is None:
        return None
    if not below:
        return f"`{root}` is not a value; say which part of it.{did_you_mean('', known)}"
    if str(below[0]) not in known:
        near = did_you_mean(str(below[0]), known).replace("Did you mean `", f"Did you mean `{root}.")
        return f"there is no `{root}.{below[0]}`.{near}"
    if len(below) > 1 and below[0] != "headers":
        return f"`{root}.{below[0]}` has nothing below it"
    return None


def _tables(subject: Subject, place: Place, expression: Expression) -> Iterator[Fault]:
    tables = subject.file.translate
    for use in expression.filters:
        if use.name != "translate":
            continue
        if not use.literals:
            yield subject.source.fault(place.path, "unknown-table", 'name the table in quotes: `translate("kinds")`')
        elif use.literals[0] not in tables:
            near = did_you_mean(use.literals[0], tables)
            yield subject.source.fault(place.path, "unknown-table", f"there is no table `{use.literals[0]}`.{near}")
