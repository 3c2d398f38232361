"""From the inbox to the message: what agencies said, read by the agency's file, judged by the table of moves.

One raw body is one unit. Nothing in a body can stop the rest: an item that cannot be read, a code the file does not know or a case that is not ours
(yet) is held, everything else is recorded. What was seen before changes nothing (P8). What was held is read again when its case becomes ours, when
its time comes, or when the file was mended.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import InterfaceError, OperationalError

from adapters.adapter import Adapter, NotSupported, PageItem, Step
from adapters.feed import digest
from adapters.plan_status import Shows
from delivery.sender import Sender
from domain.actions.apply_status import Recorded, apply_status
from domain.actions.note_category import note_category
from domain.event import EventKind
from domain.foreign_change import ForeignChange, Meaning
from domain.own_words import only_repeats
from domain.status import Mover, Status
from store import answers, deliveries, feeds, inbox, settlements
from store.deliveries import LOOK_UP_STEP
from store.inbox import CaseOfMessage, HeldChange, Hold, UnreadBody
from store.messages import NewEvent, event_key_is_known, last_told, move, record_events
from store.topics import comments_of, topics
from store.turns import Claim, LeaseLost, hold
from store.unit import Database, Unit

_HELD_AT_ONCE = 200
_STEPS = {"webhook": Step.WEBHOOK, "ask": Step.ASK}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Receiver:
    """Reads the inbox of one agency. With a sender it also learns numbers of cases that came late."""

    database: Database
    adapter: Adapter
    sender: Sender | None = None

    async def read_inbox(self, claim: Claim, now: datetime) -> int:
        """Read everything unread, oldest first, then what was held and may go on now. How many bodies were read."""
        bodies = 0
        while True:
            async with self.database.unit() as unit:
                body = await inbox.next_unread(unit, claim.organisation_code)
            if body is None:
                break
            try:
                await self._read_one(claim, body, now)
            except (LeaseLost, OperationalError, InterfaceError, OSError):
                raise
            # Whatever an agency sent, a body that breaks its reader must not stop the bodies behind it: it is set aside for a person.
            except Exception as error:  # noqa: BLE001
                # No traceback: it may hold what a citizen wrote.
                log.error(
                    "inbox body %s of %s cannot be read: %s", body.id, claim.organisation_code, type(error).__name__
                )
                await self._set_aside(claim, body, f"reading it failed with {type(error).__name__}")
            bodies += 1
        await self._read_held(claim, now)
        return bodies

    async def _set_aside(self, claim: Claim, body: UnreadBody, reason: str) -> None:
        async with self.database.unit() as unit:
            await hold(unit, claim)
            await inbox.finish_body(unit, body.id, broken=reason)

    async def _read_one(self, claim: Claim, body: UnreadBody, now: datetime) -> None:
        async with self.database.unit() as unit:
            await hold(unit, claim)
            if body.items is None:
                items: Sequence[PageItem] = self.adapter.read_webhook(body.raw)
                if self.adapter.plan.webhook is not None and self.adapter.plan.webhook.only_wakes:
                    await feeds.wake(unit, claim.organisation_code)
            else:
                step = _STEPS.get(body.source, Step.POLL)
                items = [self.adapter.read_kept_item(item, step, body.feed) for item in body.items]
            reading = _Reading(unit, claim, body, now)
            items = [self._told_apart(item, body) for item in items if item.aside is None]
            await self._apply_items(reading, items)
            await inbox.finish_body(unit, body.id)

    def _told_apart(self, item: PageItem, body: UnreadBody) -> PageItem:
        """What a list or an answer says without a time is news by its being said now: the same state may come again."""
        change = item.change
        if change is None or change.occurred_at is not None or not self._is_state_of_now(change, body):
            return item
        return replace(item, change=replace(change, event_key=f"{change.event_key}@{body.id}"))

    def _is_state_of_now(self, change: ForeignChange, body: UnreadBody) -> bool:
        if body.source == "ask":
            return True
        feed = self.adapter.feeds.get(body.feed) if body.source == "poll" else None
        return feed is not None and feed.shows is not Shows.CHANGES and feed.fields.event_key is None

    async def _apply_items(self, reading: _Reading, items: Sequence[PageItem]) -> None:
        unit, code = reading.unit, reading.claim.organisation_code
        await self._learn_numbers(reading, items)
        cases = await inbox.lock_cases(
            unit, code, [case_id for one in items if (case_id := self._case_id(one, reading))]
        )
        for item in items:
            held = self._why_held(item, self._case_id(item, reading), cases, reading.now)
            if held is not None:
                await inbox.hold_change(unit, code, reading.body, item.item, held)
                await self._note_state(reading, item.change, cases)
            elif item.change is not None:
                await self._apply(reading, item.change, cases[item.change.case_id])

    def _case_id(self, item: PageItem, reading: _Reading) -> str | None:
        if item.change is not None:
            return item.change.case_id
        source = reading.body.source
        return self.adapter.case_id_of(item.item, reading.body.feed, _STEPS.get(source, Step.POLL))

    def _why_held(
        self, item: PageItem, case_id: str | None, cases: dict[str, CaseOfMessage], now: datetime
    ) -> Hold | None:
        """Why an item cannot be applied now, or None when it can."""
        edition, change = self.adapter.plan.edition, item.change
        if change is None:
            # What is unreadable in somebody else's case is nobody's work here.
            why = "unreadable" if case_id is None or case_id in cases else "unknown_case"
            return Hold(why, digest(item.item), edition, case_id)
        if change.case_id not in cases:
            return Hold("unknown_case", change.event_key, edition, change.case_id, change.code)
        if change.means is Meaning.UNKNOWN:
            return Hold("unknown_code", change.event_key, edition, change.case_id, change.code)
        counts_from = (change.occurred_at or now) + timedelta(seconds=change.after_s)
        if change.after_s and counts_from > now:
            return Hold("too_early", change.event_key, edition, change.case_id, change.code, counts_from)
        return None

    async def _note_state(
        self, reading: _Reading, change: ForeignChange | None, cases: dict[str, CaseOfMessage]
    ) -> None:
        """A state that waits for its time is the case's state all the same: a later one takes its place."""
        if change is not None and change.case_id in cases and change.after_s:
            case = cases[change.case_id]
            await inbox.note_foreign_code(reading.unit, reading.claim.organisation_code, case.case_id, change.code)
            case.foreign_code = change.code

    async def _learn_numbers(self, reading: _Reading, items: Sequence[PageItem]) -> None:
        """Cases whose numbers we never got, found by our reference in what came back (Q10)."""
        unit, claim = reading.unit, reading.claim
        numbers = {
            one.change.reference: one.change.case_id
            for one in items
            if one.change is not None and one.change.reference is not None
        }
        for reference in sorted(await inbox.references_without_case(unit, claim.organisation_code, list(numbers))):
            delivery = await deliveries.find_submission(unit, claim, reference)
            if delivery is None:
                continue
            case_ids = {"case_id": numbers[reference]}
            if delivery.state.is_at_rest or self.sender is None:
                await inbox.learn_case(unit, delivery, claim.organisation_code, numbers[reference])
                continue
            (attempt,) = await deliveries.begin(unit, claim, [(delivery, LOOK_UP_STEP)], reading.now)
            await settlements.record(unit, claim, [self.sender.settle_found(attempt, case_ids)], reading.now)

    async def _apply(self, reading: _Reading, change: ForeignChange, case: CaseOfMessage) -> None:
        unit, code = reading.unit, reading.claim.organisation_code
        if await event_key_is_known(unit, code, change.event_key):
            return
        change = await _without_own_words(unit, change, case)
        answer_is_new = change.answer is not None and await answers.is_new(unit, case.message_id, change.answer.text)
        recorded = apply_status(case.status, change, answer_is_new=answer_is_new)
        if recorded is None:
            return
        await _note_topic(reading, change, case)
        await inbox.note_foreign_code(unit, code, case.case_id, change.code)
        case.foreign_code = change.code
        if await self._says_nothing_new(unit, change, case, recorded):
            return
        await record_events(unit, _events(reading.claim, change, case, recorded))
        if recorded.answer is not None:
            await answers.add(unit, case.message_id, code, recorded.answer, change.occurred_at)
        if recorded.new_status is not None:
            await move(unit, case.message_id, recorded.new_status, reading.now)
            case.status = recorded.new_status

    async def _says_nothing_new(
        self, unit: Unit, change: ForeignChange, case: CaseOfMessage, recorded: Recorded
    ) -> bool:
        """Whether this is what the history's last line says already (Q34)."""
        if recorded.answer is not None or recorded.new_status is not None:
            return False
        if recorded.kind is EventKind.NOTE and change.note is None:
            return True
        if not self.adapter.plan.collapses_repeats:
            return False
        last = await last_told(unit, case.message_id)
        meant = change.means if isinstance(change.means, Status) else None
        return last is not None and last == (Mover.AGENCY, change.code, meant, change.note)

    # What was held

    async def _read_held(self, claim: Claim, now: datetime) -> None:
        async with self.database.unit() as unit:
            await hold(unit, claim)
            code = claim.organisation_code
            for held in await inbox.held_changes(unit, code, self.adapter.plan.edition, _HELD_AT_ONCE):
                body = UnreadBody(held.inbox_id, held.source, held.feed, b"", None)
                await self._read_again(_Reading(unit, claim, body, now), held)

    async def _read_again(self, reading: _Reading, held: HeldChange) -> None:
        unit, code = reading.unit, reading.claim.organisation_code
        item = await self._item_of(unit, held)
        if item is None:
            # The file no longer has the part that could read it: it stays for a person.
            await inbox.hold_differently(unit, held.id, Hold("unreadable", "", self.adapter.plan.edition))
            return
        if item.aside is not None:
            await inbox.release_held(unit, held.id, "not_ours")
            return
        item = self._told_apart(item, reading.body)
        case_id = self._case_id(item, reading)
        cases = await inbox.lock_cases(unit, code, [case_id] if case_id is not None else [])
        why = self._why_held(item, case_id, cases, reading.now)
        if why is not None:
            await inbox.hold_differently(unit, held.id, why)
            return
        change = item.change
        assert change is not None  # noqa: S101 - an item without a change has a reason to be held
        if held.why == "too_early" and cases[change.case_id].foreign_code != change.code:
            await inbox.release_held(unit, held.id, "superseded")
            return
        await self._apply(reading, change, cases[change.case_id])
        await inbox.release_held(unit, held.id, "applied")

    async def _item_of(self, unit: Unit, held: HeldChange) -> PageItem | None:
        """The held item as the file reads it now, or None when it has no way to."""
        try:
            if held.item is None and held.source == "webhook":
                # The body itself could not be read then. One item it is that was held; a list of them begins anew as a body of its own.
                items = self.adapter.read_webhook(await inbox.raw_of(unit, held.inbox_id))
                if len(items) == 1 and items[0].fault is None:
                    return items[0]
                if any(item.fault is None for item in items):
                    await inbox.read_body_again(unit, held.inbox_id)
                    return PageItem(None, aside="read again as a whole")
                return items[0] if items else PageItem(None, aside="nothing in it")
            step = _STEPS.get(held.source, Step.POLL)
            return self.adapter.read_kept_item(held.item, step, held.feed)  # type: ignore[arg-type]  # it was JSON when it was held
        except NotSupported:
            return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One body being read, in one unit."""

    unit: Unit
    claim: Claim
    body: UnreadBody
    now: datetime


async def _without_own_words(unit: Unit, change: ForeignChange, case: CaseOfMessage) -> ForeignChange:
    """The change without a note that only repeats what the citizen wrote, in the message or later (Q33)."""
    note = change.note
    if not change.own_words or note is None:
        return change
    own = [case.text, *await comments_of(unit, case.message_id)]
    return replace(change, note=None) if any(only_repeats(note, words) for words in own) else change


async def _note_topic(reading: _Reading, change: ForeignChange, case: CaseOfMessage) -> None:
    """Write down that the agency keeps the case under another topic; the message keeps its own (Q24)."""
    found = await topics(reading.unit, case.message_id, change.category) if change.category is not None else None
    if change.category is None or found is None:
        return
    note = note_category(found.ours, change.category, found.name, change.occurred_at, found.last)
    key = f"{change.event_key}#category"
    if note is None or await event_key_is_known(reading.unit, reading.claim.organisation_code, key):
        return
    said = NewEvent(
        case.message_id,
        EventKind.CATEGORY,
        Mover.AGENCY,
        organisation_code=reading.claim.organisation_code,
        event_key=key,
        note=note,
        note_is_public=True,
        occurred_at=change.occurred_at,
    )
    await record_events(reading.unit, [said])


def _events(claim: Claim, change: ForeignChange, case: CaseOfMessage, recorded: Recorded) -> list[NewEvent]:
    said = NewEvent(
        message_id=case.message_id,
        kind=recorded.kind,
        actor=Mover.AGENCY,
        from_status=case.status,
        to_status=recorded.to_status,
        applied=recorded.applied,
        reason=recorded.reason,
        organisation_code=claim.organisation_code,
        foreign_code=change.code,
        event_key=change.event_key,
        note=change.note,
        note_is_public=change.note_is_public,
        occurred_at=change.occurred_at,
    )
    if recorded.answer is None:
        return [said]
    answered = NewEvent(
        message_id=case.message_id,
        kind=EventKind.ANSWER,
        actor=Mover.AGENCY,
        organisation_code=claim.organisation_code,
        occurred_at=change.occurred_at,
    )
    return [answered, said]
