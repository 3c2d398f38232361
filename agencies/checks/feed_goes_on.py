"""A feed is asked from where the last page ended; one that forgets this brings the same page for ever.

PASS  query: {cursor: poll.cursor} with `cursor: {next: …}`
PASS  send: {Since: poll.since | local} without `cursor`
FAIL  send: {} without either
FAIL  query: {cursor: poll.cursor} without `cursor`
FAIL  a dated feed without `at`: nothing says how far we have read
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.expressions import ExpressionFault, parse
from agencies.checks.subject import Subject
from agencies.source import Fault

_POLL = ("status", "poll")


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    poll = subject.file.status.poll if subject.file.status else None
    if poll is None:
        return
    wanted = "cursor" if poll.cursor else "since"
    if ("poll", wanted) not in _named_in_sending(subject):
        remedy = "send `poll.cursor`" if poll.cursor else "send `poll.since` with a form, or describe `cursor`"
        yield subject.source.fault(_POLL, "feed-stands-still", f"nothing says from where to go on: {remedy}")
    if poll.cursor is None and poll.at is None:
        yield subject.source.fault(_POLL, "feed-stands-still", "a dated feed needs `at`: it says how far we have read")
    if poll.cursor is not None and poll.overlap:
        yield subject.source.fault(
            (*_POLL, "overlap"), "no-overlap", "a cursor feed does not look back; remove it", of_key=True
        )


def _named_in_sending(subject: Subject) -> set[tuple[str | int, ...]]:
    named: set[tuple[str | int, ...]] = set()
    for place in subject.places():
        if place.path[:2] == _POLL and len(place.path) > 2 and place.path[2] in ("send", "query", "headers", "request"):
            try:
                named |= {use.steps for use in parse(place.text).paths}
            except ExpressionFault:
                # Another rule reports it.
                continue
    return named
