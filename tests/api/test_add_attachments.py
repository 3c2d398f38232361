"""addAttachments: files for a message that is there, with its submission or by a delivery of their own."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from uuid6 import uuid7

from domain.actions.add_attachments import MAX_FILES_OF_A_MESSAGE
from domain.delivery import DeliveryState, Purpose
from domain.status import Status
from domain.viewer import Viewer
from schema.plan.global_id import write_global_id
from store.tables import AttachmentRow, DeliveryRow, MessageRow
from tests.api.hub import Hub
from tests.api.wishes import codes, stand, upload, wish


async def _brought_by(hub: Hub) -> list[Any]:
    """The delivery of each file of a message, in order."""
    async with hub.database.reader() as connection:
        statement = select(AttachmentRow.delivery_id).where(AttachmentRow.message_id.is_not(None))
        return list((await connection.execute(statement.order_by(AttachmentRow.position))).scalars())


async def test_files_of_a_sent_message_follow_it_by_a_delivery_of_their_own(hub: Hub, anna: Viewer) -> None:
    first = await upload(hub, anna, "раньше.jpg")
    sent = await hub.submit(anna, category="housing/roof", organisation="housing-inspection", attachments=[first])
    await stand(hub, sent["reference"], Status.DELIVERED, DeliveryState.DELIVERED)
    files = [await upload(hub, anna, "один.jpg"), await upload(hub, anna, "два.jpg")]
    payload = await wish(hub, anna, "add_attachments", reference=sent["reference"], attachments=files)
    assert (payload["errors"], payload["isPassedOn"], payload["notice"]) == ([], True, None)
    message = payload["message"]
    assert [one["fileName"] for one in message["attachments"]] == ["раньше.jpg", "один.jpg", "два.jpg"]
    assert message["deliveries"][-1] == {"purpose": "ADD_ATTACHMENT", "state": "READY"}
    assert (message["history"][-1]["kind"], message["history"][-1]["note"]) == ("ATTACHMENT", "один.jpg; два.jpg")
    async with hub.database.reader() as connection:
        own = select(DeliveryRow.id).where(DeliveryRow.purpose == Purpose.ADD_ATTACHMENT)
        delivery = (await connection.execute(own)).scalar_one()
    assert await _brought_by(hub) == [None, delivery, delivery]


async def test_files_of_a_message_that_nobody_has_seen_go_with_it(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    file = await upload(hub, anna)
    payload = await wish(hub, anna, "add_attachments", reference=sent["reference"], attachments=[file])
    assert payload["isPassedOn"] is True
    assert [one["purpose"] for one in payload["message"]["deliveries"]] == ["SUBMIT"]
    assert await _brought_by(hub) == [None]


async def test_a_body_without_a_system_sees_the_files_on_its_desk(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="ecology/land")
    file = await upload(hub, anna)
    payload = await wish(hub, anna, "add_attachments", reference=sent["reference"], attachments=[file])
    assert payload["isPassedOn"] is True
    assert payload["message"]["deliveries"][-1] == {"purpose": "ADD_ATTACHMENT", "state": "ON_DESK"}


async def test_the_same_files_sent_twice_are_added_once(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    files = [await upload(hub, anna)]
    form = {"reference": sent["reference"], "attachments": files, "idempotencyKey": "k1"}
    first = await wish(hub, anna, "add_attachments", **form)
    assert await wish(hub, anna, "add_attachments", **form) == first
    other = await wish(hub, anna, "add_attachments", **{**form, "attachments": [await upload(hub, anna)]})
    assert codes(other) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]


def _unknown() -> str:
    return write_global_id("Attachment", uuid4())


async def test_bad_files_are_named_and_nothing_is_added(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    bad: list[tuple[list[str], str]] = [
        ([], "EMPTY"),
        (["x"], "ATTACHMENT_UNKNOWN"),
        ([_unknown()], "ATTACHMENT_UNKNOWN"),
        ([_unknown()] * 2, "ATTACHMENT_REPEATED"),
        ([_unknown() for _ in range(11)], "TOO_MANY_ATTACHMENTS"),
    ]
    for given, code in bad:
        payload = await wish(hub, anna, "add_attachments", reference=sent["reference"], attachments=given)
        assert codes(payload) == [(code, ["attachments"])]
    assert await _brought_by(hub) == []


async def test_a_file_of_somebody_else_or_of_another_message_looks_like_none(
    hub: Hub, anna: Viewer, boris: Viewer
) -> None:
    used = await upload(hub, anna)
    sent = await hub.submit(anna, attachments=[used])
    for file in (await upload(hub, boris), used):
        good = await upload(hub, anna)
        payload = await wish(hub, anna, "add_attachments", reference=sent["reference"], attachments=[good, file])
        assert codes(payload) == [("ATTACHMENT_UNKNOWN", ["attachments"])]
    assert len(await _brought_by(hub)) == 1


async def test_a_message_takes_so_many_files(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    async with hub.database.unit() as unit:
        message_id = (await unit.execute(select(MessageRow.id))).scalar_one()
        row = {"person_id": anna.person_id, "message_id": message_id, "file_name": "a.jpg", "media_type": "image/jpeg"}
        rows = [
            {**row, "id": uuid7(), "position": number + 1, "size_bytes": 1, "sha256": "0" * 64}
            for number in range(MAX_FILES_OF_A_MESSAGE - 1)
        ]
        await unit.execute(insert(AttachmentRow), rows)
    files = [await upload(hub, anna) for _ in range(2)]
    too_many = await wish(hub, anna, "add_attachments", reference=sent["reference"], attachments=files)
    assert codes(too_many) == [("TOO_MANY_ATTACHMENTS", ["attachments"])]
    assert (await wish(hub, anna, "add_attachments", reference=sent["reference"], attachments=files[:1]))[
        "errors"
    ] == []


async def test_nobody_adds_files_to_a_message_of_somebody_else(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    sent = await hub.submit(anna)
    file = await upload(hub, boris)
    payload = await wish(hub, boris, "add_attachments", reference=sent["reference"], attachments=[file])
    assert codes(payload) == [("NOT_FOUND", ["reference"])]
