"""What SOAP services of different makes want to see, by configuration alone, and what of their replies is believed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree

from agencies.registry import Registry
from connectors.base import BadConnection, Call, Unreadable
from connectors.http import open_session
from connectors.soap.schemas import Schemas
from domain.outcome import OutcomeKind
from tests.agencies.desk import (
    MESSAGE,
    REGISTERED,
    body_of,
    connected,
    envelope,
    headers_of,
    register,
    take,
    text_in,
    written,
)
from tests.connectors.certificates import issue
from tests.connectors.raw_server import raw_server, replying

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
PHOTO = bytes(range(256)) * 40 + b"\r\n--okno\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


async def sent_with(folder: Path, session: aiohttp.ClientSession, connection: str, rows: str = "") -> bytes:
    async with raw_server(register) as server:
        desk = connected(folder, session, "soap", connection, rows=rows, variables={"ADDRESS": server.address})
        assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
        return server.requests[0]


# --- SOAPAction and version -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "action", "content_type"),
    [
        ("timeout: 5s", '"urn:desk#Register"', "text/xml; charset=utf-8"),
        ("soap_action: plain", "urn:desk#Register", "text/xml; charset=utf-8"),
        ("soap_action: empty", '""', "text/xml; charset=utf-8"),
        ("soap_action: none", None, "text/xml; charset=utf-8"),
        ("soap_action: content-type", None, 'text/xml; charset=utf-8; action="urn:desk#Register"'),
        ("version: '1.2'", None, 'application/soap+xml; charset=utf-8; action="urn:desk#Register"'),
        ("version: '1.2'\nsoap_action: none", None, "application/soap+xml; charset=utf-8"),
        ("request_charset: windows-1251", '"urn:desk#Register"', "text/xml; charset=windows-1251"),
    ],
)
async def test_soapaction_is_written_as_the_service_wants_it(
    tmp_path: Path, session: aiohttp.ClientSession, connection: str, action: str | None, content_type: str
) -> None:
    """Q2: quoted or not, absent, or in the Content-Type; no agency's choice touches another's."""
    headers = headers_of(await sent_with(tmp_path, session, connection))
    assert (headers.get("soapaction"), headers["content-type"]) == (action, content_type)
    assert headers_of(await sent_with(tmp_path, session, "timeout: 5s"))["soapaction"] == '"urn:desk#Register"'


async def test_the_envelope_of_literal_services_has_no_encoding_style_and_12_has_its_own_namespace(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Q2: encodingStyle must be absent (Echo, WDM, Uniform)."""
    for version, namespace in (
        ("1.1", "http://schemas.xmlsoap.org/soap/envelope/"),
        ("1.2", "http://www.w3.org/2003/05/soap-envelope"),
    ):
        request = await sent_with(tmp_path, session, f"version: '{version}'")
        assert b"encodingStyle" not in request
        assert etree.fromstring(body_of(request)).tag == f"{{{namespace}}}Envelope"


async def test_service_and_port_of_the_wsdl_can_be_named(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    await sent_with(tmp_path, session, "service: Back\nport: Older")
    with pytest.raises(AssertionError, match=r"no port speaks SOAP 1\.1"):
        await sent_with(tmp_path, session, "service: Front\nport: New")


# --- values -----------------------------------------------------------------------------------------------------------


async def test_every_value_says_its_type_where_the_service_guesses_otherwise(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Q4: a number that is a text must stay one (Echo)."""
    rows = "Login.User: '\"0412\"'\nLogin.Password: '\"x\"'"
    typed = etree.fromstring(body_of(await sent_with(tmp_path, session, "typed_values: true", rows)))
    for name in ("User", "ExternalId", "Text"):
        node = typed.find(f".//{{*}}{name}")
        assert node is not None
        prefix, _, local = node.get(f"{XSI}type", "").partition(":")
        assert (node.nsmap[prefix], local) == ("http://www.w3.org/2001/XMLSchema", "string")
    assert typed.findtext(".//{*}User") == "0412"
    plain = etree.fromstring(body_of(await sent_with(tmp_path, session, "timeout: 5s", rows)))
    assert not [node for node in plain.iter() if node.get(f"{XSI}type")]
    assert plain.findtext(".//{*}Text") == typed.findtext(".//{*}Text") == MESSAGE.text


async def test_elements_come_in_the_order_of_the_wsdl(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Q3: order matters (Echo, Verint)."""
    sent = etree.fromstring(body_of(await sent_with(tmp_path, session, "timeout: 5s", "Ticket: '\"t\"'")))
    call = sent.find(".//{*}Register")
    assert call is not None
    assert [etree.QName(node).localname for node in call] == ["Ticket", "ExternalId", "Text"]


# --- charset -------------------------------------------------------------------------------------------------------------


async def test_a_request_in_windows_1251_keeps_what_that_charset_lacks(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Q28: XML has its own way to write any character, so nothing is lost."""
    request = await sent_with(tmp_path, session, "request_charset: windows-1251")
    assert "улице".encode("windows-1251") in request
    assert "улице".encode() not in request
    assert text_in(request, "Text") == MESSAGE.text


@pytest.mark.parametrize(
    "header", ["text/xml", "text/xml; charset=utf-8", "text/xml; charset=iso-8859-1", "text/xml; charset=nonsense"]
)
async def test_a_reply_charset_of_the_file_counts_whatever_the_reply_says_of_itself(
    tmp_path: Path, session: aiohttp.ClientSession, header: str
) -> None:
    """Q28: wrong charset header (Passthrough), and a wrong declaration too."""
    content = '<RegisterResponse xmlns="urn:desk"><Code>0</Code><Number>Д-7</Number></RegisterResponse>'
    raw = b'<?xml version="1.0" encoding="utf-8"?>' + envelope(content).decode().encode("windows-1251")
    async with raw_server(replying(raw, headers=f"Content-Type: {header}\r\n")) as server:
        variables = {"ADDRESS": server.address}
        desk = connected(tmp_path, session, "soap", "reply_charset: windows-1251", variables=variables)
        assert (await desk.submit()).case_ids == {"case_id": "Д-7"}
        plain = connected(tmp_path, session, "soap", "timeout: 5s", variables=variables)
        with pytest.raises(Unreadable):
            await plain.submit()


async def test_json_and_forms_in_windows_1251_both_ways(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Q28: for services without XML."""
    async with raw_server(take) as server:
        variables = {"ADDRESS": server.address}
        desk = connected(tmp_path, session, "rest", "request_charset: windows-1251", variables=variables)
        call = desk.adapter.submit_call(MESSAGE)
        assert isinstance(call.body, dict)
        call.body["text"] = "улица ✓ 🥶"
        await desk.connector.send(call)
        await desk.connector.send(Call("POST /a", form={"text": "улица"}, query={"q": "ё"}))
    raw = body_of(server.requests[0])
    assert headers_of(server.requests[0])["content-type"] == "application/json; charset=windows-1251"
    assert "улица".encode("windows-1251") in raw
    assert json.loads(raw.decode("windows-1251"))["text"] == "улица ✓ 🥶"
    assert body_of(server.requests[1]) == b"text=%F3%EB%E8%F6%E0"
    assert b"POST /a?q=%B8 " in server.requests[1]

    reply = '{"number": "Д-7"}'.encode("windows-1251")
    async with raw_server(
        replying(reply, "201 Created", "Content-Type: application/json; charset=utf-8\r\n")
    ) as server:
        variables = {"ADDRESS": server.address}
        desk = connected(tmp_path, session, "rest", "reply_charset: windows-1251", variables=variables)
        assert (await desk.submit()).case_ids == {"case_id": "Д-7"}


async def test_a_service_that_speaks_xml_without_soap(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """The exchange of documents in plain XML, both ways."""
    reply = "<answer><number>Д-7</number></answer>".encode("windows-1251")
    async with raw_server(replying(reply, "201 Created")) as server:
        connection = "body_format: xml\nrequest_charset: windows-1251\nreply_charset: windows-1251"
        path = written(tmp_path, "rest", connection)
        path.write_text(path.read_text().replace("    text: message.text", "    case.text: message.text"))
        registry = Registry.load(tmp_path, variables={"ADDRESS": server.address})
        assert registry.faults == ()
        adapter, connector = registry.adapter("desk"), registry.connector("desk", session)
        outcome = adapter.read_submit(await connector.send(adapter.submit_call(MESSAGE)))
        assert outcome.case_ids == {"case_id": "Д-7"}
    assert etree.fromstring(body_of(server.requests[0])).findtext("text") == MESSAGE.text


# --- attachments beside the envelope ------------------------------------------------------------------------------------


def in_parts(request: bytes) -> list[Message]:
    """The parts, read by Python's own mail parser."""
    head = f"Content-Type: {headers_of(request)['content-type']}\r\n\r\n".encode()
    parsed = BytesParser().parsebytes(head + body_of(request))
    payload: Any = parsed.get_payload()
    return list(payload)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_photos_go_beside_the_envelope(tmp_path: Path, session: aiohttp.ClientSession, version: str) -> None:
    """MTOM: the bytes as they are, and references to them."""
    async with raw_server(register) as server:
        connection = f"version: '{version}'\nattachments_as: mtom"
        desk = connected(tmp_path, session, "soap", connection, variables={"ADDRESS": server.address})
        call = Call("Register", {"ExternalId": "1", "Text": "ё", "Photo": [PHOTO, b"second"]})
        await desk.connector.send(call)
        assert desk.connector.render(call).body == body_of(server.requests[0])
        await desk.submit()
    request, without = server.requests
    root, first, second = in_parts(request)
    assert root.get_content_type() == "application/xop+xml"
    kind = "application/soap+xml" if version == "1.2" else "text/xml"
    named = Message()
    named["Content-Type"] = headers_of(request)["content-type"]
    assert named.get_param("start-info") == kind
    assert named.get_param("start") == root["Content-ID"]
    if version == "1.2":
        assert named.get_param("action") == "urn:desk#Register"
    xml: Any = root.get_payload(decode=True)
    links = [
        str(node.get("href")) for node in etree.fromstring(xml).iter("{http://www.w3.org/2004/08/xop/include}Include")
    ]
    assert [f"<{link.removeprefix('cid:')}>" for link in links] == [first["Content-ID"], second["Content-ID"]]
    assert b"--okno\r\n" in PHOTO
    assert PHOTO in request
    assert second.get_payload(decode=True) == b"second"
    assert headers_of(without)["content-type"].startswith(kind)


async def test_without_mtom_photos_are_base64_inside(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    desk = connected(tmp_path, session, "soap", "timeout: 5s")
    request = desk.connector.render(Call("Register", {"ExternalId": "1", "Text": "ё", "Photo": [PHOTO]}))
    assert etree.fromstring(request.body).findtext(".//{*}Photo") == base64.b64encode(PHOTO).decode()


def parts_reply(*parts: tuple[str, bytes], boundary: str = "b1", start: str = "<root>") -> tuple[bytes, str]:
    pieces = [f"--{boundary}\r\nContent-ID: <{name}>\r\n\r\n".encode() + content + b"\r\n" for name, content in parts]
    headers = f'Content-Type: multipart/related; type="application/xop+xml"; start="{start}"; boundary={boundary}\r\n'
    return b"".join(pieces) + f"--{boundary}--".encode(), headers


_INCLUDE = '<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:{}"/>'
_WITH_PART = envelope(
    f'<RegisterResponse xmlns="urn:desk"><Code>0</Code><Number>{_INCLUDE.format("n%401")}</Number></RegisterResponse>'
)


_TWICE = _WITH_PART.replace(b"<Code>", f"<At>{_INCLUDE.format('n%401')}</At><Code>".encode())


async def test_a_reply_in_parts_is_read_whole(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    body, headers = parts_reply(("n@1", b"D-9"), ("root", _WITH_PART))
    async with raw_server(replying(body, headers=headers)) as server:
        desk = connected(tmp_path, session, "soap", "timeout: 5s", variables={"ADDRESS": server.address})
        assert (await desk.submit()).case_ids == {"case_id": base64.b64encode(b"D-9").decode()}


@pytest.mark.parametrize(
    "reply",
    [
        parts_reply(("root", _WITH_PART)),
        parts_reply(("root", _TWICE), ("n@1", b"x" * 1000)),
        (b"--b1\r\n\r\nhalf", 'Content-Type: multipart/related; boundary="b1"\r\n'),
        (b"--b1\r\nno end of headers\r\n--b1--", 'Content-Type: multipart/related; boundary="b1"\r\n'),
        (REGISTERED, "Content-Type: multipart/related\r\n"),
        parts_reply(*((f"p{number}", b"") for number in range(300))),
    ],
)  # fmt: skip
async def test_a_reply_in_broken_parts_is_unreadable(
    tmp_path: Path, session: aiohttp.ClientSession, reply: tuple[bytes, str]
) -> None:
    async with raw_server(replying(reply[0], headers=reply[1])) as server:
        desk = connected(tmp_path, session, "soap", "timeout: 5s", variables={"ADDRESS": server.address})
        with pytest.raises(Unreadable, match="part"):
            await desk.submit()


# --- replies that are judged ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("<Code>5</Code>", "Code breaks the schema"),
        ("<Code>0</Code><At>gestern</At>", "At breaks the schema"),
        ("<Number>D-7</Number>", "Code is missing"),
        ("<Code>0</Code><Extra>geheim</Extra>", "not declared"),
    ],
)
async def test_a_reply_that_contradicts_the_schema_is_unreadable_only_where_the_file_says_so(
    tmp_path: Path, session: aiohttp.ClientSession, content: str, named: str
) -> None:
    """Edge note: zeep accepts what its own WSDL forbids; Q43: most agencies are read leniently all the same."""
    raw = envelope(f'<RegisterResponse xmlns="urn:desk">{content}</RegisterResponse>')
    async with raw_server(replying(raw)) as server:
        variables = {"ADDRESS": server.address}
        strict = connected(tmp_path, session, "soap", "validate_replies: true", variables=variables)
        with pytest.raises(Unreadable, match=named) as caught:
            await strict.submit()
        assert "geheim" not in caught.value.text
        assert "gestern" not in caught.value.text
        lenient = connected(tmp_path, session, "soap", "timeout: 5s", variables=variables)
        await lenient.submit()
    async with raw_server(register) as server:
        good = connected(tmp_path, session, "soap", "validate_replies: true", variables={"ADDRESS": server.address})
        assert (await good.submit()).kind is OutcomeKind.ACCEPTED


def test_schemas_that_import_from_outside_are_refused_when_the_connector_is_made(tmp_path: Path) -> None:
    connected(tmp_path, None, "soap", "validate_replies: true")
    wsdl = tmp_path / "agencies" / "desk" / "desk.wsdl"
    for location in ("http://127.0.0.1:9/a.xsd", "/etc/passwd", "../../a.xsd"):
        text = wsdl.read_text().replace(
            '<xs:complexType name="Person">', f'<xs:include schemaLocation="{location}"/><xs:complexType name="Person">'
        )
        broken = wsdl.with_name("other.wsdl")
        broken.write_text(text)
        with pytest.raises(BadConnection, match="put a copy beside the WSDL"):
            Schemas(broken)


# --- signatures ---------------------------------------------------------------------------------------------------------


async def test_a_signed_envelope_by_configuration_alone(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Q1: X.509; the certificate lies beside the file, the key is named by a variable."""
    holder, agency = issue("okno"), issue("agency")
    (tmp_path / "agencies" / "desk").mkdir(parents=True)
    (tmp_path / "agencies" / "desk" / "hub.pem").write_bytes(holder.pem)
    (tmp_path / "agencies" / "desk" / "agency.pem").write_bytes(agency.pem)
    (tmp_path / "hub.key").write_bytes(holder.key())
    security = "security: {kind: wsse-signature, certificate: desk/hub.pem, key: '${KEY}'"
    async with raw_server(register) as server:
        variables = {"ADDRESS": server.address, "KEY": str(tmp_path / "hub.key")}
        desk = connected(tmp_path, session, "soap", f"{security}}}", variables=variables)
        assert (await desk.submit()).kind is OutcomeKind.ACCEPTED
        assert text_in(server.requests[0], "SignatureValue")
        judged = f"{security}, replies_signed_by: desk/agency.pem}}"
        desk = connected(tmp_path, session, "soap", judged, variables=variables)
        assert set(desk.registry.certificates_expire("desk")) == {"security.certificate", "security.replies_signed_by"}
        with pytest.raises(Unreadable, match="not signed"):
            await desk.submit()
