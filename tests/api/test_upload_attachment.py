"""uploadAttachment: what the schema does around the gateway's storing of bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from starlette.datastructures import UploadFile

from domain.viewer import Viewer
from tests.api.hub import Hub, document, fault_of


async def _upload(hub: Hub, viewer: Viewer | None, file: object) -> dict[str, Any]:
    result = await hub.run(document("upload_attachment"), {"file": file}, viewer=viewer)
    assert result.errors is None
    assert result.data is not None
    payload: dict[str, Any] = result.data["uploadAttachment"]
    return payload


async def test_a_stored_file_comes_back_with_its_id(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    payload = await _upload(hub, anna, UploadFile(io.BytesIO(b"12345"), filename="двор.jpg"))
    assert payload["errors"] == []
    assert payload["attachment"]["fileName"] == "двор.jpg"
    assert payload["attachment"]["sizeBytes"] == 5
    own = (await hub.ask("node", {"id": payload["attachment"]["id"]}, viewer=anna))["node"]
    assert own["fileName"] == "двор.jpg"
    assert (await hub.ask("node", {"id": payload["attachment"]["id"]}, viewer=boris))["node"] is None


async def test_what_the_store_refuses_is_data_in_the_payload(hub: Hub, anna: Viewer) -> None:
    payload = await _upload(hub, anna, UploadFile(io.BytesIO(b""), filename="a.jpg"))
    assert payload["attachment"] is None
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("FILE_EMPTY", ["file"])]


@pytest.mark.parametrize("file", ["a string", 7, {"a": 1}, [], True])
async def test_a_json_value_instead_of_a_file_is_named(hub: Hub, anna: Viewer, file: object) -> None:
    payload = await _upload(hub, anna, file)
    assert payload["attachment"] is None
    assert payload["errors"][0]["code"] == "FILE_MISSING"


async def test_nobody_uploads_without_sign_in(hub: Hub) -> None:
    result = await hub.run(document("upload_attachment"), {"file": UploadFile(io.BytesIO(b"1"), filename="a")})
    assert fault_of(result) == {"code": "UNAUTHENTICATED"}
