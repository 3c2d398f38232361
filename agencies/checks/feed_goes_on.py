"""A feed is asked from where the last page ended; one that forgets this brings the same page for ever.

PASS  query: {cursor: poll.cursor} with `cursor: {next: …}`
PASS  send: {Since: poll.since | local} without `cursor`
PASS  query: {page: poll.page} with `pages: {by: page}` and `shows: everything`
PASS  a queue with `acknowledge`, or one that `hands_out_once`: what was taken does not come again
FAIL  send: {} without either
FAIL  query: {cursor: poll.cursor} without `cursor`
FAIL  a dated feed with neither `at` nor `overlap`: what is written while we read would never be seen
FAIL  pages: {by: offset} without `poll.offset`
FAIL  window: 90d without `poll.until`
FAIL  shows: cases-asked-for without `poll.case_ids`
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.expressions import ExpressionFault
from agencies import model_status as model
from agencies.build_status import names_asked_for
from agencies.checks.subject import Subject
from agencies.source import Fault, Path

_PAGE_NAMES = {"page": "page", "offset": "offset", "marker": "marker"}


def feeds_of(subject: Subject) -> Iterator[tuple[Path, model.Poll]]:
    """Every feed of the file with its path."""
    status = subject.file.status
    if status is not None and status.poll is not None:
        yield ("status", "poll"), status.poll
    for name, poll in status.also_poll.items() if status is not None else ():
        yield ("status", "also_poll", name), poll


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for path, poll in feeds_of(subject):
        try:
            sent = names_asked_for(poll)
        except ExpressionFault:
            # Another rule reports it.
            continue
        yield from _stands_still(subject, path, poll, sent)
        yield from _spans(subject, path, poll, sent)
        yield from _pages(subject, path, poll, sent)


def _stands_still(subject: Subject, path: Path, poll: model.Poll, sent: set[str]) -> Iterator[Fault]:
    remedy = None
    if poll.cursor is not None:
        remedy = None if "cursor" in sent else "send `poll.cursor`"
    elif poll.shows == "cases-asked-for":
        wanted = {"case_ids"} if poll.batch > 1 else {"case_ids", "case_id"}
        remedy = None if wanted & sent else "send `poll.case_ids`, or `poll.case_id` with `batch: 1`"
    elif poll.shows == "changes" and not poll.hands_out_once and poll.acknowledge is None and "since" not in sent:
        remedy = "send `poll.since` with a form, or describe `cursor`"
    if remedy is not None:
        yield subject.source.fault(path, "feed-stands-still", f"nothing says from where to go on: {remedy}")


def _spans(subject: Subject, path: Path, poll: model.Poll, sent: set[str]) -> Iterator[Fault]:
    if poll.cursor is not None and poll.overlap:
        yield subject.source.fault(
            (*path, "overlap"), "no-overlap", "a cursor feed does not look back; remove it", of_key=True
        )
    is_dated = poll.cursor is None and poll.shows == "changes" and "since" in sent
    if is_dated and poll.at is None and not poll.overlap:
        text = "a dated feed needs `at`, which says how far we have read, or `overlap`: what is written while we read would be missed"
        yield subject.source.fault(path, "feed-stands-still", text)
    if poll.window is not None and "until" not in sent:
        yield subject.source.fault(
            (*path, "window"), "span-not-sent", "a span has an end: send `poll.until` with a form", of_key=True
        )


def _pages(subject: Subject, path: Path, poll: model.Poll, sent: set[str]) -> Iterator[Fault]:
    pages = poll.pages
    if pages is None:
        return
    name = _PAGE_NAMES.get(pages.by)
    if name is not None and name not in sent:
        yield subject.source.fault(
            (*path, "pages"), "feed-stands-still", f"every page would be the first: send `poll.{name}`"
        )
    if pages.by == "marker" and pages.next is None:
        yield subject.source.fault(
            (*path, "pages"), "feed-stands-still", "a marker is read from the page: needs `next`"
        )
