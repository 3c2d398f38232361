"""Asking for the state of a case reads it, and names the case.

PASS  ask: {operation: GetCase, send: {CaseNumber: case.id}, …}
PASS  ask: {request: "GET /requests/{case.id}", …}
FAIL  ask: {operation: WithdrawCase, …}                     the operation of a step that changes something
FAIL  ask: {request: "DELETE /requests/{case.id}", …}       a method that changes something
FAIL  ask: {operation: GetCase, send: {}, …}                whose state?
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.expressions import ExpressionFault, parse
from agencies.checks.subject import Subject
from agencies.source import Fault

_SENT = ("request", "send", "query", "headers")
# A search is sometimes a POST; these never are.
_CHANGING_METHODS = frozenset({"PUT", "PATCH", "DELETE"})


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    file = subject.file
    if file.ask is None:
        return
    key = "operation" if file.ask.operation is not None else "request"
    asked = getattr(file.ask, key)
    for name in ("submit", "attachment", "withdraw"):
        step = getattr(file, name)
        if step is not None and getattr(step, key) == asked:
            text = f"is what `{name}` calls, which changes the case; name one that only reads"
            yield subject.source.fault(("ask", key), "asking-changes", text)
    if key == "request" and asked.split(" ")[0] in _CHANGING_METHODS:
        yield subject.source.fault(("ask", key), "asking-changes", "reading is a GET, or a POST that searches")
    if not _names_the_case(subject):
        yield subject.source.fault(
            ("ask",), "asks-for-no-case", "nothing says which case is meant: send `case.id`", of_key=True
        )


def _names_the_case(subject: Subject) -> bool:
    for place in subject.places():
        if place.path[0] == "ask" and len(place.path) > 1 and place.path[1] in _SENT:
            try:
                if any(use.steps == ("case", "id") for use in parse(place.text).paths):
                    return True
            except ExpressionFault:
                # Another rule reports it.
                return True
    return False
