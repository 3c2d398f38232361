"""Envelopes are read by local name, leniently, and never trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base import Fault, Tree, Unreadable
from connectors.soap import load_wsdl
from connectors.soap.reply import read_envelope

SHAPES = load_wsdl(Path(__file__).parent / "wsdl/shapes.wsdl")
REGISTER, PING, NOTE, ADD = (SHAPES.operations[name] for name in ("Register", "Ping", "Note", "Add"))
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"


def envelope(body: str, soap: str = SOAP_11) -> bytes:
    return f'<e:Envelope xmlns:e="{soap}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>'.encode()


def tree_of(inner: str) -> Tree:
    body = f'<RegisterResponse xmlns="urn:okno:shapes" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{inner}</RegisterResponse>'
    return read_envelope(envelope(body), "", REGISTER).tree


def fault_of(body: str, soap: str = SOAP_11) -> Fault:
    fault = read_envelope(envelope(body, soap), "", REGISTER).fault
    assert fault is not None
    return fault


@pytest.mark.parametrize(
    ("inner", "warnings"),
    [
        ("", []),
        ("<Warning>a</Warning>", ["a"]),
        ("<Warning>a</Warning><Number>1</Number><Warning/>", ["a", ""]),
        ("<w:Warning xmlns:w='urn:other'>b</w:Warning>", ["b"]),
        ("<Warning xmlns=''>c</Warning>", ["c"]),
    ],
)
def test_what_is_declared_to_repeat_is_always_a_list(inner: str, warnings: list[str]) -> None:
    tree = tree_of(inner)
    assert isinstance(tree, dict)
    assert tree["Warning"] == warnings


def test_a_repeating_element_is_a_list_at_every_depth() -> None:
    tree = tree_of("<Folder><Title>a</Title><Folder><Title>b</Title></Folder></Folder>")
    assert tree == {"Warning": [], "Folder": {"Title": "a", "Folder": [{"Title": "b", "Folder": []}]}}


def test_an_undeclared_repetition_loses_nothing() -> None:
    assert tree_of("<Other>1</Other><Other>2</Other><Other>3</Other>") == {"Warning": [], "Other": ["1", "2", "3"]}


def test_order_namespaces_and_undeclared_elements_do_not_matter() -> None:
    body = "<x:registerAnswer xmlns:x='urn:other'><Extra><A>1</A></Extra><x:Number>CR-1</x:Number></x:registerAnswer>"
    assert read_envelope(envelope(body, SOAP_12), "", REGISTER).tree == {
        "Warning": [],
        "Extra": {"A": "1"},
        "Number": "CR-1",
    }


def test_nil_is_none_and_empty_is_an_empty_text() -> None:
    assert tree_of('<Closed xsi:nil="true"/><Number></Number>') == {"Warning": [], "Closed": None, "Number": ""}


def test_attributes_show_where_they_are_declared_or_beside_elements() -> None:
    assert tree_of(
        '<Cost unit="руб">1.20</Cost><Number xsi:type="xs:string" note="x">7</Number><Group id="g"><A/></Group>'
    ) == {
        "Warning": [],
        "Cost": {"@unit": "руб", "#text": "1.20"},
        "Number": "7",
        "Group": {"@id": "g", "A": ""},
    }


def test_comments_and_cdata_do_not_cut_a_text() -> None:
    tree = tree_of("<Number>CR<!-- a -->-1<![CDATA[<2>]]></Number>")
    assert isinstance(tree, dict)
    assert tree["Number"] == "CR-1<2>"


def test_a_reply_that_is_one_plain_value_is_named() -> None:
    assert read_envelope(envelope("<Ticket xmlns='urn:okno:shapes'>T-1</Ticket>"), "", NOTE).tree == {"Ticket": "T-1"}
    assert read_envelope(
        envelope("<r:AddResponse xmlns:r='urn:okno:rpc'><sum>3</sum></r:AddResponse>"), "", ADD
    ).tree == {"sum": "3"}


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        ('<?xml version="1.0" encoding="windows-1251"?>', "text/xml; charset=utf-8"),
        ("", "text/xml; charset=windows-1251"),
        ("", 'text/xml; charset="cp1251"'),
    ],
)
def test_the_charset_of_the_document_goes_before_that_of_the_header(raw: str, content_type: str) -> None:
    body = envelope("<R><Number>Ёлки</Number></R>").decode()
    reply = read_envelope((raw + body).encode("windows-1251"), content_type, REGISTER)
    assert reply.tree == {"Warning": [], "Number": "Ёлки"}


def test_an_unknown_charset_in_the_header_does_no_harm() -> None:
    assert read_envelope(envelope("<R/>"), "text/xml; charset=martian", REGISTER).tree == {"Warning": []}


# --- faults ----------------------------------------------------------------------------------------------------------


FAULT_12 = (
    "<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>v:Client.Bad</e:Value></e:Subcode></e:Code>"
    "<e:Reason><e:Text xml:lang='en'>no\n such kind</e:Text></e:Reason></e:Fault>"
)


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12, "urn:vendor"])
@pytest.mark.parametrize(
    "body",
    [
        "<Fault><faultcode>e:Client.Bad</faultcode><faultstring>no\n such kind</faultstring></Fault>",
        "<f:Fault xmlns:f='urn:vendor'><f:faultcode>Client.Bad</f:faultcode><f:faultstring>no\n such kind</f:faultstring></f:Fault>",
        FAULT_12,
    ],
)
def test_a_fault_is_read_whatever_its_shape_and_envelope(body: str, soap: str) -> None:
    assert fault_of(body, soap) == Fault("Client.Bad", "no\n such kind")


def test_what_stands_beside_a_fault_can_still_be_read_and_its_text_is_bounded() -> None:
    body = f"<e:Fault><faultcode>x</faultcode><faultstring>{'я' * 900}</faultstring><detail><CaseNumber>CR-1</CaseNumber></detail></e:Fault>"
    reply = read_envelope(envelope(body), "", REGISTER)
    assert isinstance(reply.tree, dict)
    fault = reply.tree["Fault"]
    assert isinstance(fault, dict)
    assert fault["detail"] == {"CaseNumber": "CR-1"}
    assert reply.fault is not None
    assert len(reply.fault.text) == 500


def test_a_fault_without_code_or_text_is_still_a_fault() -> None:
    assert fault_of("<e:Fault/>") == Fault("", "")


# --- what is no envelope ---------------------------------------------------------------------------------------------

BOMB = (
    b'<!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    b"<e:Envelope xmlns:e='urn:e'><e:Body><R>&c;</R></e:Body></e:Envelope>"
)
FILE = (
    b'<!DOCTYPE e [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    b"<e:Envelope xmlns:e='urn:e'><e:Body><R>&f;</R></e:Body></e:Envelope>"
)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  \n",
        b"<html><body>Service</body></html>",
        b"<!DOCTYPE html><html><p>Service",
        b"\x89\x00\xff\xfe",
        b"<a/>",
        envelope("")[:-20],
        envelope(""),
        b"<e:Envelope xmlns:e='urn:e'/>",
        envelope("<R/>") + b"trailing",
        envelope("<d>" * 400 + "</d>" * 400),
        BOMB,
        FILE,
    ],
)
def test_what_is_no_envelope_is_unreadable_and_is_not_repeated_in_the_words(raw: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        read_envelope(raw, "text/xml", REGISTER)
    assert "Service" not in caught.value.text
    assert "root" not in caught.value.text


def test_a_one_way_operation_may_have_an_empty_body() -> None:
    assert read_envelope(envelope(""), "", PING).tree is None


# --- strict reading --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inner", "named"),
    [
        ("", "RegisterResponse.Number is missing"),
        ("<Number>1</Number><Extra/>", "RegisterResponse holds an element that is not declared there"),
        ("<Warning>1</Warning><Number>1</Number>", "RegisterResponse.Number stands out of order"),
        ("<Number>1</Number><Number>2</Number>", "RegisterResponse.Number stands more often"),
        ("<Number xmlns=''>1</Number>", "RegisterResponse.Number is not what stands there"),
        ("<Number>1</Number><Folder/>", "RegisterResponse.Folder.Title is missing"),
        ("<Number><A>geheim</A></Number>", "RegisterResponse.Number holds elements"),
    ],
)
def test_strict_reading_names_the_first_contradiction_and_no_value(inner: str, named: str) -> None:
    raw = envelope(f"<RegisterResponse xmlns='urn:okno:shapes'>{inner}</RegisterResponse>")
    assert read_envelope(raw, "", REGISTER).fault is None
    with pytest.raises(Unreadable) as caught:
        read_envelope(raw, "", REGISTER, strict=True)
    assert named in caught.value.text
    assert "geheim" not in caught.value.text


def test_strict_reading_takes_what_fits() -> None:
    inner = "<Number>1</Number><Warning>a</Warning><Warning>b</Warning><Cost>1</Cost>"
    raw = envelope(f"<RegisterResponse xmlns='urn:okno:shapes'>{inner}</RegisterResponse>")
    tree = read_envelope(raw, "", REGISTER, strict=True).tree
    assert tree == {"Number": "1", "Warning": ["a", "b"], "Cost": "1"}
