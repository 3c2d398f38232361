"""Answers: every version is kept, and the same words told twice are one version."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select
from uuid6 import uuid7

from domain.foreign_change import ForeignAnswer
from store.tables import AnswerRow
from store.unit import Unit


async def is_new(unit: Unit, message_id: UUID, text: str) -> bool:
    """Whether these words differ from the newest answer we hold. The message is locked by this unit."""
    newest = (
        select(AnswerRow.text).where(AnswerRow.message_id == message_id).order_by(AnswerRow.version.desc()).limit(1)
    )
    return (await unit.execute(newest)).scalar_one_or_none() != text


async def add(
    unit: Unit, message_id: UUID, organisation_code: str, answer: ForeignAnswer, occurred_at: datetime | None
) -> UUID:
    """Keep an answer as the next version. The message is locked by this unit."""
    answer_id = uuid7()
    version = (
        select(func.coalesce(func.max(AnswerRow.version), 0) + 1)
        .where(AnswerRow.message_id == message_id)
        .scalar_subquery()
    )
    await unit.execute(
        insert(AnswerRow).values(
            id=answer_id,
            message_id=message_id,
            version=version,
            organisation_code=organisation_code,
            text=answer.text,
            decision=answer.decision,
            responsible=answer.responsible,
            occurred_at=occurred_at,
        )
    )
    return answer_id
