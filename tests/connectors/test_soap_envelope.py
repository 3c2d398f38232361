"""Envelopes: the same document zeep would make, and nothing that the WSDL or XML cannot hold."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from zeep import Client as _Client
from zeep.wsse import UsernameToken as _ZeepUsernameToken

from connectors.base import NotSent, Tree
from connectors.soap import HEADER_KEY, UsernameToken, load_wsdl
from connectors.soap.envelope import write_envelope
from connectors.soap.folder import AgencyFolder
from connectors.soap.security import security_header

# zeep's own types are incomplete.
Client: Any = _Client
ZeepUsernameToken: Any = _ZeepUsernameToken

SHAPES = Path(__file__).parent / "wsdl/shapes.wsdl"
CITY_ROADS = Path(__file__).parents[2] / "config/agencies/city-roads/cases.wsdl"

REGISTER: dict[str, Any] = {
    "Number": "0412",
    "Closed": "2026-01-01T00:00:00",
    "Phone": "+7",
    # zeep asks for the elements of an optional group even when the group is left out; so it is always given here.
    "From": "2026-11-22T00:00:00",
    HEADER_KEY: {"Session": {"Token": "t"}},
}


def zeep_client(wsdl: Path) -> Any:
    return Client(AgencyFolder(wsdl).root, transport=AgencyFolder(wsdl))


ZEEP = {SHAPES: zeep_client(SHAPES), CITY_ROADS: zeep_client(CITY_ROADS)}


def ours(wsdl: Path, operation: str, body: Tree) -> bytes:
    loaded = load_wsdl(wsdl)
    return write_envelope(loaded, loaded.operations[operation], "1.1", body)


def zeeps(wsdl: Path, operation: str, arguments: Mapping[str, Any]) -> bytes:
    client = ZEEP[wsdl]
    return etree.tostring(client.create_message(client.service, operation, **arguments))


def canonical(envelope: bytes) -> str:
    return ElementTree.canonicalize(envelope.decode(), rewrite_prefixes=True)


def refusal(body: Mapping[str, Tree], operation: str = "Register") -> str:
    with pytest.raises(NotSent) as caught:
        ours(SHAPES, operation, body)
    return caught.value.text


MORE_PARAMETERS: list[dict[str, Any]] = [
    {},
    {"Urgent": True, "Count": -3, "Weight": 1.5, "Depth": "0.10"},
    {"Photo": [b"\x00\xff", b"two"]},
    {"Closed": None},
    {"Till": "2026-11-23T00:00:00"},
    {"Place": {"Lon": "36.2", "Lat": "54.5"}},
    {"Folder": {"Title": "a", "Folder": [{"Title": "b"}, {"Title": "c", "Folder": [{"Title": "d"}]}]}},
    {"Number": " <&>\"'\r\n\t ]]> Ёлки 🕳 "},
]


@pytest.mark.parametrize("more", MORE_PARAMETERS)
def test_an_envelope_equals_what_zeep_makes_of_the_same_parameters(more: dict[str, Any]) -> None:
    body = REGISTER | more
    zeeps_own = {name: value for name, value in body.items() if name != HEADER_KEY}
    expected = zeeps(SHAPES, "Register", zeeps_own | {"_soapheaders": {"session": {"Token": "t"}}})
    assert canonical(ours(SHAPES, "Register", body)) == canonical(expected)


def test_attributes_and_choices_of_groups_equal_zeeps() -> None:
    rest = {name: value for name, value in REGISTER.items() if name != "Phone"} | {"Street": "Кирова", "House": "1"}
    body = rest | {
        "Owner": {"@id": 'a"<\n', "@active": False, "Name": "n", "TaxNumber": "7"},
        "Cost": {"#text": "1.20", "@unit": "руб"},
    }
    del rest[HEADER_KEY]
    theirs = rest | {
        "Owner": {"id": 'a"<\n', "active": False, "Name": "n", "TaxNumber": "7"},
        "Cost": {"_value_1": "1.20", "unit": "руб"},
        "_soapheaders": {"session": {"Token": "t"}},
    }
    assert canonical(ours(SHAPES, "Register", body)) == canonical(zeeps(SHAPES, "Register", theirs))


def test_rpc_bare_and_empty_requests_equal_zeeps() -> None:
    assert canonical(ours(SHAPES, "Add", {"first": 1, "second": 2})) == canonical(
        zeeps(SHAPES, "Add", {"first": 1, "second": 2})
    )
    assert canonical(ours(SHAPES, "Ping", None)) == canonical(zeeps(SHAPES, "Ping", {}))


XML_TEXT = st.text(
    st.characters(
        exclude_categories=["Cs"],
        exclude_characters=[*map(chr, range(9)), *map(chr, (11, 12, *range(14, 32))), "\ufffe", "\uffff"],
    )
)


@settings(max_examples=150, deadline=None)
@given(subject=XML_TEXT, text=XML_TEXT, address=st.none() | XML_TEXT, latitude=st.none() | st.floats(-90, 90))
def test_any_citizens_words_give_the_envelope_that_zeep_would_give(
    subject: str, text: str, address: str | None, latitude: float | None
) -> None:
    case: dict[str, Any] = {
        "ExternalId": "1",
        "Subject": subject,
        "Text": text,
        "Kind": "0412",
        "CreatedAt": "2026-01-01T00:00:00",
    }
    if address is not None:
        case["Address"] = address
    if latitude is not None:
        # zeep writes decimals with an exponent, which xs:decimal forbids; the text is given to both.
        case["Latitude"] = f"{latitude:.6f}"
    assert canonical(ours(CITY_ROADS, "CreateCase", {"case": case})) == canonical(
        zeeps(CITY_ROADS, "CreateCase", {"case": case})
    )


def test_elements_come_in_the_order_of_the_wsdl_whatever_the_order_of_the_mapping() -> None:
    turned = dict(reversed(list(REGISTER.items())))
    assert ours(SHAPES, "Register", turned) == ours(SHAPES, "Register", REGISTER)


@pytest.mark.parametrize("digest", [False, True])
def test_a_username_token_equals_zeeps(digest: bool) -> None:
    nonce, created = b"0123456789abcdef", datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    theirs = ZeepUsernameToken(
        "okno", "тай&на", use_digest=digest, nonce=nonce.decode(), created=created, zulu_timestamp=True
    )
    expected, _ = theirs.apply(etree.fromstring(ours(CITY_ROADS, "FindCases", {"ExternalId": "1"})), {})
    wsdl = load_wsdl(CITY_ROADS)
    header = security_header(UsernameToken("okno", "тай&на", digest=digest).element(nonce, created))
    mine = write_envelope(wsdl, wsdl.operations["FindCases"], "1.1", {"ExternalId": "1"}, header)
    assert canonical(mine) == canonical(etree.tostring(expected))


def test_the_password_is_in_no_repr_and_a_digest_does_not_hold_it() -> None:
    token = UsernameToken("okno", "geheim", digest=True)
    assert "geheim" not in repr(token)
    assert "geheim" not in token.element(b"n" * 16, datetime.now(UTC))


# --- refusals: the element is named, the value never ----------------------------------------------------------------


def test_an_unknown_element_is_named_with_what_was_probably_meant() -> None:
    assert (
        refusal(REGISTER | {"Numbr": "1"}) == "Register.Numbr: the WSDL has no such element here; did you mean Number?"
    )
    assert refusal(REGISTER | {"Folder": {"Title": "a", "X": "b"}}).startswith("Register.Folder.X: ")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"Closed": None, "Phone": "1"}, "Register.Number: is required"),
        ({"Number": None, "Closed": None, "Phone": "1"}, "Register.Number: is required"),
        ({"Number": "1", "Closed": None}, "Register: needs one of Phone, Street, House"),
        ({"Number": "1", "Closed": None, "Street": "s"}, "Register.House: is required"),
        ({"Number": "1", "Closed": None, "Phone": "1", "Till": "x"}, "Register.From: is required"),
        ({"Number": "1", "Closed": None, "Phone": "1", "Owner": {"Name": "n"}}, "Register.Owner.@id: the attribute"),
        (
            {"Number": "1", "Closed": None, "Phone": "1", "Folder": {"Title": "t", "Folder": [{}]}},
            "Register.Folder.Folder.0.Title",
        ),
    ],
)
def test_a_missing_required_element_is_named(body: dict[str, Tree], named: str) -> None:
    assert refusal(body).startswith(named)


def test_two_sides_of_a_choice_are_refused() -> None:
    assert "only one of Phone, Street/House" in refusal(REGISTER | {"Street": "s", "House": "1"})


def test_too_many_and_misplaced_lists_are_refused() -> None:
    assert "3 times at the most, 4 were given" in refusal(REGISTER | {"Photo": [b"1"] * 4})
    assert "Register.Number: takes one plain value" in refusal(REGISTER | {"Number": ["1", "2"]})
    assert "Register.Folder: holds elements" in refusal(REGISTER | {"Folder": "text"})
    assert "Register.Number: takes one plain value" in refusal(REGISTER | {"Number": {"x": "y"}})


@pytest.mark.parametrize("text", ["a\x00b", "\x0b", "\ud800", "\ufffe", "\x1f"])
def test_characters_that_xml_cannot_carry_are_not_sent(text: str) -> None:
    reason = refusal(REGISTER | {"Number": text})
    assert reason.startswith("Register.Number: holds a character that XML 1.0 cannot carry")
    assert refusal(REGISTER | {"Owner": {"@id": text, "Name": "n"}}).startswith("Register.Owner.@id: ")


def test_values_are_spelt_by_their_declared_kind() -> None:
    body = REGISTER | {
        "Depth": 0.0000001,
        "Weight": float("inf"),
        "Related": ["0001", "0002"],
        "Photo": [b"\xfe"],
        "Urgent": "1",
    }
    envelope = ours(SHAPES, "Register", body)
    for part in (b"Depth>0.0000001<", b"Weight>INF<", b"Related>0001 0002<", base64.b64encode(b"\xfe"), b"Urgent>1<"):
        assert part in envelope
    assert "not a finite number" in refusal(REGISTER | {"Depth": float("nan")})
    assert "huge number" in refusal(REGISTER | {"Count": 10**5000})
    assert "bytes cannot stand" in refusal(REGISTER | {"Number": b"1"})


def test_numbers_that_look_like_text_stay_text() -> None:
    assert b"Number>0412<" in ours(SHAPES, "Register", REGISTER)


def test_headers_the_wsdl_does_not_declare_and_missing_ones_are_refused() -> None:
    assert refusal({HEADER_KEY: {"x": {}}, "first": 1, "second": 2}, "Add").startswith(
        "Add.soap:Header: the WSDL declares no"
    )
    assert refusal(REGISTER | {HEADER_KEY: {"Session": {}}}).startswith(
        "Register.soap:Header.Session.Token: is required"
    )
    assert refusal({}, "Note").startswith("Note: ")
