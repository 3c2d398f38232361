"""Extracts for the journal show the shape of an exchange and none of its words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Call, Request, Tree
from connectors.masking import LONGEST_EXTRACT_CHARS, mask_body, mask_reply, mask_request
from connectors.rest import RestConnection, RestConnector
from connectors.security import ApiKey
from connectors.soap import SoapConnection, SoapConnector, UsernameToken

CITY_ROADS = Path(__file__).parents[2] / "config/agencies/city-roads/cases.wsdl"


def test_a_soap_request_keeps_its_elements_and_safe_codes_only() -> None:
    soap = SoapConnector(
        SoapConnection(CITY_ROADS, "http://127.0.0.1:9/soap", security=UsernameToken("okno", "geheim"))
    )
    case: dict[str, Tree] = {
        "ExternalId": "M-1",
        "Subject": "Иванов",
        "Text": "Кирова, 1",
        "Kind": "0412",
        "CreatedAt": "2026-11-22T00:00:00",
        "Latitude": 54.51,
    }
    shown = mask_request(soap.render(Call("CreateCase", {"case": case})), safe_names={"ExternalId", "Kind", "Subject"})
    assert "<ExternalId>M-1</ExternalId><Subject>‹6 chars›</Subject><Text>‹9 chars›</Text><Kind>0412</Kind>" in shown
    assert shown.startswith("POST http://127.0.0.1:9/soap\n")
    for hidden in ("Иванов", "Кирова", "geheim", "okno", "54.5"):
        assert hidden not in shown


def test_a_json_request_keeps_its_fields_and_safe_codes_only() -> None:
    rest = RestConnector(RestConnection("http://127.0.0.1:9", ApiKey("api_key", "geheim", "query")))
    body: dict[str, Tree] = {
        "kind": "roof",
        "location": {"lat": 54.51},
        "tags": ["a", None, True],
        "Иванов": "x",
        "text": "Кирова",
    }
    call = Call("POST /requests/{id}/x", body, path={"id": "Иванов"}, headers={"X-Person": "Ivanov"})
    shown = mask_request(rest.render(call), safe_names={"kind", "tags"})
    assert '{"kind": "roof", "location": {"lat": ‹5 chars›}, "tags": ["a", null, true], "‹6 chars›": ' in shown
    assert "/requests/‹36 chars›/x?api_key=‹6 chars›" in shown
    for hidden in ("Иванов", "Ivanov", "Кирова", "geheim", "54.5"):
        assert hidden not in shown


def test_a_reply_keeps_its_status_and_harmless_headers() -> None:
    headers = {"content-type": "text/html; charset=x", "retry-after": "7", "set-cookie": "geheim", "server": "Ivanov"}
    shown = mask_reply(503, headers, b"<html>Ivanov</html>")
    assert shown.startswith("HTTP 503\ncontent-type: text/html\nretry-after: 7\n‹19 bytes, sha256 ")
    assert shown.endswith("looks like HTML›")


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (b"\x00\x01geheim", ""),
        (b"<a>geheim", "looks like XML"),
        (b'<!DOCTYPE a [<!ENTITY e "geheim">]><a>&e;</a>', "looks like XML"),
        (b"\xef\xbb\xbf <HTML>geheim</HTML>", "looks like HTML"),
        (b"<!doctype html><html>geheim</html>", "looks like HTML"),
        (b'{"a": "geheim"', "looks like JSON"),
        (b"[" * 5000, "looks like JSON"),
        (b"--okno-1\r\ngeheim", "looks like multipart"),
        (b"\x1f\x8bgeheim", "looks like gzip"),
        (b"\xff\xd8\xffgeheim", "looks like JPEG"),
    ],
)
def test_of_bytes_that_do_not_parse_only_length_digest_and_a_hint_are_told(raw: bytes, hint: str) -> None:
    shown = mask_body(raw)
    assert re.fullmatch(rf"‹{len(raw)} bytes, sha256 [0-9a-f]{{12}}(, )?{hint}›", shown)


def test_secrets_are_removed_even_where_a_value_is_safe() -> None:
    assert (
        mask_body(b'{"code": "abc-geheim"}', safe_names={"code"}, secrets=["geheim", ""]) == '{"code": "abc-‹secret›"}'
    )


def test_a_safe_name_does_not_let_long_or_wordy_values_through() -> None:
    for value in ("a" * 25, "два", "two words", "a@b.ru", "+79001234567"):
        assert value not in mask_body(json.dumps({"code": value}, ensure_ascii=False).encode(), safe_names={"code"})


def test_an_extract_is_bounded_and_large_bodies_are_cheap_to_show() -> None:
    photo = b"<A><Name>x</Name><Content>" + b"QUJD" * 2_000_000 + b"</Content></A>"
    assert mask_body(photo) == "<A><Name>‹1 chars›</Name><Content>…"
    many = b"<A>" + b"<B>x</B>" * 10_000 + b"</A>"
    assert len(mask_body(many)) == LONGEST_EXTRACT_CHARS
    assert len(mask_body(json.dumps(["x"] * 10_000).encode())) == LONGEST_EXTRACT_CHARS
    assert mask_body(b"") == "‹empty›"


WORDS = st.text(st.characters(min_codepoint=0x410, max_codepoint=0x44F), min_size=3)


@given(word=WORDS, other=WORDS)
def test_no_citizens_word_comes_through_whatever_the_form(word: str, other: str) -> None:
    xml = f'<A x="{word}"><{word}>{other}</{word}>{word}<B>{word}</B>{other}</A>'.encode()
    tree = json.dumps({word: [other, {"a": word}]}, ensure_ascii=False).encode()
    url = f"http://127.0.0.1/{word}?q={word}&{other}=1"
    for shown in (
        mask_body(xml, safe_names={"A", "B", word}),
        mask_body(tree, safe_names={"a", word}),
        mask_body(word.encode("windows-1251")),
        mask_request(Request("POST", url, {"Content-Type": word, "Accept": other}, xml)),
        mask_reply(200, {"Date": word}, tree),
    ):
        assert word not in shown
        assert other not in shown
