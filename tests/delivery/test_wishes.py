"""What a citizen wishes for a case that is there: brought to the organisation in order, or said to be impossible, never swallowed."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, update

from domain.delivery import DeliveryState, Purpose
from store.messages import lock
from store.tables import DeliveryRow
from store.wishes import queue_wish
from tests.delivery.installation import Installation, until
from tests.delivery.test_way_of_a_message import ROOF, is_delivered


async def wish(installation: Installation, reference: str, purpose: Purpose, body: dict[str, object]) -> bool:
    (row,) = await installation.rows("SELECT id FROM message WHERE reference = :r", r=reference)
    async with installation.database.unit() as unit:
        await lock(unit, row["id"])
        return await queue_wish(unit, row["id"], purpose, datetime.now(UTC), body) is not None


async def test_a_wish_that_the_system_cannot_fulfil_is_a_line_of_the_history_that_the_citizen_reads(
    installation: Installation,
) -> None:
    reference = await installation.send(ROOF, "housing/roof")
    # Queued behind the submission: nothing overtakes the case it is about.
    assert await wish(installation, reference, Purpose.ADD_COMMENT, {"text": "Течёт сильнее"})

    async def is_answered() -> bool:
        return str((await installation.delivery(reference, "ADD_COMMENT"))["state"]) == "CANCELLED"

    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
        await until(is_answered)
    notes = await installation.rows(
        "SELECT e.note FROM event e JOIN message m ON m.id = e.message_id WHERE m.reference = :r AND e.note_is_public",
        r=reference,
    )
    (note,) = [row["note"] for row in notes]
    assert "Система организации не принимает дополнений" in note
    assert "takes no additions" in note


async def test_nothing_is_queued_where_nobody_has_the_message(installation: Installation) -> None:
    reference = await installation.send(ROOF, "housing/roof")
    async with installation.database.unit() as unit:
        await unit.execute(update(DeliveryRow).values(state=DeliveryState.REFUSED, finished_at=func.now()))
    assert not await wish(installation, reference, Purpose.REOPEN, {"text": "Снова"})
    rows = await installation.rows("SELECT purpose FROM delivery")
    assert [row["purpose"] for row in rows] == ["SUBMIT"]
