"""The SOAP wire against the city roads agency, with all its faults, and against servers of our own."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from connectors.base import BadConnection, Call, ConnectorError, Lost, NotSent, Reply, Unreadable
from connectors.http import Wire
from connectors.security import Basic
from connectors.soap import HEADER_KEY, SoapConnection, SoapConnector, SoapWay, UsernameToken
from tests.connectors.raw_server import raw_server, replying
from tests.fakes.serving import AgencyProcess

CITY_ROADS = Path(__file__).parents[2] / "config/agencies/city-roads/cases.wsdl"
LIMITS: dict[str, Any] = {"timeout_s": 3, "attempt_window_s": 1, "max_reply_bytes": 1_000_000}
numbers = itertools.count(1)


def connector(address: str, wire: Wire | None, security: SoapWay | None = None, **more: Any) -> SoapConnector:
    return SoapConnector(SoapConnection(CITY_ROADS, address, security=security, **(LIMITS | more)), wire)


@pytest_asyncio.fixture
async def roads(city_roads: AgencyProcess, wire: Wire) -> AsyncIterator[SoapConnector]:
    await city_roads.operator.clear_faults()
    yield connector(city_roads.address, wire, UsernameToken("okno", "roads-secret", digest=True))
    await city_roads.operator.clear_faults()


def create(external_id: str = "", **more: str) -> Call:
    case = {
        "ExternalId": external_id or f"S-{next(numbers)}",
        "Subject": "Яма на “улице” <Ёлочной> & Ко",
        "Text": "Первая строка\nвторая\tстрока ]]>",
        "Kind": "0412",
        "CreatedAt": "2026-11-22T17:00:00",
    }
    return Call("CreateCase", {"case": case | more})


def code(reply: Reply, result: str) -> tuple[str, Any]:
    assert reply.fault is None, reply.fault
    assert isinstance(reply.tree, dict)
    content: Any = reply.tree[result]
    return content["Code"], content.get("CaseNumber")


@pytest.mark.parametrize("digest", [False, True])
async def test_a_case_is_made_with_its_cyrillic_text_whole(city_roads: AgencyProcess, wire: Wire, digest: bool) -> None:
    soap = connector(city_roads.address, wire, UsernameToken("okno", "roads-secret", digest=digest))
    call = create()
    reply = await soap.send(call)
    outcome, number = code(reply, "CreateCaseResult")
    assert (reply.status, outcome) == (200, "0")
    body: Any = call.body
    held = await city_roads.operator.cases(external_id=body["case"]["ExternalId"])
    assert [case["id"] for case in held] == [number]
    assert held[0]["title"] == body["case"]["Subject"]
    assert held[0]["text"] == body["case"]["Text"]


async def test_a_photo_goes_through_whole(roads: SoapConnector, city_roads: AgencyProcess) -> None:
    call = create()
    _, number = code(await roads.send(call), "CreateCaseResult")
    photo = bytes(range(256)) * 6000
    sent = Call("AddPhoto", {"CaseNumber": number, "FileName": "a.jpg", "Content": photo})
    assert code(await roads.send(sent), "AddPhotoResult")[0] == "0"
    body: Any = call.body
    files = (await city_roads.operator.cases(external_id=body["case"]["ExternalId"]))[0]["files"]
    assert [file["size_bytes"] for file in files] == [len(photo)]


async def test_found_cases_are_a_list_whether_there_is_one_or_none(roads: SoapConnector) -> None:
    call = create("FOUND-1")
    _, number = code(await roads.send(call), "CreateCaseResult")
    one: Any = (await roads.send(Call("FindCases", {"ExternalId": "FOUND-1"}, safe=True))).tree
    none: Any = (await roads.send(Call("FindCases", {"ExternalId": "NOBODY"}, safe=True))).tree
    assert [case["CaseNumber"] for case in one["FindCasesResult"]["Case"]] == [number]
    assert none == {"FindCasesResult": {"Case": []}}


async def test_the_real_replies_stand_up_to_strict_reading(city_roads: AgencyProcess, wire: Wire) -> None:
    soap = connector(city_roads.address, wire, UsernameToken("okno", "roads-secret"), validate_reply=True)
    assert code(await soap.send(create()), "CreateCaseResult")[0] == "0"
    changes: Any = (await soap.send(Call("GetChanges", {"Since": "2020-01-01T00:00:00"}, safe=True))).tree
    assert changes["GetChangesResult"]["Change"]


async def test_a_soap_fault_is_a_reply_whatever_the_status(roads: SoapConnector) -> None:
    reply = await roads.send(create(CreatedAt="2026-11-22T17:00:00Z"))
    assert reply.status == 500
    assert reply.fault is not None
    assert reply.fault.code == "Client"
    assert reply.fault.text


async def test_wrong_credentials_are_a_fault_with_its_own_code(city_roads: AgencyProcess, wire: Wire) -> None:
    reply = await connector(city_roads.address, wire, UsernameToken("okno", "wrong")).send(create())
    assert reply.fault is not None
    assert reply.fault.code == "FailedAuthentication"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("garbage", Unreadable),
        ("html", Unreadable),
        ("error_500", Unreadable),
        ("created_with_error", Unreadable),
        ("half", Lost),
        ("lost_reply", Lost),
        ("huge", Lost),
        ("gzip_bomb", Lost),
    ],
)
async def test_each_fault_of_the_agency_ends_as_what_it_is(
    roads: SoapConnector, city_roads: AgencyProcess, kind: str, error: type[ConnectorError]
) -> None:
    await city_roads.operator.faults(kind)
    with pytest.raises(error) as caught:
        await roads.send(create(f"FAULT-{kind}"))
    assert caught.value.request is not None
    if error is Unreadable:
        assert caught.value.raw
    processed = kind in {"created_with_error", "half", "lost_reply"}
    assert len(await city_roads.operator.cases(external_id=f"FAULT-{kind}")) == int(processed)
    assert code(await roads.send(create(f"AFTER-{kind}")), "CreateCaseResult")[0] == "0"


@pytest.mark.parametrize("kind", ["silence", "slow"])
async def test_a_silent_or_trickling_agency_is_left_at_the_deadline(
    city_roads: AgencyProcess, wire: Wire, kind: str
) -> None:
    soap = connector(city_roads.address, wire, UsernameToken("okno", "roads-secret"), timeout_s=0.8)
    await city_roads.operator.faults(kind)
    started = time.monotonic()
    with pytest.raises(Lost, match="timeout"):
        await soap.send(create())
    assert time.monotonic() - started < 1.5


async def test_a_safe_call_survives_a_lost_reply_though_its_nonce_is_used_up(
    roads: SoapConnector, city_roads: AgencyProcess
) -> None:
    await city_roads.operator.faults("lost_reply")
    reply = await roads.send(Call("FindCases", {"ExternalId": "NOBODY"}, safe=True))
    assert reply.tree == {"FindCasesResult": {"Case": []}}


async def test_many_calls_at_once_do_not_disturb_each_other(roads: SoapConnector) -> None:
    ids = [f"MANY-{number}" for number in range(20)]
    await asyncio.gather(*(roads.send(create(each)) for each in ids))
    found: list[Any] = await asyncio.gather(*(roads.send(Call("FindCases", {"ExternalId": each})) for each in ids))
    assert [reply.tree["FindCasesResult"]["Case"][0]["ExternalId"] for reply in found] == ids


async def test_a_dead_agency_is_not_sent(wire: Wire) -> None:
    with pytest.raises(NotSent) as caught:
        await connector("http://127.0.0.1:9/soap", wire, attempt_window_s=0).send(create())
    assert caught.value.request is not None


async def test_what_is_sent_is_what_is_rendered_and_goes_to_the_pinned_address(wire: Wire) -> None:
    async with raw_server(replying(b"<e:Envelope xmlns:e='u'><e:Body><A/></e:Body></e:Envelope>")) as server:
        soap = connector(f"{server.address}/cases/", wire, UsernameToken("okno", "roads-secret"))
        call = Call("FindCases", {"ExternalId": "1"}, headers={"X-Trace": "7"})
        rendered = soap.render(call)
        reply = await soap.send(call)
        assert (await soap.send(call)).request == reply.request == rendered
        head, body = server.requests[0].split(b"\r\n\r\n", 1)
        assert head.startswith(b"POST /cases/ HTTP/1.1\r\n")
        for line in (
            b'SOAPAction: "urn:city-roads:cases:1/FindCases"',
            b"Content-Type: text/xml; charset=utf-8",
            b"X-Trace: 7",
        ):
            assert line in head.split(b"\r\n")
        assert body == rendered.body


async def test_soap_12_says_its_action_in_the_content_type(wire: Wire, wsdl_folder: Path) -> None:
    async with raw_server(
        replying(b"<e:Envelope xmlns:e='u'><e:Body><Ticket>7</Ticket></e:Body></e:Envelope>")
    ) as server:
        connection = SoapConnection(wsdl_folder / "shapes.wsdl", server.address, "1.2", Basic("a", "б"))
        request = (await SoapConnector(connection, wire).send(Call("Note", {"#text": "привет"}))).request
    assert request.headers["Content-Type"] == 'application/soap+xml; charset=utf-8; action="urn:okno:shapes#Note"'
    assert "SOAPAction" not in request.headers
    assert request.headers["Authorization"].startswith("Basic ")
    assert b'xmlns:soap-env="http://www.w3.org/2003/05/soap-envelope"' in request.body
    assert "привет".encode() in request.body


async def test_a_one_way_operation_needs_no_reply_and_others_do(wire: Wire, wsdl_folder: Path) -> None:
    async with raw_server(replying(b"", "202 Accepted")) as server:
        soap = SoapConnector(SoapConnection(wsdl_folder / "shapes.wsdl", server.address), wire)
        reply = await soap.send(Call("Ping"))
        assert (reply.status, reply.tree, reply.fault) == (202, None, None)
        with pytest.raises(Unreadable):
            await soap.send(Call("Add", {"first": 1, "second": 2, HEADER_KEY: {}}))


async def test_a_401_without_an_envelope_is_not_sent(wire: Wire) -> None:
    async with raw_server(replying(b"<html>no</html>", "401 Unauthorized")) as server:
        with pytest.raises(NotSent, match="credentials"):
            await connector(server.address, wire).send(create())


async def test_a_large_reply_is_read_whole_in_the_background(wire: Wire) -> None:
    case = b"<Case><CaseNumber>CR-1</CaseNumber></Case>"
    body = (
        b"<e:Envelope xmlns:e='u'><e:Body><R><FindCasesResult>"
        + case * 15_000
        + b"</FindCasesResult></R></e:Body></e:Envelope>"
    )
    async with raw_server(replying(body)) as server:
        reply = await connector(server.address, wire).send(Call("FindCases", {"ExternalId": "1"}))
    tree: Any = reply.tree
    assert len(tree["FindCasesResult"]["Case"]) == 15_000


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Call("CreateCas"), "did you mean CreateCase"),
        (Call("X"), "it has CreateCase"),
        (Call("FindCases", {"ExternalId": "1"}, query={"a": "b"}), "body only"),
        (Call("FindCases", {"ExternalId": "1"}, headers={"SOAPAction": "x"}), "header SOAPAction"),
        (Call("FindCases", ["1"]), "must be a mapping"),
    ],
)
def test_a_call_that_cannot_be_rendered_is_not_sent(call: Call, named: str) -> None:
    with pytest.raises(NotSent, match=named):
        connector("http://127.0.0.1:9/", None).render(call)


async def test_a_connector_without_a_wire_only_renders() -> None:
    soap = connector("http://127.0.0.1:9/", None)
    with pytest.raises(NotSent, match="without a wire") as caught:
        await soap.send(create())
    assert caught.value.request is not None
    await soap.close()


def test_a_connection_that_can_never_work_is_refused() -> None:
    with pytest.raises(BadConnection, match=r"^address: "):
        connector("soap.example", None)
    with pytest.raises(BadConnection, match=r"^timeout_s: "):
        connector("http://127.0.0.1/", None, timeout_s=0)
