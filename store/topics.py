"""What agencies say of a message's topic, on disk: the names of topics, and the last line about one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from domain.actions.note_category import ToldTopic
from domain.bilingual import Bilingual
from domain.event import EventKind
from store.tables import CategoryRow, EventRow, MessageRow
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Topics:
    """A message's own topic, the name of the one that was asked for, and the newest line of the history about a topic."""

    ours: str | None
    name: Bilingual
    last: ToldTopic | None


async def topics(unit: Unit, message_id: UUID, category: str) -> Topics | None:
    """For a message that this unit has locked; None where the rubricator has no such topic."""
    named = select(CategoryRow.name_ru, CategoryRow.name_en).where(CategoryRow.code == category)
    name = (await unit.execute(named)).one_or_none()
    if name is None:
        return None
    told = (
        select(EventRow.note, EventRow.occurred_at)
        .where(EventRow.message_id == message_id, EventRow.kind == EventKind.CATEGORY)
        .order_by(EventRow.id.desc())
        .limit(1)
    )
    last = (await unit.execute(told)).one_or_none()
    ours = (await unit.execute(select(MessageRow.category_code).where(MessageRow.id == message_id))).scalar_one()
    return Topics(
        ours, Bilingual(name.name_ru, name.name_en), None if last is None else ToldTopic(last.note, last.occurred_at)
    )


async def comments_of(unit: Unit, message_id: UUID) -> list[str]:
    """What the citizen added to a message, to know it again when it comes back (Q33)."""
    said = select(EventRow.note).where(EventRow.message_id == message_id, EventRow.kind == EventKind.COMMENT)
    return [note for note in (await unit.execute(said)).scalars() if note is not None]
