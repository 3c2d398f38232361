"""XML without SOAP: what is written is well-formed and whole, what comes back is read leniently, and nothing else happens."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from connectors.base import Call, NotSent, Tree, Unreadable
from connectors.http import Wire
from connectors.rest import RestConnection, RestConnector
from connectors.rest.xml import read_xml, written_xml
from tests.connectors.raw_server import raw_server, replying

CASE: Tree = {
    "Case": {
        "@xmlns": "urn:desk",
        "@kind": "0412",
        "Text": "Яма & “ко” <ё>\n🥶",
        "Photo": [{"@name": "a.jpg", "#text": "AAA"}, "BBB"],
        "Urgent": True,
        "Place": {"Latitude": 54.5},
        "Left": None,
    }
}


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251"])
def test_what_is_written_is_read_back_whole_by_another_parser(charset: str) -> None:
    """Q28: also in windows-1251, where some characters have to be written otherwise."""
    root = etree.fromstring(written_xml(CASE, charset))
    assert (root.tag, root.get("kind")) == ("{urn:desk}Case", "0412")
    assert [etree.QName(node).localname for node in root] == ["Text", "Photo", "Photo", "Urgent", "Place"]
    assert root.findtext("{urn:desk}Text") == "Яма & “ко” <ё>\n🥶"
    assert [node.get("name") for node in root.iter("{urn:desk}Photo")] == ["a.jpg", None]
    assert written_xml(CASE, charset).count(b"xmlns") == 1
    assert (root.findtext("{*}Urgent"), root.findtext("{*}Place/{*}Latitude")) == ("true", "54.5")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"a": "1", "b": "2"}, "one root element"),
        (["a"], "one root element"),
        ({"a": [1, 2]}, "stands once"),
        ({"a": {"b c": "1"}}, r"a\.b c: is not a name"),
        ({"a": {"b": "\x00geheim"}}, r"a\.b: holds a character"),
        ({"a": {"b": "\ud800"}}, r"a\.b: holds a character"),
        ({"a": {"@b": "\x01"}}, r"a\.@b: holds a character"),
        ({"a": {"b": b"x"}}, r"a\.b: takes one plain value"),
    ],
)
def test_what_xml_cannot_carry_is_not_sent_and_the_element_is_named(body: Any, named: str) -> None:
    with pytest.raises(NotSent, match=named) as caught:
        written_xml(body, "utf-8")
    assert "geheim" not in caught.value.text


async def test_a_call_goes_and_comes_back_in_xml(wire: Wire) -> None:
    reply = (
        "<?xml version='1.0' encoding='windows-1251'?><r:Reply xmlns:r='u'><r:Number>Д-7</r:Number>"
        "<Item id='1'>a</Item><Item>b</Item><One><x>1</x></One><Empty/></r:Reply>"
    ).encode("windows-1251")
    async with raw_server(replying(reply, headers="Content-Type: application/xml; charset=utf-8\r\n")) as server:
        rest = RestConnector(RestConnection(server.address, body_format="xml"), wire)
        got: Any = (await rest.send(Call("POST /cases", CASE))).tree
        head, body = server.requests[0].split(b"\r\n\r\n", 1)
        assert b"Content-Type: application/xml; charset=utf-8" in head
        assert b"Accept: application/xml" in head
        assert body == written_xml(CASE, "utf-8")
    assert got == {
        "Number": "Д-7",
        "Item": [{"@id": "1", "#text": "a"}, "b"],
        "One": {"x": "1"},
        "Empty": "",
    }


def test_a_root_that_is_only_a_text_and_a_charset_of_the_file() -> None:
    assert read_xml(b"<Ok>1</Ok>", "") == {"Ok": "1"}
    assert read_xml("<Ok>ё</Ok>".encode("windows-1251"), "text/xml; charset=utf-8", "windows-1251") == {"Ok": "ё"}
    assert read_xml("<Ok>ё</Ok>".encode("windows-1251"), "text/xml; charset=windows-1251") == {"Ok": "ё"}
    assert read_xml(b" \n", "") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"<html><body>Service</body>",
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY e "eeee"><!ENTITY f "&e;&e;&e;">]><a>&f;</a>',
        b"{}",
        b"<a>" * 100 + b"</a>" * 100,
        "<a>ё</a>".encode("windows-1251"),
    ],
)
def test_what_is_no_xml_or_too_clever_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_xml(raw, "")
