"""What attempts came to, written down: attempts, deliveries, finished steps, cases, the messages' moves and their history.

Everything that a busy agency's attempts came to in the same moment is written by one statement: each trip to the database costs as much as a delivery
may. Its rows travel as JSON under the names of the tables' own columns. Locks are taken in one order, messages before deliveries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from uuid6 import uuid7

from domain.delivery import DeliveryState
from domain.event import EventKind
from domain.outcome import OutcomeKind
from domain.status import Mover, Status, judge_move
from store.deliveries import Attempt
from store.messages import WRITE_EVENTS, NewEvent, events_as_json
from store.rows_as_json import as_json
from store.tables import MessageRow
from store.turns import Claim
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one attempt came to, ready to be written.

    `finished_step` is a step that is never repeated; `case_ids` are set when the case became known; `message_to` is a move the table is asked for.
    """

    attempt: Attempt
    outcome: OutcomeKind
    text: str
    state: DeliveryState
    next_attempt_at: datetime | None
    owner: str | None = None
    foreign_code: str | None = None
    http_status: int | None = None
    request_extract: str | None = None
    reply_extract: str | None = None
    finished_steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    case_ids: Mapping[str, str] | None = None
    message_to: Status | None = None
    note: str | None = None
    note_is_public: bool = False


_AT_REST = frozenset({DeliveryState.DELIVERED, DeliveryState.REFUSED, DeliveryState.CANCELLED})
_TOLD = _AT_REST | {DeliveryState.WAITS_FOR_PERSON}
"""States whose coming is a line of the message's history, so that whoever follows the message sees it."""

# The last part keeps what concerns one message in order (P5): with nothing open before it, the next queued delivery becomes ready. A statement
# does not see its own writes, hence the deliveries that came to rest here are named to it.
_RECORD = text(
    f"""
    WITH finished AS (
        UPDATE attempt
        SET finished_at = new.finished_at, outcome = new.outcome, text = new.text, foreign_code = new.foreign_code,
            http_status = new.http_status, request_extract = new.request_extract, reply_extract = new.reply_extract
        FROM json_populate_recordset(NULL::attempt, CAST(:attempts AS json)) AS new WHERE attempt.id = new.id
    ),
    settled AS (
        UPDATE delivery
        SET state = new.state, next_attempt_at = new.next_attempt_at, owner = new.owner, reason = new.reason,
            waits_since = new.waits_since, finished_at = new.finished_at
        FROM json_populate_recordset(NULL::delivery, CAST(:deliveries AS json)) AS new WHERE delivery.id = new.id
    ),
    steps_written AS (
        INSERT INTO delivery_step (delivery_id, name, result)
        SELECT delivery_id, name, result FROM json_populate_recordset(NULL::delivery_step, CAST(:steps AS json))
        ON CONFLICT DO NOTHING
    ),
    cases_written AS (
        INSERT INTO agency_case (id, message_id, organisation_code, round, case_id, ids)
        SELECT id, message_id, organisation_code, round, case_id, ids
        FROM json_populate_recordset(NULL::agency_case, CAST(:cases AS json))
        ON CONFLICT DO NOTHING
    ),
    moved AS (
        UPDATE message SET status = new.status, status_since = new.status_since
        FROM json_populate_recordset(NULL::message, CAST(:moves AS json)) AS new WHERE message.id = new.id
    ),
    events_written AS ({WRITE_EVENTS}),
    resting AS (
        SELECT new.id, new.message_id FROM json_populate_recordset(NULL::delivery, CAST(:deliveries AS json)) AS new
        WHERE new.finished_at IS NOT NULL
    )
    UPDATE delivery AS later SET state = 'READY', next_attempt_at = now()
    WHERE later.state = 'QUEUED' AND later.message_id IN (SELECT message_id FROM resting)
        AND NOT EXISTS (
            SELECT FROM delivery AS earlier
            WHERE earlier.message_id = later.message_id AND earlier.position < later.position
                AND earlier.finished_at IS NULL AND earlier.id NOT IN (SELECT id FROM resting)
        )
    RETURNING later.organisation_code
    """  # noqa: S608 - nothing but our own words
)
_STATUSES = (
    select(MessageRow.id, MessageRow.status)
    .where(MessageRow.id.in_(bindparam("ids", expanding=True)))
    .order_by(MessageRow.id)
    .with_for_update()
)


async def record(unit: Unit, claim: Claim, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write what attempts came to. The caller holds the turn (`turns.hold`)."""
    if not settlements:
        return
    events, moves = await _judge_moves(unit, claim, settlements)
    rows: dict[str, list[dict[str, Any]]] = {
        "attempts": [_attempt_row(one, now) for one in settlements],
        "deliveries": [_delivery_row(one, now) for one in settlements],
        "steps": [
            {"delivery_id": one.attempt.delivery.id, "name": name, "result": dict(result)}
            for one in settlements
            for name, result in one.finished_steps.items()
        ],
        "cases": [_case_row(claim, one, one.case_ids) for one in settlements if one.case_ids],
        "moves": [{"id": message_id, "status": status, "status_since": now} for message_id, status in moves.items()],
    }
    parameters = {name: as_json(some) for name, some in rows.items()} | {"events": events_as_json(events)}
    for promoted in await unit.execute(_RECORD, parameters):
        unit.nudge(promoted.organisation_code)
    if events:
        unit.tell_listeners()


def _attempt_row(one: Settlement, now: datetime) -> dict[str, Any]:
    return {
        "id": one.attempt.id,
        "finished_at": now,
        "outcome": one.outcome,
        "text": one.text,
        "foreign_code": one.foreign_code,
        "http_status": one.http_status,
        "request_extract": one.request_extract,
        "reply_extract": one.reply_extract,
    }


def _delivery_row(one: Settlement, now: datetime) -> dict[str, Any]:
    return {
        "id": one.attempt.delivery.id,
        "message_id": one.attempt.delivery.message_id,
        "state": one.state,
        "next_attempt_at": one.next_attempt_at,
        "owner": one.owner,
        "reason": one.text,
        "waits_since": now if one.state is DeliveryState.WAITS_FOR_PERSON else None,
        "finished_at": now if one.state in _AT_REST else None,
    }


def _case_row(claim: Claim, one: Settlement, case_ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "message_id": one.attempt.delivery.message_id,
        "organisation_code": claim.organisation_code,
        "round": one.attempt.delivery.round,
        "case_id": case_ids["case_id"],
        "ids": dict(case_ids),
    }


async def _judge_moves(
    unit: Unit, claim: Claim, settlements: Sequence[Settlement]
) -> tuple[list[NewEvent], dict[UUID, Status]]:
    """Lock the messages and ask the table for each wanted move. What was asked and what came of it, and where each message that moves ends."""
    speaking = [one for one in settlements if one.message_to is not None or one.note is not None or one.state in _TOLD]
    if not speaking:
        return [], {}
    ids = sorted({one.attempt.delivery.message_id for one in speaking})
    statuses: dict[UUID, Status] = {row.id: row.status for row in await unit.execute(_STATUSES, {"ids": ids})}
    events: list[NewEvent] = []
    moves: dict[UUID, Status] = {}
    for one in speaking:
        message_id = one.attempt.delivery.message_id
        current = statuses[message_id]
        judgement = None if one.message_to is None else judge_move(current, one.message_to, Mover.HUB)
        events.append(
            NewEvent(
                message_id=message_id,
                kind=EventKind.STATUS if one.message_to is not None else EventKind.DELIVERY,
                actor=Mover.HUB,
                from_status=current,
                to_status=one.message_to,
                applied=judgement is None or judgement.applies,
                reason=None if judgement is None else judgement.reason,
                organisation_code=claim.organisation_code,
                foreign_code=one.foreign_code,
                note=one.note,
                note_is_public=one.note_is_public,
            )
        )
        if judgement is not None and judgement.applies and one.message_to is not None:
            statuses[message_id] = moves[message_id] = one.message_to
    return events, moves
