"""What the stand-in shows of its changes: which of them a feed asks for, in pages as the file expects them.

Promises: a feed is served by what the request really said (a time, a cursor, a page, case numbers); what cannot be read in it is taken as not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from adapters.plan import AgencyPlan, PollStep
from adapters.plan_status import Shows
from adapters.times import moment_from
from agencies.fake.draft import Draft, places_of, put, ways_to_make_true
from agencies.fake.faults import Switchboard
from agencies.fake.ledger import Captured, Change, Ledger
from agencies.fake.replies import Replies

_PAGE_SIZE = 50
_YEARS_BACK = 25


@dataclass(slots=True)
class FeedMemory:
    """What one feed has handed out, and what its further reads will find."""

    gone: set[int] = field(default_factory=set)
    shown: dict[int, Any] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Feed's further read and the value that names it → what it brings."""


class Feeds:
    """Every feed of one agency."""

    def __init__(self, plan: AgencyPlan, ledger: Ledger, replies: Replies, faults: Switchboard, *, json: bool) -> None:
        """`json`: false is said as false; in XML it is said by saying nothing."""
        self._plan = plan
        self.ledger = ledger
        self._replies = replies
        self.faults = faults
        self._json = json
        self._memories: dict[str, FeedMemory] = {}

    def page(self, poll: PollStep, step: str, said: Captured, path: str) -> Draft:
        """One page of a feed. Raises CannotFake."""
        changes = self._wanted(poll, said)
        page, more = self._cut(poll, said, changes)
        draft = Draft()
        memory = self._memory(poll)
        items = self._items(poll, page, step, memory)
        draft.put(next(places_of(poll.each)), items)
        self._say_how_to_go_on(poll, said, draft, page, more=more, path=path)
        if self.faults.reading("destructive_read", step) or (poll.hands_out_once and poll.acknowledge is None):
            memory.gone.update(change.seq for change in page)
        memory.shown.update({change.seq: item for change, item in zip(page, items, strict=False)})
        return draft

    def acknowledged(self, poll: PollStep, said: Captured, _path: str) -> Draft:
        """What was shown and is named in the request is not shown again; a request that names nothing means everything that was shown."""
        memory = self._memory(poll)
        named = {seq for seq, item in memory.shown.items() if any(text in _texts(item) for text in said.texts if text)}
        memory.gone.update(named or memory.shown)
        return Draft()

    def detail(self, poll: PollStep, name: str, said: Captured, _path: str) -> Draft:
        """What a further read of one item brings."""
        known = self._memory(poll).details
        found = next((known[key] for text in said.texts if (key := f"{name}:{text}") in known), None)
        draft = Draft(status=404 if found is None else 200)
        for key, value in (found or {}).items():
            draft.put(("reply", key), value)
        return draft

    def now(self, step: str) -> datetime:
        """The agency's clock."""
        fault = self.faults.reading("clock_skew", step)
        return datetime.now(UTC) + timedelta(seconds=fault.pause_s if fault else 0.0)

    # Which changes

    def _wanted(self, poll: PollStep, said: Captured) -> list[Change]:
        known = [one for one in self.ledger.changes if one.seq not in self._memory(poll).gone]
        match poll.shows:
            case Shows.EVERYTHING:
                known = self._last_ones(list(self.ledger.cases))
            case Shows.CASES_ASKED_FOR:
                known = self._last_ones([one for one in self.ledger.cases if any(one in text for text in said.texts)])
        if poll.shows is not Shows.CHANGES:
            return known
        cursor = _number(said.get("poll.cursor"))
        since, until = (self._moment(poll, said.get(name)) for name in ("poll.since", "poll.until"))
        return [
            one
            for one in known
            if (cursor is None or one.seq > cursor)
            and (since is None or one.at >= since)
            and (until is None or one.at <= until)
        ]

    def _last_ones(self, case_ids: Sequence[str]) -> list[Change]:
        return [change for one in case_ids if (change := self.ledger.last_change(one)) is not None]

    def _moment(self, poll: PollStep, text: str | None) -> datetime | None:
        if text is None:
            return None
        zone: tzinfo = poll.fields.at_zone or self._plan.words.timezone
        forms = (*poll.fields.at_forms, "iso", "epoch", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
        # A request says whole seconds at most: what happened within that second is asked for too.
        moment = moment_from(text.lstrip("<>=~ "), forms, zone)
        return moment.replace(microsecond=0) if moment is not None else None

    def _cut(self, poll: PollStep, said: Captured, changes: list[Change]) -> tuple[list[Change], bool]:
        limit = poll.page_size or poll.at_most or (_PAGE_SIZE if poll.pages or poll.cursor else len(changes) or 1)
        begin = 0
        if poll.pages is not None:
            match poll.pages.by:
                case "offset":
                    begin = _number(said.get("poll.offset")) or 0
                case "marker":
                    marker = _number(said.get("poll.marker")) or 0
                    begin = sum(1 for one in changes if one.seq <= marker)
                case _:
                    page = _number(said.get("poll.page", "stand_in.page"))
                    begin = max((page if page is not None else poll.pages.first) - poll.pages.first, 0) * limit
        return changes[begin : begin + limit], begin + limit < len(changes)

    # What is shown

    def _items(self, poll: PollStep, page: list[Change], step: str, memory: FeedMemory) -> list[Any]:
        shown = self._disturbed(page, step)
        exact = shown == page
        items: list[Any] = []
        for change in shown:
            case = self.ledger.cases[change.case_id]
            item = self._replies.item(poll.fields, case, change, exact=exact)
            for follow in poll.follow:
                _name_detail(
                    item, follow.name, [row.value for row in (*follow.sending.path, *follow.sending.query)], case.id
                )
                detail = item.pop(follow.name, {})
                for value in _texts(item):
                    memory.details[f"{follow.name}:{value}"] = detail
            # A list of bare values is read as `item.value`.
            items.append(item["value"] if set(item) == {"value"} else item)
        if self.faults.reading("repeated_event", step):
            items = [one for one in items for _ in range(2)]
        if self.faults.reading("out_of_order_events", step):
            items.reverse()
        if items and self.faults.reading("partial_batch", step):
            items.insert(len(items) // 2, _unreadable(poll, items[0]))
        return items

    def _disturbed(self, page: list[Change], step: str) -> list[Change]:
        shown = list(page)
        if shown and self.faults.reading("unknown_code", step):
            shown[-1] = replace(shown[-1], status=None)
        if fault := self.faults.reading("clock_skew", step):
            shown = [replace(one, at=one.at + timedelta(seconds=fault.pause_s)) for one in shown]
        if self.faults.reading("dst_hour", step):
            hour = hour_that_came_twice(self._plan.words.timezone)
            shown = [replace(one, at=hour + timedelta(minutes=20 * number)) for number, one in enumerate(shown)]
        if self.faults.reading("catalogue_shrink", step):
            shown = shown[: max(1, len(shown) // 10)]
        return shown

    def _say_how_to_go_on(
        self, poll: PollStep, said: Captured, draft: Draft, page: list[Change], *, more: bool, path: str
    ) -> None:
        last = str(page[-1].seq) if page else said.get("poll.cursor", "poll.marker")
        for how in (poll.cursor, poll.pages):
            if how is None:
                continue
            if how.next is not None and last is not None and (poll.cursor is not None or more):
                draft.put(next(places_of(how.next)), last)
            if how.has_more is not None:
                if more:
                    draft.put_all(next(ways_to_make_true(how.has_more)))
                elif self._json and how.has_more.only_path is not None:
                    draft.put(how.has_more.only_path, False)
        if poll.pages is not None and poll.pages.by == "link" and more:
            page_number = (_number(said.get("stand_in.page")) or poll.pages.first) + 1
            draft.headers["Link"] = f'<{path}?stand_in.page={page_number}>; rel="next"'

    def _memory(self, poll: PollStep) -> FeedMemory:
        return self._memories.setdefault(poll.name, FeedMemory())


def hour_that_came_twice(zone: tzinfo) -> datetime:
    """The beginning of the last hour that the clocks of this zone showed twice; an hour ago where that never happened."""
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(24 * 366 * _YEARS_BACK):
        later, earlier = at.astimezone(zone), (at - timedelta(hours=1)).astimezone(zone)
        if (later.utcoffset() or timedelta()) < (earlier.utcoffset() or timedelta()):
            return at - timedelta(hours=1)
        at -= timedelta(hours=1)
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def _name_detail(item: dict[str, Any], name: str, expressions: list[Any], case_id: str) -> None:
    """Give the item what the further read is asked by, where nothing stands there yet."""
    for expression in expressions:
        for steps in places_of(expression):
            if steps[0] == "item" and len(steps) > 1 and steps[1] != name and str(steps[1]) not in item:
                put({"item": item}, steps, f"{name}-{case_id}")


def _unreadable(poll: PollStep, item: Any) -> Any:  # noqa: ANN401 - a structure or a bare value
    """A copy of the item that has lost its case number and its state."""
    if not isinstance(item, dict):
        return ""
    damaged: dict[str, Any] = deepcopy(item)
    for expression in (poll.fields.case_id, poll.fields.state):
        if expression is not None:
            put({"item": damaged}, next(places_of(expression)), "")
    return damaged


def _texts(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [text for inner in tree.values() for text in _texts(inner)]
    if isinstance(tree, list):
        return [text for inner in tree for text in _texts(inner)]
    return [tree] if isinstance(tree, str) else []


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
