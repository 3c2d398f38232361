"""Where a feed goes on: by time, by cursor, from page to page, or over a full list again and again.

A place is a small mapping of texts that is kept with the items it was read with. Promises: it never jumps past what was seen, also
when the agency's clock runs ahead (Q12); a reply that is cut off at a limit is asked for again in halves where the feed can be asked for
a span, and said aloud where it cannot (Q18); a feed that repeats itself ends the turn instead of looping (Q47); every reading has a
bound, and reaching it is said aloud (Q19); a full list that suddenly lost much is not believed (Q23).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urljoin, urlsplit

from adapters.answers import as_text
from adapters.expressions import Expression
from adapters.plan_status import Pages, PollStep, Shows
from connectors.base import Reply

_SECOND = timedelta(seconds=1)
_CURSOR_PAGES_AT_MOST = 1_000
_PAGE_KEYS = ("page", "offset", "marker", "link", "fingerprint", "pages")

Position = Mapping[str, str]
Evaluate = Callable[[Expression], object]


@dataclass(frozen=True, slots=True)
class Place:
    """What one page tells of where the reading stands. `newest` is the latest time in it, `fingerprint` tells pages apart."""

    position: Position | None
    now: datetime
    count: int
    newest: datetime | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class NextPlace:
    """Where to go on, whether at once, and what the feed cannot show."""

    position: dict[str, str]
    has_more: bool
    gap: str | None = None
    is_whole: bool = False


# What a call may name


def poll_scope(
    poll: PollStep, position: Position | None, now: datetime, case_ids: Sequence[str] = ()
) -> dict[str, object]:
    """`poll.*` for one call. A dated feed goes on exactly where a full page ended, else looks back by the overlap."""
    at = position or {}
    names: dict[str, object] = {"cursor": at.get("cursor")}
    if poll.is_dated:
        names["since"], names["until"] = _span(poll, position, now)
    if poll.shows is Shows.CASES_ASKED_FOR:
        names["case_ids"] = list(case_ids)
        names["case_id"] = case_ids[0] if case_ids else None
    if poll.pages is not None:
        names["page"] = int(at.get("page", poll.pages.first))
        names["offset"] = int(at.get("offset", 0))
        names["marker"] = at.get("marker")
    return {"poll": {name: value for name, value in names.items() if value is not None}}


def next_link(position: Position | None) -> dict[str, str] | None:
    """The query of the link that the last page gave, in place of the file's own; None at a first page."""
    link = (position or {}).get("link")
    return dict(json.loads(link)) if link else None


def _span(poll: PollStep, position: Position | None, now: datetime) -> tuple[datetime, datetime]:
    skew = timedelta(seconds=poll.clock_skew_s)
    if position is None or not position:
        since = now - timedelta(seconds=poll.reaches_back_s) - skew
    elif "since" in position:
        since = datetime.fromisoformat(position["since"])
    elif "resume_at" in position:
        since = datetime.fromisoformat(position["resume_at"])
    else:
        since = datetime.fromisoformat(position["last_seen"]) - timedelta(seconds=poll.overlap_s) - skew
    if position is not None and "until" in position:
        return since, datetime.fromisoformat(position["until"])
    end = now + skew
    return since, end if poll.window_s is None else min(end, since + timedelta(seconds=poll.window_s))


# Where to go on


def next_place(poll: PollStep, place: Place, reply: Reply, evaluate: Evaluate) -> NextPlace:
    """Where to go on after one page. Raises ExpressionFailed."""
    if poll.cursor is not None:
        return _after_cursor(poll, place, evaluate)
    step = _after_page(poll.pages, place, reply, evaluate) if poll.pages else _Step(None)
    if poll.is_dated:
        return _after_dates(poll, place, step)
    if poll.shows is Shows.EVERYTHING:
        return _after_list(poll, place, step)
    if step.keys is not None:
        return NextPlace(step.keys, has_more=True)
    return _after_queue(poll, place, step)


def _after_queue(poll: PollStep, place: Place, step: _Step) -> NextPlace:
    """What has handed out a full page has more of them; what was acknowledged, or handed out once, does not come again."""
    is_full = poll.pages is None and poll.page_size is not None and place.count >= poll.page_size
    if is_full and (place.position or {}).get("fingerprint") == place.fingerprint:
        return NextPlace({}, False, "the feed gives the same page again although it was acknowledged")
    position = {"fingerprint": place.fingerprint} if is_full else {}
    return NextPlace(position, is_full, step.gap or _full_without_remedy(poll, place))


@dataclass(frozen=True, slots=True)
class _Step:
    """The next page of one reading; `keys` is None at its end. With `is_cut` it ended before its end."""

    keys: dict[str, str] | None
    gap: str | None = None
    is_cut: bool = False


def _after_page(pages: Pages, place: Place, reply: Reply, evaluate: Evaluate) -> _Step:
    at = place.position or {}
    read = int(at.get("pages", 0)) + 1
    if place.fingerprint and at.get("fingerprint") == place.fingerprint:
        # A page past the end gives the last page again (Q47).
        return _Step(None)
    keys = _next_keys(pages, at, place, reply, evaluate)
    if isinstance(keys, str):
        return _Step(None, keys, is_cut=True)
    if keys is None:
        return _Step(None)
    if read >= pages.at_most:
        return _Step(None, f"one reading has more than {pages.at_most} pages; raise `pages.at_most`", is_cut=True)
    return _Step({**keys, "pages": str(read), "fingerprint": place.fingerprint})


def _next_keys(
    pages: Pages, at: Position, place: Place, reply: Reply, evaluate: Evaluate
) -> dict[str, str] | str | None:
    """The next page, None at the end, or a sentence why it cannot be gone to."""
    if pages.by == "link":
        return _next_by_link(pages, reply, evaluate)
    if pages.by == "marker":
        marker = as_text(evaluate(pages.next)) if pages.next else None
        if marker is None:
            return None
        return "the feed repeats its marker" if marker == at.get("marker") else {"marker": marker}
    ended = evaluate(pages.has_more) is not True if pages.has_more else not place.count
    if ended:
        return None
    if pages.by == "page":
        return {"page": str(int(at.get("page", pages.first)) + 1)}
    # By what came and not by what was asked for: a page size that is silently capped loses nothing.
    return {"offset": str(int(at.get("offset", 0)) + place.count)}


def _next_by_link(pages: Pages, reply: Reply, evaluate: Evaluate) -> dict[str, str] | str | None:
    target = as_text(evaluate(pages.next)) if pages.next else _link_header(reply.headers.get("link", ""))
    if target is None:
        return None
    here = urlsplit(reply.request.url)
    there = urlsplit(urljoin(reply.request.url, target))
    # A page that could send us anywhere could send our password anywhere: only the query is taken from it.
    if there.path != here.path:
        return "the link to the next page leads to another path"
    return {"link": json.dumps(dict(parse_qsl(there.query, keep_blank_values=True)))}


def _link_header(text: str) -> str | None:
    for part in text[:4000].split("<")[1:]:
        target, _, parameters = part.partition(">")
        words = parameters.replace('"', "").replace(",", ";").lower().split(";")
        if any(word.strip().startswith("rel=") and "next" in word.split("=", 1)[1].split() for word in words):
            return target
    return None


def _after_cursor(poll: PollStep, place: Place, evaluate: Evaluate) -> NextPlace:
    fields = poll.cursor
    assert fields is not None  # noqa: S101 - the caller asked
    at = place.position or {}
    before = at.get("cursor")
    after = as_text(evaluate(fields.next)) or before
    more = evaluate(fields.has_more) is True if fields.has_more else place.count > 0 and after != before
    position = {"cursor": after} if after else {}
    if not more:
        return NextPlace(position, has_more=False)
    if after == before:
        return NextPlace(position, False, "the feed says there is more but repeats its cursor")
    read = int(at.get("pages", 0)) + 1
    if read >= _CURSOR_PAGES_AT_MOST:
        return NextPlace(position, False, f"the feed has gone on for {read} pages and does not end")
    return NextPlace({**position, "pages": str(read)}, has_more=True)


def _after_list(poll: PollStep, place: Place, step: _Step) -> NextPlace:
    at = dict(place.position or {})
    reading = at.get("reading", place.now.isoformat())
    count = int(at.get("count", 0)) + place.count
    before = {"total": at["total"]} if "total" in at else {}
    if step.keys is not None:
        return NextPlace({**before, "reading": reading, "count": str(count), **step.keys}, has_more=True)
    gap = step.gap or _full_without_remedy(poll, place)
    if gap is not None:
        return NextPlace(before, False, gap)
    total = int(at.get("total", 0))
    if count < total * (1 - poll.shrinks_at_most):
        text = f"the full list shrank from {total} to {count} and is not believed; if it is right, raise `shrinks_at_most` for one reading"
        return NextPlace(before, False, text)
    return NextPlace({"total": str(count)}, has_more=False, is_whole=True)


def _full_without_remedy(poll: PollStep, place: Place) -> str | None:
    limit = poll.at_most
    if limit is None or place.count < limit or poll.pages is not None:
        return None
    return f"the reply is exactly full ({limit}): there may be more that the feed does not show"


def _after_dates(poll: PollStep, place: Place, step: _Step) -> NextPlace:
    since, until = _span(poll, place.position, place.now)
    at = place.position or {}
    # An agency whose clock runs ahead must not push our place past changes that are still to come.
    newest = min(place.newest, place.now) if place.newest is not None else None
    if poll.pages is not None and "newest" in at:
        before = datetime.fromisoformat(at["newest"])
        newest = max(newest, before) if newest is not None else before
    known = datetime.fromisoformat(at["last_seen"]) if "last_seen" in at else since
    if step.keys is not None:
        # One reading asks for one span: pages of different spans do not follow each other.
        fixed = {"last_seen": known.isoformat(), "since": since.isoformat(), "until": until.isoformat()}
        later = {"newest": newest.isoformat()} if newest is not None else {}
        return NextPlace({**fixed, **later, **step.keys}, has_more=True)
    if step.is_cut:
        # What is beyond the bound was not seen: the same span again, until somebody raises it.
        return NextPlace({"last_seen": known.isoformat(), "resume_at": since.isoformat()}, False, step.gap)
    if poll.has_until:
        return _after_span(poll, place, since, until, known)
    return _after_open_end(poll, place, since, known, newest)


def _after_span(poll: PollStep, place: Place, since: datetime, until: datetime, known: datetime) -> NextPlace:
    """The feed was asked for a span. One that came back full is asked for again in halves."""
    limit = None if poll.pages else poll.at_most or poll.page_size
    gap = None
    if limit is not None and place.count >= limit:
        if until - since > _SECOND:
            half = max((until - since) / 2, _SECOND)
            middle = (since + half).replace(microsecond=0)
            if since < middle < until:
                position = {"last_seen": known.isoformat(), "resume_at": since.isoformat(), "until": middle.isoformat()}
                return NextPlace(position, has_more=True)
        gap = f"more than {limit} changes share one moment, and the feed cannot show the rest"
    end = place.now + timedelta(seconds=poll.clock_skew_s)
    if until < end:
        position = {"last_seen": known.isoformat(), "resume_at": until.isoformat()}
        return NextPlace(position, has_more=True, gap=gap)
    return NextPlace({"last_seen": max(known, min(until, place.now)).isoformat()}, has_more=False, gap=gap)


def _after_open_end(
    poll: PollStep, place: Place, since: datetime, known: datetime, newest: datetime | None
) -> NextPlace:
    if poll.fields.at is None:
        # Nothing says when things happened: the time of this reading is how far we have come (Q14).
        newest = place.now
    position = {"last_seen": (max(known, newest) if newest else known).isoformat()}
    if poll.page_size is None or place.count < poll.page_size or poll.pages is not None:
        return NextPlace(position, has_more=False, gap=_full_without_remedy(poll, place))
    if newest is not None and newest > since and poll.fields.at is not None:
        return NextPlace({**position, "resume_at": newest.isoformat()}, has_more=True)
    # A whole page inside one second: asking again would bring the same page for ever.
    beyond = since.replace(microsecond=0) + _SECOND
    gap = f"more than {poll.page_size} changes share one moment, and the feed cannot show the rest"
    return NextPlace({**position, "resume_at": beyond.isoformat()}, has_more=beyond <= place.now, gap=gap)
