"""Verdicts on disk: one for each answer version, given by the person whose message it answers, never changed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from uuid6 import uuid7

from domain.actions.rate_answer import RateAnswer, rate_answer
from domain.event import EventKind
from domain.status import Mover
from store.messages import NewEvent, record_events
from store.tables import AnswerRow, MessageRow, VerdictRow
from store.unit import Unit


async def give_verdict(unit: Unit, person_id: UUID, answer_id: UUID, verdict: RateAnswer, now: datetime) -> bool:
    """Store a verdict; the same one again is no change. False when the person has no such answer. Raises ProblemsFound."""
    own = (
        select(AnswerRow.message_id, AnswerRow.organisation_code)
        .join(MessageRow, MessageRow.id == AnswerRow.message_id)
        .where(AnswerRow.id == answer_id, MessageRow.person_id == person_id)
        # Locked, so that two verdicts at once come one after the other.
        .with_for_update(of=AnswerRow)
    )
    answer = (await unit.execute(own)).one_or_none()
    if answer is None:
        return False
    if rate_answer(verdict, await _given(unit, answer_id)):
        await unit.execute(
            insert(VerdictRow).values(
                id=uuid7(),
                answer_id=answer_id,
                person_id=person_id,
                answer_rating=verdict.answer_rating,
                solution_rating=verdict.solution_rating,
                resolution=verdict.resolution,
                comment=verdict.comment,
                given_at=now,
            )
        )
        event = NewEvent(
            answer.message_id, EventKind.VERDICT, Mover.CITIZEN, organisation_code=answer.organisation_code
        )
        await record_events(unit, [event])
    return True


async def _given(unit: Unit, answer_id: UUID) -> RateAnswer | None:
    statement = select(
        VerdictRow.answer_rating, VerdictRow.solution_rating, VerdictRow.resolution, VerdictRow.comment
    ).where(VerdictRow.answer_id == answer_id)
    row = (await unit.execute(statement)).one_or_none()
    return None if row is None else RateAnswer(row.answer_rating, row.solution_rating, row.resolution, row.comment)
