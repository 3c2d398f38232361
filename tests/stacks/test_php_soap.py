"""PHP's SoapServer: rpc/encoded with arrays and shared objects, and document/literal with a token digest, through our connector."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from connectors.base import Call, Reply, Tree
from connectors.http import Wire
from connectors.soap.connector import SoapConnection, SoapConnector
from connectors.soap.security import UsernameToken
from tests.stacks.conftest import PASSWORD, ROADS_WSDL, STACKS, USER

HARD = "Яма — 5 000 ₽ 🕳 <b>&amp;]]> „кавычки“…\nвторая строка"
PERMIT: dict[str, Tree] = {
    "externalId": "REF-1",
    "text": HARD,
    "kind": "0412",
    "urgent": True,
    "createdAt": "2026-03-02T09:15:07",
    "place": {"latitude": 54.507041, "longitude": 36.25},
    "photo": bytes(range(256)),
}
CASE = {
    "ExternalId": "REF-1",
    "Subject": "Яма",
    "Text": HARD,
    "Kind": "0412",
    "CreatedAt": "2026-03-02T09:15:07",
}


@pytest.fixture(autouse=True)
async def _empty(php_soap: str, beside: aiohttp.ClientSession) -> AsyncIterator[None]:
    yield
    async with beside.delete(f"{php_soap}/held"):
        pass


@pytest.fixture
def rpc(php_soap: str, wire: Wire) -> SoapConnector:
    return SoapConnector(SoapConnection(STACKS / "php" / "rpc.wsdl", f"{php_soap}/rpc", timeout_s=10), wire)


def _document(address: str, wire: Wire, password: str = PASSWORD) -> SoapConnector:
    token = UsernameToken(USER, password, digest=True)
    return SoapConnector(SoapConnection(ROADS_WSDL, f"{address}/document", security=token, timeout_s=10), wire)


def _fields(reply: Reply) -> dict[str, Any]:
    assert reply.fault is None, reply.fault
    assert isinstance(reply.tree, dict)
    return reply.tree


async def test_rpc_parts_arrive_with_their_types(rpc: SoapConnector) -> None:
    result = _fields(await rpc.send(Call("create", PERMIT)))["return"]
    assert (result["code"], result["number"]) == ("0", "PHP-1")
    assert json.loads(result["heard"]) == {**PERMIT, "photo": hashlib.sha256(bytes(range(256))).hexdigest()}


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_an_encoded_array_is_a_list_and_a_shared_object_is_in_every_item(rpc: SoapConnector, count: int) -> None:
    items = _fields(await rpc.send(Call("changes", {"count": count})))["return"]["item"]
    assert [one["number"] for one in items] == [f"PHP-{number}" for number in range(1, count + 1)]
    assert all(one["office"]["name"] == "Контора «Юг»" for one in items)


async def test_a_fault_is_a_reply_with_code_and_text(rpc: SoapConnector) -> None:
    reply = await rpc.send(Call("create", {**PERMIT, "kind": "fault"}))
    assert reply.fault is not None
    assert (reply.fault.code, reply.fault.text) == ("Server", "ORA-12899: value <too> large & wide")


async def test_a_case_of_the_document_style_is_made_once_with_its_photo(
    php_soap: str, wire: Wire, beside: aiohttp.ClientSession
) -> None:
    connector = _document(php_soap, wire)
    results = [_fields(await connector.send(Call("CreateCase", {"case": CASE})))["CreateCaseResult"] for _ in range(2)]
    assert [(one["Code"], one["CaseNumber"]) for one in results] == [("0", "PHP-000001"), ("17", "PHP-000001")]
    content = bytes(range(256)) * 40
    await connector.send(Call("AddPhoto", {"CaseNumber": "PHP-000001", "FileName": "a.jpg", "Content": content}))
    async with beside.get(f"{php_soap}/held") as reply:
        (kept,) = await reply.json()
    assert kept["given"]["Text"] == HARD
    assert kept["photos"] == [{"name": "a.jpg", "sha256": hashlib.sha256(content).hexdigest()}]
    changes = _fields(await connector.send(Call("GetChanges", {"Since": "2026-01-01T00:00:00"})))["GetChangesResult"]
    assert [one["CaseNumber"] for one in changes["Change"]] == ["PHP-000001"]


async def test_a_wrong_password_stays_outside(php_soap: str, wire: Wire) -> None:
    reply = await _document(php_soap, wire, "wrong").send(Call("CreateCase", {"case": CASE}))
    assert reply.fault is not None
    assert reply.fault.code.endswith("FailedAuthentication")
