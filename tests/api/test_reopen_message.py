"""reopenMessage: a new round is asked for by whoever wrote the message, a bounded number of times, and by nothing else."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import insert, select, update

from domain.actions.reopen_message import MAX_REOPENINGS
from domain.delivery import DeliveryState, Purpose
from domain.message import Resolution
from domain.status import Mover, Status, judge_move
from domain.viewer import Viewer
from store.statistics.verifying import verify
from store.tables import AnswerRow, DeliveryRow, EventRow, MessageRow, VerdictRow
from store.unit import libpq_address
from tests.api.hub import Hub
from tests.api.wishes import codes, stand, upload, wish

WHY = "Яма на месте, приехали и уехали."


async def _answered(hub: Hub, viewer: Viewer, **given: Any) -> dict[str, Any]:
    sent = await hub.submit(viewer, **{"category": "housing/roof", "organisation": "housing-inspection", **given})
    await stand(hub, sent["reference"], Status.ANSWERED, DeliveryState.DELIVERED)
    return sent


async def test_a_reopened_message_begins_its_next_round_with_the_same_deadline(hub: Hub, anna: Viewer) -> None:
    sent = await _answered(hub, anna)
    before = (await hub.ask("message", {"reference": sent["reference"]}, viewer=anna))["message"]
    payload = await wish(hub, anna, "reopen_message", reference=sent["reference"], reason=WHY)
    assert payload["errors"] == []
    message = payload["message"]
    assert (message["status"], message["deadlineOn"]) == ("ROUTED", before["deadlineOn"])
    assert message["history"][-1] == {"kind": "STATUS", "fromStatus": "ANSWERED", "toStatus": "ROUTED", "note": WHY}
    assert message["deliveries"][-1] == {"purpose": "REOPEN", "state": "READY"}
    async with hub.database.reader() as connection:
        row = (
            await connection.execute(
                select(DeliveryRow.body, DeliveryRow.round, MessageRow.round)
                .join(MessageRow, MessageRow.id == DeliveryRow.message_id)
                .where(DeliveryRow.purpose == Purpose.REOPEN)
            )
        ).one()
    # The case is the one of the first round: that is the one to be opened again.
    assert tuple(row) == ({"text": WHY, "round": 2}, 1, 2)


async def test_what_the_citizen_rated_before_is_the_code_of_the_reason(hub: Hub, anna: Viewer) -> None:
    sent = await _answered(hub, anna)
    async with hub.database.unit() as unit:
        message_id = (await unit.execute(select(MessageRow.id))).scalar_one()
        answer = insert(AnswerRow).values(
            id=message_id, message_id=message_id, version=1, organisation_code="housing-inspection", text="Сделано"
        )
        await unit.execute(answer)
        verdict = insert(VerdictRow).values(
            id=message_id,
            answer_id=message_id,
            person_id=anna.person_id,
            answer_rating=1,
            solution_rating=1,
            resolution=Resolution.NOT_SOLVED,
        )
        await unit.execute(verdict)
    await wish(hub, anna, "reopen_message", reference=sent["reference"], reason=WHY)
    async with hub.database.reader() as connection:
        body = select(DeliveryRow.body).where(DeliveryRow.purpose == Purpose.REOPEN)
        assert (await connection.execute(body)).scalar_one()["reason"] == "NOT_SOLVED"


async def test_files_follow_the_reopening_and_what_cannot_go_is_said(hub: Hub, anna: Viewer) -> None:
    sent = await _answered(hub, anna)
    file = await upload(hub, anna, "опять.jpg")
    payload = await wish(hub, anna, "reopen_message", "ru", reference=sent["reference"], reason=WHY, attachments=[file])
    assert payload["message"]["deliveries"][-2:] == [
        {"purpose": "REOPEN", "state": "READY"},
        {"purpose": "ADD_ATTACHMENT", "state": "QUEUED"},
    ]
    assert payload["message"]["history"][-1]["note"] == "опять.jpg"
    assert payload["isPassedOn"] is False
    assert payload["notice"] == (
        "Система организации не умеет открывать дело заново: повторное рассмотрение начнёт сотрудник."
    )


async def test_a_message_is_reopened_just_from_where_the_table_allows(hub: Hub, anna: Viewer) -> None:
    sent = await _answered(hub, anna)
    for status in Status:
        if judge_move(status, Status.ROUTED, Mover.CITIZEN).applies:
            continue
        await stand(hub, sent["reference"], status)
        (code,) = codes(await wish(hub, anna, "reopen_message", reference=sent["reference"], reason=WHY))
        assert code[0] in {"NOT_ANSWERED_YET", "ALREADY_SOLVED", "MESSAGE_CLOSED"}
        async with hub.database.reader() as connection:
            assert (await connection.execute(select(MessageRow.status))).scalar_one() is status
            assert (await connection.execute(select(EventRow.id).where(EventRow.note == WHY))).first() is None
    for status in (Status.ANSWERED, Status.CLOSED_UNSOLVED):
        await stand(hub, sent["reference"], status)
        payload = await wish(hub, anna, "reopen_message", reference=sent["reference"], reason=WHY)
        assert payload["message"]["status"] == "ROUTED"


async def test_the_same_reopening_sent_twice_begins_one_round(hub: Hub, anna: Viewer) -> None:
    sent = await _answered(hub, anna)
    form = {"reference": sent["reference"], "reason": WHY, "idempotencyKey": "k1"}
    first = await wish(hub, anna, "reopen_message", **form)
    assert first["errors"] == []
    assert await wish(hub, anna, "reopen_message", **form) == first
    other = await wish(hub, anna, "reopen_message", **{**form, "reason": "другое"})
    assert codes(other) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]


async def test_rounds_are_bounded(hub: Hub, anna: Viewer) -> None:
    """P10."""
    sent = await _answered(hub, anna)
    for _ in range(MAX_REOPENINGS):
        assert (await wish(hub, anna, "reopen_message", reference=sent["reference"], reason=WHY))["errors"] == []
        await stand(hub, sent["reference"], Status.ANSWERED)
    payload = await wish(hub, anna, "reopen_message", reference=sent["reference"], reason=WHY)
    assert codes(payload) == [("REOPENED_TOO_OFTEN", ["reference"])]


async def test_all_problems_come_at_once_and_nothing_moves(hub: Hub, anna: Viewer) -> None:
    sent = await _answered(hub, anna)
    payload = await wish(hub, anna, "reopen_message", reference=sent["reference"], reason="", attachments=["x"])
    assert codes(payload) == [("EMPTY", ["reason"]), ("ATTACHMENT_UNKNOWN", ["attachments"])]


async def test_a_message_of_somebody_else_is_not_reopened(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    sent = await _answered(hub, anna)
    payload = await wish(hub, boris, "reopen_message", reference=sent["reference"], reason=WHY)
    assert codes(payload) == [("NOT_FOUND", ["reference"])]


async def test_a_reopened_message_counts_as_open_again(hub: Hub, anna: Viewer, database_url: str) -> None:
    """The read models say what the rows say."""
    sent = await _answered(hub, anna)
    await wish(hub, anna, "reopen_message", reference=sent["reference"], reason=WHY)
    async with hub.database.unit() as unit:
        await unit.execute(update(MessageRow).values(status=Status.IN_PROGRESS))
    with psycopg.connect(libpq_address(database_url), autocommit=True) as connection:
        assert [one.check.name for one in verify(connection) if not one.holds] == []
