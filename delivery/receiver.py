"""From the inbox to the message: what agencies said, read by the agency's file, judged by the table of moves.

One raw body is one unit. Nothing in a body can stop the rest: an item that cannot be read, a code the file does not know or a case that is not ours
(yet) is held, everything else is recorded. What was seen before changes nothing (P8).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import InterfaceError, OperationalError

from adapters.adapter import Adapter, PageItem, Step
from adapters.feed import digest
from domain.actions.apply_status import Recorded, apply_status
from domain.event import EventKind
from domain.foreign_change import ForeignChange, Meaning
from domain.status import Mover
from store import answers, inbox
from store.inbox import CaseOfMessage, UnreadBody
from store.messages import NewEvent, event_key_is_known, move, record_events
from store.turns import Claim, LeaseLost, hold
from store.unit import Database, Unit

_HELD_AT_ONCE = 200

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Receiver:
    """Reads the inbox of one agency."""

    database: Database
    adapter: Adapter

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
            else:
                items = [self.adapter.read_kept_item(item) for item in body.items]
            await self._apply_items(unit, claim, body, items, now)
            await inbox.finish_body(unit, body.id)

    async def _apply_items(
        self, unit: Unit, claim: Claim, body: UnreadBody, items: Sequence[PageItem], now: datetime
    ) -> None:
        code = claim.organisation_code
        cases = await inbox.lock_cases(unit, code, [one.change.case_id for one in items if one.change is not None])
        for item in items:
            change = item.change
            if change is None:
                await inbox.hold_change(
                    unit,
                    code,
                    body,
                    why="unreadable",
                    item=item.item,
                    event_key=digest(item.item),
                    case_id=None,
                    code=None,
                )
                continue
            why = _why_held(change, cases)
            if why is None:
                await self._apply(unit, claim, change, cases[change.case_id], now)
                continue
            await inbox.hold_change(
                unit,
                code,
                body,
                why=why,
                item=item.item,
                event_key=change.event_key,
                case_id=change.case_id,
                code=change.code,
            )

    async def _apply(self, unit: Unit, claim: Claim, change: ForeignChange, case: CaseOfMessage, now: datetime) -> None:
        code = claim.organisation_code
        if await event_key_is_known(unit, code, change.event_key):
            return
        answer_is_new = change.answer is not None and await answers.is_new(unit, case.message_id, change.answer.text)
        recorded = apply_status(case.status, change, answer_is_new=answer_is_new)
        if recorded is None:
            return
        await record_events(unit, _events(claim, change, case, recorded))
        if recorded.answer is not None:
            await answers.add(unit, case.message_id, code, recorded.answer, change.occurred_at)
        if recorded.new_status is not None:
            await move(unit, case.message_id, recorded.new_status, now)
            case.status = recorded.new_status
        await inbox.note_foreign_code(unit, code, case.case_id, change.code)

    async def _read_held(self, claim: Claim, now: datetime) -> None:
        async with self.database.unit() as unit:
            await hold(unit, claim)
            code = claim.organisation_code
            for held in await inbox.held_changes(unit, code, list(self.adapter.plan.means), _HELD_AT_ONCE):
                step = Step.WEBHOOK if held.source == "webhook" else Step.POLL
                change = self.adapter.read_kept_item(held.item, step).change  # type: ignore[arg-type]  # it was JSON when it was held
                if change is None:
                    await inbox.hold_differently(unit, held.id, "unreadable")
                    continue
                cases = await inbox.lock_cases(unit, code, [change.case_id])
                why = _why_held(change, cases)
                if why is not None:
                    await inbox.hold_differently(unit, held.id, why)
                    continue
                await self._apply(unit, claim, change, cases[change.case_id], now)
                await inbox.release_held(unit, held.id)


def _why_held(change: ForeignChange, cases: dict[str, CaseOfMessage]) -> str | None:
    if change.case_id not in cases:
        return "unknown_case"
    if change.means is Meaning.UNKNOWN:
        return "unknown_code"
    return None


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
