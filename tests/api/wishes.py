"""What tests of wishes for a message share: asking for one, a message that stands somewhere, an uploaded file."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

from sqlalchemy import update
from starlette.datastructures import UploadFile

from domain.delivery import DeliveryState, Purpose
from domain.status import Status
from domain.viewer import Viewer
from schema.context import LanguageCode
from store.tables import DeliveryRow, MessageRow
from tests.api.hub import Hub, document

FIELDS = {
    "add_comment": "addComment",
    "add_attachments": "addAttachments",
    "reopen_message": "reopenMessage",
    "set_priority": "setPriority",
}


async def wish(hub: Hub, viewer: Viewer, verb: str, language: LanguageCode = "en", **given: Any) -> dict[str, Any]:
    """The payload of one wish; a citizen's has a key of its own unless it is given."""
    form = given if verb == "set_priority" else {"idempotencyKey": str(uuid4()), **given}
    payload: dict[str, Any] = (await hub.ask(verb, {"input": form}, viewer=viewer, language=language))[FIELDS[verb]]
    return payload


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    assert payload["message"] is None
    assert payload["isPassedOn"] is False
    return [(one["code"], one["path"]) for one in payload["errors"]]


async def stand(
    hub: Hub, reference: str, status: Status | None = None, submission: DeliveryState | None = None
) -> None:
    """Put a message where a test needs it; its submission was attempted."""
    async with hub.database.unit() as unit:
        if status is not None:
            await unit.execute(update(MessageRow).where(MessageRow.reference == reference).values(status=status))
        if submission is not None:
            submitted = update(DeliveryRow).where(DeliveryRow.purpose == Purpose.SUBMIT)
            await unit.execute(submitted.values(state=submission, attempts=1))


async def upload(hub: Hub, viewer: Viewer, name: str = "яма.jpg") -> str:
    """The id of a new file of this person."""
    file = UploadFile(io.BytesIO(uuid4().bytes), filename=name)
    result = await hub.run(document("upload_attachment"), {"file": file}, viewer=viewer)
    assert result.errors is None
    assert result.data is not None
    return str(result.data["uploadAttachment"]["attachment"]["id"])
