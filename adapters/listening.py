"""The half of an adapter that listens: feeds, webhooks and questions about a case, in both directions of the translation.

Promises: it keeps no state and does no input or output; it never raises on anything an agency answered, except FeedRefused for a page
that is none, AskRefused for a reply that tells no state, and BadSignature for a webhook; what was kept can be read again later, with a
mended file, to the same or a better end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from adapters.answers import identifier, is_readable, items_of, reply_scope
from adapters.asking import AskRefused, CaseNow, kept_scope, read_ask
from adapters.bodies import NotABody, read_body
from adapters.building import CannotBuild, build_call
from adapters.conditions import holds
from adapters.context import USUAL, is_missing
from adapters.expressions import ExpressionFailed, follow
from adapters.feed import PageItem, PollPage, digest, read_fields, read_item, read_page
from adapters.feed_places import Position, next_link, poll_scope
from adapters.functions import Words
from adapters.plan import AgencyPlan, Step
from adapters.plan_status import MAIN_FEED, ChangeFields, Follow, PollStep, WebhookReply
from adapters.saying import scope_of
from adapters.webhook import BadSignature, verify
from connectors.base import Call, Reply, Tree
from domain.foreign_change import ForeignChange

MAX_WEBHOOK_BYTES = 2 * 1024 * 1024
NOT_LISTED = "not listed"
"""Stands for the agency's code where a full list has dropped a case and nobody there knows it any more."""


class NotSupported(Exception):
    """The agency's file does not describe this step; ask `supports` first."""

    def __init__(self, code: str, step: str) -> None:
        super().__init__(f"the file of {code} has no `{step}`")
        self.step = step


class Listening:
    """One agency's words, on their way to us. `Adapter` is this and the way to them."""

    def __init__(self, plan: AgencyPlan) -> None:
        self.plan = plan

    # Feeds

    @property
    def poll_interval_s(self) -> float | None:
        """Seconds between readings of the feed that is read most often; None when there is no feed."""
        return min((feed.interval_s for feed in self.feeds.values()), default=None)

    @property
    def feeds(self) -> dict[str, PollStep]:
        """Every feed by its name; the one under `poll` has the name `""`."""
        main = (self.plan.poll,) if self.plan.poll is not None else ()
        return {feed.name: feed for feed in (*main, *self.plan.also_poll)}

    def poll_call(
        self, cursor: Position | None, now: datetime, feed: str = MAIN_FEED, case_ids: Sequence[str] = ()
    ) -> Call:
        """The safe call for the next page; `cursor` is what the last page gave, None at the very first. Raises CannotBuild."""
        poll = self._feed(feed)
        call = build_call(poll.sending, poll_scope(poll, cursor, now, case_ids), self.plan.words)
        link = next_link(cursor)
        return call if link is None else replace(call, query=link)

    def read_poll(self, reply: Reply, cursor: Position | None, now: datetime, feed: str = MAIN_FEED) -> PollPage:
        """One page; `cursor` and `now` are those of `poll_call`. Raises FeedRefused, and the cursor stays."""
        return read_page(self.plan, self._feed(feed), reply, cursor, now)

    def follow_call(self, item: Tree, step: Follow) -> Call | None:
        """The further read of one item, or None where the file does not want it or the item does not say what to ask. Raises CannotBuild."""
        if not isinstance(item, Mapping) or not _is_wanted(step, item, self.plan.words) or not _is_named(step, item):
            return None
        return build_call(step.sending, {"item": item}, self.plan.words)

    @staticmethod
    def followed(item: Tree, name: str, reply: Reply) -> Tree:
        """The item with what a further read brought; a reply that is none leaves the item as it was, and its rows will miss it."""
        if not isinstance(item, Mapping) or not is_readable(reply):
            return item
        return {**item, name: reply.tree}

    def case_id_of(self, item: Tree, feed: str = MAIN_FEED, step: Step = Step.POLL) -> str | None:
        """Whose item this is, as far as it can be read without what follows it."""
        source = self.plan.webhook if step is Step.WEBHOOK else self.feeds.get(feed)
        if source is None or source.fields.case_id is None:
            return None
        return identifier(source.fields.case_id, {"item": item}, self.plan.words)

    def acknowledge_calls(self, reply: Reply, items: Sequence[Tree], feed: str = MAIN_FEED) -> Iterator[Call]:
        """The calls that tell the agency that a page is safe with us. Raises CannotBuild."""
        acknowledge = self._feed(feed).acknowledge
        if acknowledge is None or not items:
            return
        if not acknowledge.each_item:
            yield build_call(acknowledge.sending, {**reply_scope(reply), "items": list(items)}, self.plan.words)
            return
        for item in items:
            yield build_call(acknowledge.sending, {**reply_scope(reply), "item": item}, self.plan.words)

    # Questions about one case

    def ask_call(self, case_ids: Mapping[str, str]) -> Call | None:
        """The safe call that asks for the state of a case now, or None where the agency cannot be asked. Raises CannotBuild."""
        if self.plan.ask is None:
            return None
        return build_call(self.plan.ask.sending, scope_of(self.plan, USUAL, case_ids=case_ids), self.plan.words)

    def read_ask(self, reply: Reply, case_id: str | None = None) -> CaseNow:
        """What the agency says of the case now. Without `case_id` it is not compared which case that is. Raises AskRefused."""
        if self.plan.ask is None:
            raise NotSupported(self.plan.code, Step.ASK)
        return read_ask(self.plan, self.plan.ask, reply, case_id)

    def kept_answer(self, reply: Reply, case_id: str, feed: str = MAIN_FEED) -> Tree:
        """What of an answer about a case is kept for `read_kept_answer`. Raises AskRefused where the system itself has trouble."""
        try:
            self.read_ask(reply, case_id)
        except AskRefused as refused:
            if refused.unknown_case:
                return {"case_id": case_id, "feed": feed, "known": False}
            raise
        return {"case_id": case_id, "feed": feed, "known": True, "status": str(reply.status), "reply": reply.tree}

    def read_kept_answer(self, item: Tree) -> PageItem:
        """A kept answer as a change of its case."""
        ask = self.plan.ask
        if ask is None or not isinstance(item, Mapping):
            return PageItem(item, fault="the file has no `ask` that could read it")
        case_id = str(item.get("case_id"))
        if item.get("known") is not True:
            return self._of_missing(item, case_id)
        scope = kept_scope(item.get("reply"), str(item.get("status")))
        return read_fields(self.plan, ask.fields, item, scope, case_id)

    def _of_missing(self, item: Tree, case_id: str) -> PageItem:
        poll = self.feeds.get(str(item.get("feed"))) if isinstance(item, Mapping) else None
        means = poll.missing.means if poll is not None and poll.missing is not None else None
        if means is None:
            return PageItem(item, aside="unknown to the agency, which the file does not take for an end")
        return PageItem(item, change=ForeignChange(case_id, digest(item), NOT_LISTED, means))

    # Webhooks, and items kept for later

    def verify_webhook(
        self, headers: Mapping[str, str], raw: bytes, now: datetime | None = None, address: str | None = None
    ) -> None:
        """Nothing when the agency's proofs hold. Raises BadSignature; the body must not be stored before this."""
        if self.plan.webhook is None:
            raise NotSupported(self.plan.code, Step.WEBHOOK)
        if len(raw) > MAX_WEBHOOK_BYTES:
            raise BadSignature(f"the body has more than {MAX_WEBHOOK_BYTES} bytes")
        verify(self.plan.webhook, headers, raw, now or datetime.now(UTC), address)

    @property
    def webhook_reply(self) -> WebhookReply:
        """What the sender wants to hear."""
        return self.plan.webhook.reply if self.plan.webhook is not None else WebhookReply()

    def read_webhook(self, raw: bytes) -> list[PageItem]:
        """The items of a verified body. A body that cannot be read is one item with a fault, so that it is kept."""
        webhook = self.plan.webhook
        if webhook is None:
            raise NotSupported(self.plan.code, Step.WEBHOOK)
        if webhook.only_wakes:
            return []
        try:
            tree = read_body(raw, webhook.format, webhook.inside)
        except NotABody as not_a_body:
            return [PageItem(None, fault=not_a_body.text)]
        scope: dict[str, object] = {**(tree if isinstance(tree, Mapping) else {}), "reply": tree}
        items = [tree] if webhook.each is None else items_of(webhook.each, scope, self.plan.words)
        if items is None:
            return [PageItem(tree, fault="the body holds no list of changes where the file says")]
        return [read_item(self.plan, webhook.fields, item) for item in items]

    def read_kept_item(self, item: Tree, step: Step = Step.POLL, feed: str = MAIN_FEED) -> PageItem:
        """Reads an item again that was kept (unknown state, unreadable), for the time after the file was mended."""
        if step is Step.ASK:
            return self.read_kept_answer(item)
        source = self.plan.webhook if step is Step.WEBHOOK else self.feeds.get(feed)
        if source is None:
            raise NotSupported(self.plan.code, step)
        return read_item(self.plan, source.fields, item)

    def _feed(self, name: str) -> PollStep:
        feed = self.feeds.get(name)
        if feed is None:
            raise NotSupported(self.plan.code, Step.POLL)
        return feed


def _is_wanted(step: Follow, item: Tree, words: Words) -> bool:
    try:
        return holds(step.when, {"item": item}, words, without=True)
    except ExpressionFailed:
        # An item of an unforeseen shape: its rows will say what is missing.
        return False


def _is_named(step: Follow, item: Tree) -> bool:
    """Whether the item holds what its further read is asked by. One that lost it waits for a person and does not stop the others (Q20)."""
    sending, scope = step.sending, {"item": item}
    asked_by = [
        use.steps for row in (*sending.query, *sending.body) if row.value is not None for use in row.value.paths
    ]
    of_item = [steps for steps in asked_by if steps[0] == "item"]
    in_path = [use.steps for row in sending.path for use in row.value.paths]
    if any(is_missing(follow(scope, steps)) for steps in in_path):
        return False
    return bool(in_path) or not of_item or not all(is_missing(follow(scope, steps)) for steps in of_item)


__all__ = ["MAX_WEBHOOK_BYTES", "AskRefused", "CannotBuild", "ChangeFields", "Listening", "NotSupported"]
