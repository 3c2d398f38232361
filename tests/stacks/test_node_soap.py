"""npm's `soap` serves the road agency's WSDL (document/literal, WS-Security token digest): our connector and the agency's own file speak with it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.adapter import Adapter, AttachmentContext, Found, NotFound
from agencies.registry import Registry
from connectors.base import Call, Connector, Reply
from connectors.http import Wire
from connectors.soap.connector import SoapConnection, SoapConnector
from connectors.soap.security import UsernameToken
from connectors.soap.signature import EnvelopeSignature
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.adapters.words import MESSAGE
from tests.connectors.certificates import Holder, issue
from tests.stacks.conftest import PASSWORD, ROADS_WSDL, USER

CASE = {
    "ExternalId": "REF-1",
    "Subject": "Яма",
    "Text": "Глубокая яма.",
    "Kind": "0412",
    "CreatedAt": "2026-03-02T09:15:07",
}


@pytest.fixture(autouse=True)
async def _empty(node_soap: str, beside: aiohttp.ClientSession) -> AsyncIterator[None]:
    yield
    async with beside.delete(f"{node_soap}/held"):
        pass


@pytest.fixture
def connector(node_soap: str, wire: Wire) -> SoapConnector:
    return _connector(node_soap, wire, PASSWORD)


@pytest.fixture
def agency(node_soap: str, session: aiohttp.ClientSession, config_folder: Path) -> tuple[Adapter, Connector]:
    """The road agency's own file, with this service for its address."""
    variables = {
        "CITY_ROADS_ADDRESS": f"{node_soap}/soap",
        "CITY_ROADS_USER": USER,
        "CITY_ROADS_PASSWORD": PASSWORD,
        "HOUSING_WEBHOOK_SECRET": "-",
    }
    registry = Registry.load(config_folder, variables=variables)
    return registry.adapter("city-roads"), registry.connector("city-roads", session)


def _connector(address: str, wire: Wire, password: str) -> SoapConnector:
    token = UsernameToken(USER, password, digest=True)
    return SoapConnector(SoapConnection(ROADS_WSDL, f"{address}/soap", security=token, timeout_s=10), wire)


async def _held(node_soap: str, beside: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with beside.get(f"{node_soap}/held") as reply:
        held: list[dict[str, Any]] = await reply.json()
        return held


def _result(reply: Reply, name: str) -> Any:
    assert reply.fault is None, reply.fault
    assert isinstance(reply.tree, dict)
    return reply.tree[name]


async def test_every_text_arrives_as_it_was_sent(
    connector: SoapConnector, node_soap: str, beside: aiohttp.ClientSession
) -> None:
    hard = "Яма — 5 000 ₽ 🕳 <b>&amp;]]> „кавычки“…\nвторая строка"
    await connector.send(Call("CreateCase", {"case": {**CASE, "Text": hard, "Latitude": 54.507041, "PhotoCount": 2}}))
    (kept,) = await _held(node_soap, beside)
    assert kept["given"]["Text"] == hard
    assert kept["given"]["Kind"] == "0412"
    assert (float(kept["given"]["Latitude"]), kept["given"]["PhotoCount"]) == (54.507041, "2")


async def test_a_fault_is_a_reply_with_code_and_text(connector: SoapConnector) -> None:
    reply = await connector.send(Call("CreateCase", {"case": {**CASE, "Subject": "fault"}}))
    assert reply.status == 500
    assert reply.fault is not None
    assert (reply.fault.code, reply.fault.text) == ("Server", "ORA-12899: value <too> large & wide")


async def test_a_wrong_password_and_a_token_seen_before_stay_outside(
    connector: SoapConnector, node_soap: str, wire: Wire, beside: aiohttp.ClientSession
) -> None:
    refused = await _connector(node_soap, wire, "wrong").send(Call("FindCases", {"ExternalId": "REF-1"}))
    assert refused.fault is not None
    request = connector.render(Call("CreateCase", {"case": CASE}))
    for wanted in ("CaseNumber", "Fault"):
        async with beside.post(request.url, data=request.body, headers=request.headers) as reply:
            assert wanted in await reply.text()
    assert len(await _held(node_soap, beside)) == 1


async def test_a_signed_envelope_is_taken_and_one_signed_by_another_or_altered_is_not(
    node_soap_signed: str, signing_hub: Holder, wire: Wire, beside: aiohttp.ClientSession
) -> None:
    """Q1: X.509 signatures over the Body and a time stamp, judged by xml-crypto."""
    call = Call("FindCases", {"ExternalId": "Ёж & “ко” <строка>"})
    ours, foreign = (
        SoapConnector(
            SoapConnection(ROADS_WSDL, f"{node_soap_signed}/soap", security=EnvelopeSignature(one.pem, one.key())), wire
        )
        for one in (signing_hub, issue("somebody else"))
    )
    assert (await ours.send(call)).fault is None
    refused = await foreign.send(call)
    assert refused.fault is not None
    request = ours.render(call)
    altered = request.body.replace("строка".encode(), "другое".encode())
    assert altered != request.body
    async with beside.post(request.url, data=altered, headers=request.headers) as reply:
        assert "Fault" in await reply.text()


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_list_is_a_list_however_many_stand_in_it(connector: SoapConnector, count: int) -> None:
    for number in range(count):
        await connector.send(Call("CreateCase", {"case": {**CASE, "ExternalId": f"REF-{number}"}}))
    result = _result(await connector.send(Call("GetChanges", {"Since": "2026-01-01T00:00:00"})), "GetChangesResult")
    # An empty element has no children; `items_of` in the adapter reads it as no items.
    assert [one["CaseNumber"] for one in (result["Change"] if count else [])] == [
        f"NS-{number:06d}" for number in range(1, count + 1)
    ]


async def test_the_agencys_own_file_tells_the_whole_story(
    agency: tuple[Adapter, Connector], node_soap: str, beside: aiohttp.ClientSession
) -> None:
    adapter, connector = agency
    message = replace(MESSAGE, reference="REF-7")
    look_up, submit = adapter.look_up_call(message), adapter.submit_call(message)
    assert look_up is not None
    assert adapter.read_look_up(await connector.send(look_up), message) == NotFound()
    first, again = [adapter.read_submit(await connector.send(submit)) for _ in range(2)]
    assert (first.kind, first.already_there) == (OutcomeKind.ACCEPTED, False)
    assert (again.case_id, again.already_there) == (first.case_id, True)
    assert adapter.read_look_up(await connector.send(look_up), message) == Found({"case_id": str(first.case_id)})

    content = bytes(range(256)) * 40
    digest = hashlib.sha256(content).hexdigest()
    photo = AttachmentContext("1", "Фото двора.jpg", "image/jpeg", len(content), digest, content)
    added = adapter.read_attachment(
        await connector.send(adapter.attachment_call(message, first.case_ids, photo)),
    )
    assert added.kind is OutcomeKind.ACCEPTED
    (kept,) = await _held(node_soap, beside)
    assert kept["photos"] == [{"name": f"{digest[:12]}-Foto_dvora.jpg", "sha256": digest}]

    done = {"number": first.case_id, "state": "4", "answer": "Яма заделана — приходите"}
    async with beside.post(f"{node_soap}/change", json=done):
        pass
    now = datetime.now(UTC)
    page = adapter.read_poll(await connector.send(adapter.poll_call(None, now)), None, now)
    assert [one.means for one in page.changes] == [Status.REGISTERED, Status.ANSWERED]
    assert page.changes[1].answer is not None
    assert page.changes[1].answer.text == "Яма заделана — приходите"
