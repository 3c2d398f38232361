"""Change feeds and webhooks: from the agency's items to changes in our words, and where to go on reading.

Promises: one bad item never stops the others and is never dropped silently (Q16); a state the file does not list is
`Meaning.UNKNOWN`; the place to go on never jumps past what was seen, also when the agency's clock runs ahead (Q12);
a feed that repeats itself ends the turn instead of looping (Q47), and a gap it cannot avoid is said aloud.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adapters.answers import as_text, identifier, is_readable, items_of, reply_scope, retry_after_s
from adapters.context import Scope, is_missing
from adapters.expressions import Expression, ExpressionFailed
from adapters.functions import Words
from adapters.plan import AgencyPlan, ChangeFields, PollStep
from connectors.base import Reply, Tree
from domain.foreign_change import ForeignAnswer, ForeignChange, Meaning

MAX_ITEMS = 10_000
MAX_NOTE_LENGTH = 20_000
MAX_CODE_LENGTH = 100


class FeedRefused(Exception):
    """The feed was not readable as a page at all. The cursor stays where it was. `text` holds no content."""

    def __init__(self, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.retry_after_s = retry_after_s


class UnreadableItem(Exception):
    """One item lacks what a change needs. `text` names the field and holds no content."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class PageItem:
    """One item of a page as it came, and what it was read as: exactly one of `change` and `fault` is set."""

    item: Tree
    change: ForeignChange | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class PollPage:
    """One page of a feed. Keep `next_cursor` in the transaction that keeps the items; go on at once while `has_more`.

    `gap` is one sentence for operators where the feed itself cannot show everything.
    """

    items: tuple[PageItem, ...]
    next_cursor: dict[str, str]
    has_more: bool
    gap: str | None = None

    @property
    def changes(self) -> list[ForeignChange]:
        return [item.change for item in self.items if item.change is not None]

    @property
    def unreadable(self) -> list[PageItem]:
        return [item for item in self.items if item.fault is not None]


def poll_scope(poll: PollStep, cursor: Mapping[str, str] | None, now: datetime) -> dict[str, object]:
    """`poll.*` for one call. A dated feed goes on exactly where a full page ended, else looks back by the overlap."""
    if poll.cursor is not None:
        return {"poll": {"cursor": cursor.get("cursor") if cursor else None}}
    if cursor is None:
        since = now - timedelta(seconds=poll.reaches_back_s)
    elif "resume_at" in cursor:
        since = datetime.fromisoformat(cursor["resume_at"])
    else:
        since = datetime.fromisoformat(cursor["last_seen"]) - timedelta(seconds=poll.overlap_s)
    return {"poll": {"since": since}}


def read_page(
    plan: AgencyPlan, poll: PollStep, reply: Reply, cursor: Mapping[str, str] | None, now: datetime
) -> PollPage:
    """One page. Raises FeedRefused when the reply is no page."""
    if not is_readable(reply):
        named = "a fault" if reply.fault else f"HTTP {reply.status}"
        raise FeedRefused(f"the feed answered with {named}", retry_after_s(reply.headers))
    scope = reply_scope(reply)
    raw_items = items_of(poll.each, scope, plan.words)
    if raw_items is None:
        raise FeedRefused("the reply holds no list of changes where the file says")
    if len(raw_items) > MAX_ITEMS:
        raise FeedRefused(f"the page holds more than {MAX_ITEMS} changes")
    items = tuple(read_item(plan, poll.fields, item) for item in raw_items)
    if poll.cursor is not None:
        return _cursor_page(plan, poll, items, scope, cursor)
    return _dated_page(poll, items, cursor, now)


def read_item(plan: AgencyPlan, fields: ChangeFields, item: object) -> PageItem:
    """One item, read or kept with the reason why not. Its rows see `item` alone, so that a kept item can be read again later."""
    kept: Tree = item  # type: ignore[assignment]  # items come out of a Tree; `object` is only what paths return
    try:
        return PageItem(kept, change=_change(plan, fields, item))
    except UnreadableItem as unreadable:
        return PageItem(kept, fault=unreadable.text)
    except ExpressionFailed as failure:
        return PageItem(kept, fault=str(failure))


def _change(plan: AgencyPlan, fields: ChangeFields, item: object) -> ForeignChange:
    words = plan.words
    scope = {"item": item}
    if not isinstance(item, Mapping):
        raise UnreadableItem("the item is not a structure")
    case_id = identifier(fields.case_id, scope, words)
    if case_id is None:
        raise UnreadableItem("`case_id` is missing")
    code = as_text(fields.state.evaluate(scope, words))
    if code is None or len(code) > MAX_CODE_LENGTH:
        raise UnreadableItem("`state` is missing")
    event_key = identifier(fields.event_key, scope, words) if fields.event_key else None
    if fields.event_key is not None and event_key is None:
        raise UnreadableItem("`event_key` is missing")
    return ForeignChange(
        case_id=case_id,
        event_key=event_key or digest(item),
        code=code,
        means=plan.means.get(code, Meaning.UNKNOWN),
        occurred_at=moment_of(fields.at, scope, words),
        note=words_of(fields.note, scope, words),
        note_is_public=bool(fields.note_is_public and fields.note_is_public.evaluate(scope, words)),
        answer=_answer(fields, scope, words),
    )


def digest(item: object) -> str:
    """A key that tells repeats of one item apart from other items, where the feed gives none."""
    canonical = json.dumps(item, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr)
    return "sha256:" + hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _answer(fields: ChangeFields, scope: Scope, words: Words) -> ForeignAnswer | None:
    text = words_of(fields.answer_text, scope, words)
    if text is None:
        return None
    decision = words_of(fields.answer_decision, scope, words)
    return ForeignAnswer(text, decision, words_of(fields.answer_responsible, scope, words))


def words_of(expression: Expression | None, scope: Scope, words: Words) -> str | None:
    """A text of bounded length. Raises UnreadableItem for a structure, and ExpressionFailed."""
    value = expression.evaluate(scope, words) if expression else None
    if is_missing(value):
        return None
    if not isinstance(value, (str, int, float)):
        raise UnreadableItem("a text of the item is a structure")
    return str(value)[:MAX_NOTE_LENGTH].strip() or None


def moment_of(expression: Expression | None, scope: Scope, words: Words) -> datetime | None:
    """A time, in UTC. Without a zone it is the agency's clock; of an hour that comes twice the first is meant.

    Raises UnreadableItem for what is no time, and ExpressionFailed.
    """
    value = expression.evaluate(scope, words) if expression else None
    if is_missing(value):
        return None
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise UnreadableItem("`at` is not a time like 2026-01-31T12:00:00")
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=words.timezone)
    try:
        return zoned.astimezone(UTC)
    except (OverflowError, ValueError):
        raise UnreadableItem("`at` is beyond the calendar") from None


def _cursor_page(
    plan: AgencyPlan, poll: PollStep, items: tuple[PageItem, ...], scope: Scope, cursor: Mapping[str, str] | None
) -> PollPage:
    fields = poll.cursor
    if fields is None:
        raise FeedRefused("the file gives no cursor")
    before = cursor.get("cursor") if cursor else None
    try:
        after = as_text(fields.next.evaluate(scope, plan.words)) or before
        more = bool(fields.has_more and fields.has_more.evaluate(scope, plan.words))
    except ExpressionFailed as failure:
        raise FeedRefused(f"the page's cursor cannot be read: {failure}") from failure
    if fields.has_more is None:
        more = bool(items) and after != before
    next_cursor = {"cursor": after} if after else {}
    if more and after == before:
        return PollPage(items, next_cursor, has_more=False, gap="the feed says there is more but repeats its cursor")
    return PollPage(items, next_cursor, more)


def _dated_page(
    poll: PollStep, items: tuple[PageItem, ...], cursor: Mapping[str, str] | None, now: datetime
) -> PollPage:
    asked_since: datetime = poll_scope(poll, cursor, now)["poll"]["since"]  # type: ignore[index]  # made above, always a time
    seen = [
        item.change.occurred_at for item in items if item.change is not None and item.change.occurred_at is not None
    ]
    # An agency whose clock runs ahead must not push our place past changes that are still to come.
    newest = min(max(seen), now) if seen else None
    known = datetime.fromisoformat(cursor["last_seen"]) if cursor and "last_seen" in cursor else asked_since
    last_seen = max(known, newest) if newest else known
    next_cursor = {"last_seen": last_seen.isoformat()}
    if poll.page_size is None or len(items) < poll.page_size:
        return PollPage(items, next_cursor, has_more=False)
    if newest is not None and newest > asked_since:
        return PollPage(items, {**next_cursor, "resume_at": newest.isoformat()}, has_more=True)
    # A whole page inside one second: asking again would bring the same page for ever.
    beyond = asked_since.replace(microsecond=0) + timedelta(seconds=1)
    gap = f"more than {poll.page_size} changes share one moment, and the feed cannot show the rest"
    return PollPage(items, {**next_cursor, "resume_at": beyond.isoformat()}, has_more=beyond <= now, gap=gap)
