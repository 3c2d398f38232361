"""submitMessage: P1 and P2, and every form that must be refused with a field and a remedy."""

from __future__ import annotations

import asyncio
import io
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from starlette.datastructures import Headers, UploadFile

from domain.viewer import Viewer
from schema.plan.global_id import write_global_id
from store.tables import DeliveryRow, EventRow, IdempotencyRow, MessageRow
from tests.api.hub import Hub, document, fault_of


async def _send(hub: Hub, viewer: Viewer | None, **given: Any) -> dict[str, Any]:
    form = {"idempotencyKey": str(uuid4()), "text": "Яма на дороге", **given}
    payload: dict[str, Any] = (await hub.ask("submit_message", {"input": form}, viewer=viewer))["submitMessage"]
    return payload


async def _counts(hub: Hub) -> tuple[int, ...]:
    tables = (MessageRow, EventRow, DeliveryRow, IdempotencyRow)
    async with hub.database.reader() as connection:
        return tuple([await connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables])


async def _upload(hub: Hub, viewer: Viewer) -> str:
    file = UploadFile(io.BytesIO(b"photo"), filename="яма.jpg", headers=Headers({"content-type": "image/jpeg"}))
    data = await hub.run(document("upload_attachment"), {"file": file}, viewer=viewer)
    assert data.errors is None
    assert data.data is not None
    return str(data.data["uploadAttachment"]["attachment"]["id"])


async def test_a_returned_number_means_message_duty_and_history_are_stored(hub: Hub, anna: Viewer) -> None:
    payload = await _send(hub, anna, category="roads/pothole")
    message = payload["message"]
    assert payload["errors"] == []
    assert message["status"] == "ROUTED"
    assert message["categorySource"] == "CITIZEN"
    assert message["organisation"] == {"code": "city-roads"}
    assert message["deliveries"] == [{"purpose": "SUBMIT", "state": "READY"}]
    assert await _counts(hub) == (1, 2, 1, 1)


async def test_a_body_without_a_system_gets_the_message_on_its_desk(hub: Hub, anna: Viewer) -> None:
    message = (await _send(hub, anna, category="ecology/land"))["message"]
    assert message["organisation"] == {"code": "agriculture-ministry"}
    assert message["deliveries"] == [{"purpose": "SUBMIT", "state": "ON_DESK"}]


async def test_a_message_that_names_nothing_goes_to_a_person(hub: Hub, anna: Viewer) -> None:
    message = (await _send(hub, anna, text="Ъ"))["message"]
    assert (message["status"], message["organisation"], message["deliveries"]) == ("ON_MODERATION", None, [])


async def test_a_category_is_found_in_the_words(hub: Hub, anna: Viewer) -> None:
    message = (await _send(hub, anna, text="Огромная яма на дороге, разбит асфальт, выбоины"))["message"]
    assert (message["category"], message["categorySource"]) == ({"code": "roads/pothole"}, "KEYWORDS")


async def test_a_repeated_create_returns_the_first_case_number(hub: Hub, anna: Viewer) -> None:
    first = await _send(hub, anna, idempotencyKey="one", category="roads/pothole")
    stored = await _counts(hub)
    again = await _send(hub, anna, idempotencyKey="one", category="roads/pothole")
    assert again["message"] == first["message"]
    assert await _counts(hub) == stored


async def test_eight_at_once_with_one_key_make_one_message(hub: Hub, anna: Viewer) -> None:
    payloads = await asyncio.gather(*(_send(hub, anna, idempotencyKey="k", category="roads/sign") for _ in range(8)))
    assert len({payload["message"]["reference"] for payload in payloads}) == 1
    assert await _counts(hub) == (1, 2, 1, 1)


async def test_a_key_with_other_words_is_refused_and_names_the_first_message(hub: Hub, anna: Viewer) -> None:
    first = (await _send(hub, anna, idempotencyKey="one"))["message"]
    payload = await _send(hub, anna, idempotencyKey="one", text="Другое")
    (error,) = payload["errors"]
    assert payload["message"] is None
    assert error["__typename"] == "IdempotencyKeyReused"
    assert error["reference"] == first["reference"]
    assert error["path"] == ["idempotencyKey"]
    assert "new key" in error["message"]
    assert (await _counts(hub))[0] == 1


async def test_a_key_belongs_to_one_person(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    first = await _send(hub, anna, idempotencyKey="one")
    second = await _send(hub, boris, idempotencyKey="one", text="Совсем другое")
    assert second["errors"] == []
    assert second["message"]["reference"] != first["message"]["reference"]


async def test_a_refused_form_does_not_use_the_key_up(hub: Hub, anna: Viewer) -> None:
    refused = await _send(hub, anna, idempotencyKey="one", text="  ")
    assert refused["errors"][0]["code"] == "EMPTY"
    accepted = await _send(hub, anna, idempotencyKey="one", text="Яма")
    assert accepted["message"] is not None


BAD_FORMS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"text": ""}, "EMPTY", ["text"]),
    ({"text": " \n\t"}, "EMPTY", ["text"]),
    ({"text": "я" * 100_000}, "TOO_LONG", ["text"]),
    ({"text": "яма\x00"}, "CHARACTERS_NOT_ALLOWED", ["text"]),
    ({"text": "яма\x1b[2J"}, "CHARACTERS_NOT_ALLOWED", ["text"]),
    ({"text": "яма \ud83d"}, "CHARACTERS_NOT_ALLOWED", ["text"]),
    ({"category": "no/such"}, "CATEGORY_UNKNOWN", ["category"]),
    ({"category": "\ud800"}, "CATEGORY_UNKNOWN", ["category"]),
    ({"category": "roads"}, "CATEGORY_TOO_BROAD", ["category"]),
    ({"organisation": "no-such"}, "ORGANISATION_UNKNOWN", ["organisation"]),
    ({"organisation": "\ud800"}, "ORGANISATION_UNKNOWN", ["organisation"]),
    ({"place": {"point": {"latitude": 0.0, "longitude": 0.0}}}, "POINT_OUTSIDE", ["place", "point"]),
    ({"place": {"point": {"latitude": 91, "longitude": 0}}}, "POINT_NOT_POSSIBLE", ["place", "point", "latitude"]),
    ({"place": {"point": {"latitude": 1e300, "longitude": 0}}}, "POINT_NOT_POSSIBLE", ["place", "point", "latitude"]),
    ({"place": {"address": "а\x07"}}, "CHARACTERS_NOT_ALLOWED", ["place", "address"]),
    ({"place": {"address": "\udfff"}}, "CHARACTERS_NOT_ALLOWED", ["place", "address"]),
    ({"place": {"territory": "\ud800"}}, "TERRITORY_UNKNOWN", ["place", "territory"]),
    ({"idempotencyKey": ""}, "KEY_NOT_USABLE", ["idempotencyKey"]),
    ({"idempotencyKey": "k" * 201}, "KEY_NOT_USABLE", ["idempotencyKey"]),
    ({"idempotencyKey": "\ud800"}, "KEY_NOT_USABLE", ["idempotencyKey"]),
    ({"attachments": ["x"]}, "ATTACHMENT_UNKNOWN", ["attachments"]),
    ({"attachments": [write_global_id("Attachment", uuid4())]}, "ATTACHMENT_UNKNOWN", ["attachments"]),
    ({"attachments": [write_global_id("Attachment", uuid4())] * 2}, "ATTACHMENT_REPEATED", ["attachments"]),
    (
        {"attachments": [write_global_id("Attachment", uuid4()) for _ in range(11)]},
        "TOO_MANY_ATTACHMENTS",
        ["attachments"],
    ),
]


@pytest.mark.parametrize(
    ("given", "code", "path"), BAD_FORMS, ids=lambda value: value if isinstance(value, str) else None
)
async def test_a_bad_form_names_field_and_remedy_and_stores_nothing(
    hub: Hub, anna: Viewer, given: dict[str, Any], code: str, path: list[str]
) -> None:
    payload = await _send(hub, anna, **given)
    assert payload["message"] is None
    assert [(one["__typename"], one["code"], one["path"]) for one in payload["errors"]] == [
        ("InvalidInput", code, path)
    ]
    assert await _counts(hub) == (0, 0, 0, 0)


async def test_all_problems_of_a_form_come_at_once_in_the_citizens_language(hub: Hub, anna: Viewer) -> None:
    form = {"idempotencyKey": "k", "text": "", "category": "no/such", "attachments": ["x"]}
    data = await hub.ask("submit_message", {"input": form}, viewer=anna, language="ru")
    errors = data["submitMessage"]["errors"]
    assert [one["path"][0] for one in errors] == ["text", "category", "attachments"]
    assert errors[0]["message"].startswith("Это поле не может быть пустым")


BAD_VARIABLES: list[dict[str, Any]] = [
    {"text": 7},
    {"text": None},
    {"place": {"point": {"latitude": float("nan"), "longitude": 0}}},
    {"place": {"point": {"latitude": float("inf"), "longitude": 0}}},
    {"place": {"point": {"latitude": 10**5000, "longitude": 0}}},
    {"place": {"point": {"latitude": 54.5}}},
    {"channel": "CARRIER_PIGEON"},
    {"attachments": {"a": 1}},
    {"no": "such field"},
]


@pytest.mark.parametrize("given", BAD_VARIABLES, ids=lambda given: next(iter(given)))
async def test_variables_of_a_wrong_shape_are_a_bad_request(hub: Hub, anna: Viewer, given: dict[str, Any]) -> None:
    form = {"idempotencyKey": "k", "text": "Яма", **given}
    result = await hub.run(document("submit_message"), {"input": form}, viewer=anna)
    assert fault_of(result) == {"code": "BAD_REQUEST"}
    assert await _counts(hub) == (0, 0, 0, 0)


async def test_nobody_can_send_without_sign_in(hub: Hub) -> None:
    form = {"idempotencyKey": "k", "text": "Яма"}
    result = await hub.run(document("submit_message"), {"input": form})
    assert fault_of(result) == {"code": "UNAUTHENTICATED"}
    assert await _counts(hub) == (0, 0, 0, 0)


async def test_files_go_with_the_message_in_their_order(hub: Hub, anna: Viewer) -> None:
    ids = [await _upload(hub, anna) for _ in range(3)]
    payload = await _send(hub, anna, attachments=ids)
    assert [one["fileName"] for one in payload["message"]["attachments"]] == ["яма.jpg"] * 3
    used_again = await _send(hub, anna, attachments=ids[:1])
    assert used_again["errors"][0]["code"] == "ATTACHMENT_UNKNOWN"


async def test_a_file_of_somebody_else_looks_like_none(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    file = await _upload(hub, boris)
    stolen = await _send(hub, anna, attachments=[file])
    missing = await _send(hub, anna, attachments=[write_global_id("Attachment", uuid4())])
    assert stolen["errors"] == missing["errors"]
    assert stolen["errors"][0]["code"] == "ATTACHMENT_UNKNOWN"
    assert (await _counts(hub))[0] == 0
