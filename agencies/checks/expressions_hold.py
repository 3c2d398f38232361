"""Every expression is of the language, and every name, filter and table in it exists.

PASS  message.subject | shorten(120)
FAIL  message.subjct              unknown-name: did you mean `message.subject`?
FAIL  message.subject | shortn(9) unknown-filter
FAIL  message.received_at         time-needs-form: add `| local` or `| utc_ms`
FAIL  message.category | translate("knds")   unknown-table
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from adapters.expressions import Expression, ExpressionFault, FilterUse, PathUse, parse
from agencies.checks.subject import Place, Subject
from agencies.source import Fault, did_you_mean

_TIMES = {("message", "received_at"), ("poll", "since"), ("poll", "until"), ("comment", "at"), ("now",)}
_DEEPER = {("http", "headers"), ("item", "uploaded")}


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    tables = {*subject.file.translate, *subject.file.fetched_tables}
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
        yield from _tables(subject, place, expression, tables)
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
        if root == "item" and place.path[-1] == "each":
            # `each: item` is how one file becomes a list of one.
            return None
        return f"`{root}` is not a value; say which part of it.{did_you_mean('', known)}"
    if str(below[0]) not in known:
        near = did_you_mean(str(below[0]), known).replace("Did you mean `", f"Did you mean `{root}.")
        return f"there is no `{root}.{below[0]}`.{near}"
    if len(below) > 1 and (root, below[0]) not in _DEEPER and root != "steps":
        return f"`{root}.{below[0]}` has nothing below it"
    return None


def _tables(subject: Subject, place: Place, expression: Expression, tables: Collection[str]) -> Iterator[Fault]:
    for use in expression.filters:
        if use.name == "hook":
            yield from _hook(subject, place, use)
        if use.name not in ("translate", "translate_back"):
            continue
        if not use.literals:
            yield subject.source.fault(place.path, "unknown-table", 'name the table in quotes: `translate("kinds")`')
        elif use.literals[0] not in tables:
            near = did_you_mean(use.literals[0], tables)
            yield subject.source.fault(place.path, "unknown-table", f"there is no table `{use.literals[0]}`.{near}")


def _hook(subject: Subject, place: Place, use: FilterUse) -> Iterator[Fault]:
    hooks = subject.file.hooks
    if not use.literals or use.literals[0] not in hooks:
        near = did_you_mean(use.literals[0] if use.literals else "", hooks)
        yield subject.source.fault(place.path, "unknown-name", f"`hooks` names no such hook.{near}")
