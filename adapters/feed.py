"""Change feeds and webhooks: from the agency's items to changes in our words. Where to go on reading: adapters/feed_places.py.

Promises: one bad item never stops the others and is never dropped silently (Q16); a state the file does not list is
`Meaning.UNKNOWN`; an item that the file calls our own echo or somebody else's is left aside and nothing else is; what the file hides
is hidden before anybody reads it; a page that is none is refused as a whole and the place to go on stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.answers import as_text, identifier, is_readable, items_of, reply_scope, retry_after_s
from adapters.conditions import holds, plainly
from adapters.context import Scope, is_missing
from adapters.deciding import Foreign, decide
from adapters.expressions import Expression, ExpressionFailed
from adapters.feed_places import Place, next_place
from adapters.functions import Words
from adapters.hiding import hidden
from adapters.plan import AgencyPlan
from adapters.plan_status import ChangeFields, PollStep
from adapters.times import ISO, moment_from
from connectors.base import Reply, Tree
from domain.foreign_change import ForeignAnswer, ForeignChange

MAX_ITEMS = 10_000
MAX_NOTE_LENGTH = 20_000
MAX_CODE_LENGTH = 100
MAX_STATE_LENGTH = 2_000
"""A state that `decide` matches by its beginning may be a sentence."""


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
    """One item of a page as it came, and what it was read as: exactly one of `change`, `fault` and `aside` is set.

    `aside` is why nobody needs it: `echo` of what we did, or `foreign` by the file's own condition.
    """

    item: Tree
    change: ForeignChange | None = None
    fault: str | None = None
    aside: str | None = None


@dataclass(frozen=True, slots=True)
class PollPage:
    """One page of a feed. Keep `next_cursor` in the transaction that keeps the items; go on at once while `has_more`.

    `gap` is one sentence for operators where the feed itself cannot show everything. `is_whole` says that with this page a full list
    has been read to its end and may be believed also in what it does not hold.
    """

    items: tuple[PageItem, ...]
    next_cursor: dict[str, str]
    has_more: bool
    gap: str | None = None
    is_whole: bool = False

    @property
    def changes(self) -> list[ForeignChange]:
        return [item.change for item in self.items if item.change is not None]

    @property
    def unreadable(self) -> list[PageItem]:
        return [item for item in self.items if item.fault is not None]


def read_page(
    plan: AgencyPlan, poll: PollStep, reply: Reply, cursor: Mapping[str, str] | None, now: datetime
) -> PollPage:
    """One page. Raises FeedRefused when the reply is no page."""
    if not is_readable(reply):
        named = "a fault" if reply.fault else f"HTTP {reply.status}"
        raise FeedRefused(f"the feed answered with {named}", retry_after_s(reply.headers))
    scope = reply_scope(reply)
    raw_items = _items(plan, poll, reply, scope)
    if len(raw_items) > MAX_ITEMS:
        raise FeedRefused(f"the page holds more than {MAX_ITEMS} changes")
    items = tuple(read_item(plan, poll.fields, item) for item in raw_items)
    changes = [item.change for item in items if item.change is not None]
    times = [change.occurred_at for change in changes if change.occurred_at is not None]
    try:
        place = next_place(
            poll,
            Place(
                position=cursor,
                now=now,
                count=len(items),
                newest=max(times) if times else None,
                fingerprint=digest(raw_items) if raw_items else "",
            ),
            reply,
            lambda expression: expression.evaluate(scope, plan.words),
        )
    except ExpressionFailed as failure:
        raise FeedRefused(f"where the page goes on cannot be read: {failure}") from failure
    return PollPage(items, place.position, place.has_more, place.gap, place.is_whole)


def _items(plan: AgencyPlan, poll: PollStep, reply: Reply, scope: Scope) -> list[object]:
    found = items_of(poll.each, scope, plan.words)
    if found is None and poll.empty_is_none and (reply.status == 204 or not reply.raw.strip()):
        # No content at all is how this system says that there is nothing (Q32).
        return []
    if found is None:
        raise FeedRefused("the reply holds no list of changes where the file says")
    # A feed of bare numbers, to be read further by `then`.
    return [{"value": item} if isinstance(item, (str, int)) else item for item in found]


def read_item(plan: AgencyPlan, fields: ChangeFields, item: object) -> PageItem:
    """One item, read or kept with the reason why not. Its rows see `item` alone, so that a kept item can be read again later."""
    kept: Tree = item  # type: ignore[assignment]  # items come out of a Tree; `object` is only what paths return
    return read_fields(plan, fields, kept, {"item": item})


def read_fields(
    plan: AgencyPlan, fields: ChangeFields, kept: Tree, scope: Scope, case_id: str | None = None
) -> PageItem:
    """The same over any scope; `case_id` stands in where the rows name none."""
    try:
        aside = _aside(fields, scope, plan.words) if isinstance(kept, Mapping) else None
        if aside is not None:
            return PageItem(kept, aside=aside)
        return PageItem(kept, change=_change(plan, fields, kept, scope, case_id))
    except UnreadableItem as unreadable:
        return PageItem(kept, fault=unreadable.text)
    except ExpressionFailed as failure:
        return PageItem(kept, fault=str(failure))


def _aside(fields: ChangeFields, scope: Scope, words: Words) -> str | None:
    if not holds(fields.only_when, scope, words, without=True):
        return "foreign"
    if holds(fields.echo.when, scope, words):
        return "echo"
    return None


def _change(
    plan: AgencyPlan, fields: ChangeFields, item: object, scope: Scope, known_case_id: str | None
) -> ForeignChange:
    words = plan.words
    if not isinstance(item, Mapping):
        raise UnreadableItem("the item is not a structure")
    if holds(fields.fails_when, scope, words):
        raise UnreadableItem("the agency itself says that this item failed")
    case_id = identifier(fields.case_id, scope, words) if fields.case_id else known_case_id
    reference = identifier(fields.reference, scope, words) if fields.reference else None
    if case_id is None:
        raise UnreadableItem("`case_id` is missing")
    said = state_of(fields, scope, words)
    if said is None:
        raise UnreadableItem("`state` is missing")
    means, after_s = decide(plan.decide, plan.means, said)
    occurred_at = moment_of(fields, scope, words)
    note = _without_echo(fields, words_of(fields.note, scope, words))
    answer = _answer(plan, fields, scope)
    category = _category(fields, scope, words)
    key = identifier(fields.event_key, scope, words) if fields.event_key else None
    if fields.event_key is not None and key is None:
        raise UnreadableItem("`event_key` is missing")
    return ForeignChange(
        case_id=case_id,
        event_key=key or _key(item, case_id, said, occurred_at, note, answer, category),
        code=said.code[:MAX_CODE_LENGTH],
        means=means,
        occurred_at=occurred_at,
        note=hidden(note, plan.hides) if note is not None else None,
        note_is_public=plainly(fields.note_is_public, scope, words),
        answer=answer,
        reference=reference,
        after_s=after_s,
        own_words=fields.echo.own_words,
        category=category,
    )


def _category(fields: ChangeFields, scope: Scope, words: Words) -> str | None:
    """Our code of the topic. A kind that no table of the file knows takes nothing else of the item away."""
    try:
        return identifier(fields.category, scope, words) if fields.category else None
    except ExpressionFailed:
        return None


def state_of(fields: ChangeFields, scope: Scope, words: Words) -> Foreign | None:
    """The state in the agency's words, or None where it is missing or too long to be one. Raises ExpressionFailed."""
    longest = MAX_STATE_LENGTH if fields.substate or fields.reason else MAX_CODE_LENGTH
    parts = [
        as_text(expression.evaluate(scope, words)) if expression is not None else None
        for expression in (fields.state, fields.substate, fields.reason)
    ]
    if parts[0] is None or len(parts[0]) > longest:
        return None
    return Foreign(parts[0], *((part or "")[:MAX_STATE_LENGTH] for part in parts[1:]))


def _without_echo(fields: ChangeFields, note: str | None) -> str | None:
    marker = fields.echo.marker
    return None if note is not None and marker is not None and marker in note else note


def _key(
    item: object,
    case_id: str,
    said: Foreign,
    at: datetime | None,
    note: str | None,
    answer: ForeignAnswer | None,
    category: str | None,
) -> str:
    """What tells repeats of this event apart. With a time it is the same in every feed that shows the event (Q16)."""
    if at is None:
        return digest(item)
    seen = (case_id, said.state, said.substate, said.reason, at.replace(microsecond=0).isoformat(), note)
    return digest([*seen, answer.text if answer is not None else None, *([category] if category else [])])


def digest(item: object) -> str:
    """A key that tells repeats of one item apart from other items, where the feed gives none."""
    canonical = json.dumps(item, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr)
    return "sha256:" + hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def looks_of(change: ForeignChange) -> str:
    """A digest of everything that a full list says of a case, to tell one reading from the next."""
    at = change.occurred_at.isoformat() if change.occurred_at else None
    said = [change.code, str(change.means), at, change.note, change.answer.text if change.answer else None]
    return digest([*said, *([change.category] if change.category else [])])


def _answer(plan: AgencyPlan, fields: ChangeFields, scope: Scope) -> ForeignAnswer | None:
    words = plan.words
    text = words_of(fields.answer_text, scope, words)
    if text is None:
        return None
    decision = words_of(fields.answer_decision, scope, words)
    responsible = words_of(fields.answer_responsible, scope, words)
    return ForeignAnswer(
        hidden(text, plan.hides), decision, hidden(responsible, plan.hides) if responsible is not None else None
    )


def words_of(expression: Expression | None, scope: Scope, words: Words) -> str | None:
    """A text of bounded length. Raises UnreadableItem for a structure, and ExpressionFailed."""
    value = expression.evaluate(scope, words) if expression else None
    if is_missing(value):
        return None
    if not isinstance(value, (str, int, float)):
        raise UnreadableItem("a text of the item is a structure")
    return str(value)[:MAX_NOTE_LENGTH].strip() or None


def moment_of(fields: ChangeFields, scope: Scope, words: Words) -> datetime | None:
    """A time, in UTC. Without a zone it is the agency's clock; of an hour that comes twice the first is meant.

    Raises UnreadableItem for what is no time, and ExpressionFailed.
    """
    value = fields.at.evaluate(scope, words) if fields.at else None
    if is_missing(value):
        return None
    moment = moment_from(value, fields.at_forms, fields.at_zone or words.timezone)
    if moment is None:
        example = "a time like 2026-01-31T12:00:00" if fields.at_forms == (ISO,) else "of a form under `at_form`"
        raise UnreadableItem(f"`at` is not {example}")
    return moment
