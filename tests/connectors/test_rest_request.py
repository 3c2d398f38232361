"""REST requests are written faithfully or refused with the field's name."""

from __future__ import annotations

import io
import json
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart.multipart import parse_form

from connectors.base import BadConnection, Call, FilePart, NotSent, Request, Unreadable
from connectors.rest import RestConnection, RestConnector
from connectors.rest.reply import read_json
from connectors.security import ApiKey, Basic, Bearer, OAuth2ClientCredentials, Way

ADDRESS = "https://cases.example/api/"


def render(call: Call, auth: Way | None = None) -> Request:
    return RestConnector(RestConnection(ADDRESS, auth)).render(call)


def refusal(call: Call, auth: Way | None = None) -> str:
    with pytest.raises(NotSent) as caught:
        render(call, auth)
    return caught.value.text


def test_the_path_is_joined_to_the_address_and_its_variables_are_encoded() -> None:
    request = render(Call("GET /requests/{id}/files/{n}", path={"id": "HI 2026?я&#", "n": "1"}, query={"q": "а b&c"}))
    assert request.url == "https://cases.example/api/requests/HI%202026%3F%D1%8F%26%23/files/1?q=%D0%B0%20b%26c"
    assert (request.method, request.body) == ("GET", b"")
    assert "Content-Type" not in request.headers


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a\\b", "%2e%2e", "a\nb", "\x00"])
def test_a_path_variable_that_could_lead_elsewhere_is_not_sent(value: str) -> None:
    assert refusal(Call("GET /requests/{id}", path={"id": value})).startswith("path.id: ")


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Call("GET /requests/{id}"), "path.id: is missing"),
        (Call("GET /requests", path={"id": "1"}), "path.id: the path"),
        (Call("GET /requests/{id}", path={"id": "\ud800"}), "path.id: "),
        (Call("FETCH /a"), "operation"),
        (Call("GET a"), "operation"),
        (Call("GET /a?b=c"), "operation"),
        (Call("GET /a/../b"), "operation"),
        (Call("GET /{not closed"), "operation"),
        (Call("GET /{}"), "operation"),
        (Call("GET //a/./b"), "operation"),
        (Call("GET /a", body={}), "body: a GET"),
        (Call("GET /a", query={"q": "\ud800"}), "query.q: "),
        (Call("POST /a", body={}, form={"a": "b"}), "body: a request has either"),
        (Call("POST /a", body={}, files=(FilePart("f", "n", "a/b", b""),)), "body: a request with files"),
        (Call("POST /a", headers={"Authorization": "x"}), "header Authorization"),
        (Call("POST /a", headers={"X": "a\nb"}), "header X"),
        (Call("POST /a", form={"a": "\udfff"}), "form.a: "),
    ],
)
def test_a_call_that_cannot_be_written_is_not_sent_and_says_where(call: Call, named: str) -> None:
    assert refusal(call).startswith(named)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"a": [{"b": "geheim\ud800"}]}, "body.a.0.b: holds half of a character"),
        ({"\ud800": 1}, "body: holds half of a character"),
        ({"a": float("nan")}, "body.a: is not a finite number"),
        ({"a": float("-inf")}, "body.a: is not a finite number"),
        ({"a": b"geheim"}, "body.a: bytes cannot stand in JSON"),
        ({"a": 10**5000}, "body.a: is a number too large"),
    ],
)
def test_a_value_that_json_cannot_carry_is_named_and_not_shown(body: Any, named: str) -> None:
    reason = refusal(Call("POST /a", body=body))
    assert reason.startswith(named)
    assert "geheim" not in reason


def test_json_that_is_too_deep_is_not_sent() -> None:
    body: Any = "x"
    for _ in range(70):
        body = [body]
    assert "64 levels" in refusal(Call("POST /a", body=body))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON.filter(lambda tree: tree is not None))
def test_json_goes_out_in_utf_8_and_comes_back_the_same(tree: Any) -> None:
    request = render(Call("POST /a", body=tree))
    assert json.loads(request.body) == tree
    assert request.headers["Content-Type"] == "application/json"


def test_cyrillic_is_written_as_itself_and_the_order_of_fields_is_kept() -> None:
    assert render(Call("POST /a", body={"я": "ёж", "а": [1, True]})).body == '{"я":"ёж","а":[1,true]}'.encode()


def test_a_form_is_url_encoded() -> None:
    request = render(Call("POST /a", form={"имя": "а b&c", "x": ""}))
    assert request.body == b"%D0%B8%D0%BC%D1%8F=%D0%B0+b%26c&x="
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


# --- files -----------------------------------------------------------------------------------------------------------


def parts_of(request: Request) -> list[Message]:
    """The parts as the standard library's own reader sees them."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.body).get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def test_a_file_with_a_russian_name_has_an_ascii_name_beside_it() -> None:
    content = bytes(range(256)) * 3
    request = render(
        Call(
            "POST /a",
            form={"sha256": "ab", "note": "ёж"},
            files=(FilePart("file", 'подъезд "1".jpg', "image/jpeg", content),),
        )
    )
    first, second, third = parts_of(request)
    assert first.get_payload() == "ab"
    assert second.get_payload(decode=True) == "ёж".encode()
    disposition = third["Content-Disposition"]
    assert 'filename="_______ _1_.jpg"' in disposition
    assert "filename*=UTF-8''%D0%BF%D0%BE%D0%B4%D1%8A%D0%B5%D0%B7%D0%B4%20%221%22.jpg" in disposition
    assert third.get_content_type() == "image/jpeg"
    assert content in request.body


def test_another_multipart_reader_finds_the_same_bytes() -> None:
    content = b"--okno-\r\n--" + bytes(range(256)) * 100
    request = render(Call("POST /a", files=(FilePart("file", "a.jpg", "image/jpeg", content),)))
    found: list[Any] = []
    headers = {
        "Content-Type": request.headers["Content-Type"].encode(),
        "Content-Length": str(len(request.body)).encode(),
    }
    parse_form(headers, io.BytesIO(request.body), None, found.append)
    found[0].file_object.seek(0)
    assert (found[0].field_name, found[0].file_name, found[0].file_object.read()) == (b"file", b"a.jpg", content)
    found[0].close()


def test_a_dry_run_shows_the_very_bytes_and_other_content_has_another_boundary() -> None:
    call = Call("POST /a", files=(FilePart("file", "a.jpg", "image/jpeg", b"1"),))
    assert render(call) == render(call)
    other = Call("POST /a", files=(FilePart("file", "a.jpg", "image/jpeg", b"2"),))
    assert render(call).headers["Content-Type"] != render(other).headers["Content-Type"]


@pytest.mark.parametrize(
    ("file", "named"),
    [
        (FilePart("file", " ", "image/jpeg", b""), "files.0.file_name: is empty"),
        (FilePart("file", "\ud800", "image/jpeg", b""), "files.0.file_name: "),
        (FilePart("file", "a", "image/jpeg\r\nX: y", b""), "files.0.media_type: "),
        (FilePart('f"', "a", "image/jpeg", b""), "files.0.field: "),
    ],
)
def test_a_file_that_would_break_the_request_is_not_sent(file: FilePart, named: str) -> None:
    assert refusal(Call("POST /a", files=(file,))).startswith(named)


def test_a_file_name_cannot_add_headers() -> None:
    request = render(Call("POST /a", files=(FilePart("f", 'a"\r\nX-Evil: 1', "image/jpeg", b""),)))
    assert b"\r\nX-Evil" not in request.body
    assert len(parts_of(request)) == 1


# --- credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (Basic("okno", "тайна"), "Authorization", "Basic b2tubzrRgtCw0LnQvdCw"),
        (Bearer("t0ken"), "Authorization", "Bearer t0ken"),
        (ApiKey("X-Key", "k"), "X-Key", "k"),
    ],
)
def test_fixed_credentials_go_into_their_header(auth: Way, header: str, value: str) -> None:
    assert render(Call("GET /a"), auth).headers[header] == value


def test_an_api_key_may_go_into_the_query_and_cannot_be_overridden() -> None:
    auth = ApiKey("api_key", "k&", "query")
    assert render(Call("GET /a", query={"q": "1"}), auth).url.endswith("/a?q=1&api_key=k%26")
    assert refusal(Call("GET /a", query={"api_key": "x"}), auth).startswith("query.api_key: ")


def test_a_token_from_a_login_is_left_out_of_a_dry_run() -> None:
    auth = OAuth2ClientCredentials("https://cases.example/token", "okno", "geheim")
    assert "Authorization" not in render(Call("GET /a"), auth).headers


@pytest.mark.parametrize(
    "auth",
    [
        Basic("u", "geheim"),
        Bearer("geheim"),
        ApiKey("k", "geheim"),
        OAuth2ClientCredentials("https://a/", "c", "geheim"),
    ],
)
def test_no_secret_is_in_a_repr(auth: Way) -> None:
    connection = RestConnection(ADDRESS, auth)
    assert "geheim" not in repr(connection)


@pytest.mark.parametrize(
    "connection",
    [
        RestConnection("cases.example"),
        RestConnection("https://cases.example/?a=b"),
        RestConnection(ADDRESS, OAuth2ClientCredentials("nowhere", "a", "b")),
        RestConnection(ADDRESS, ApiKey("", "k")),
    ],
)
def test_a_connection_that_can_never_work_is_refused(connection: RestConnection) -> None:
    with pytest.raises(BadConnection):
        RestConnector(connection)


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        (b"", None),
        (b" \r\n", None),
        (b"null", None),
        (b"\xef\xbb\xbf{}", {}),
        ('{"а": [1, 2.5, "ё"]}'.encode(), {"а": [1, 2.5, "ё"]}),
        (b'{"a": "\\ud800x\\u0000"}', {"a": "\ufffdx\ufffd"}),
        (b'["\\ud83d\\ude00", {"\\u0000": 1}]', ["😀", {"\ufffd": 1}]),
        (b"7", 7),
    ],
)
def test_json_is_read_into_data_that_can_be_stored(raw: bytes, tree: Any) -> None:
    assert read_json(raw, "application/json") == tree


def test_a_named_charset_is_used_when_the_bytes_are_not_utf_8() -> None:
    assert read_json('"Ёлки"'.encode("windows-1251"), "application/json; charset=windows-1251") == "Ёлки"
    assert read_json('"Ёлки"'.encode(), "application/json; charset=windows-1251") == "Ёлки"


@pytest.mark.parametrize("content_type", ["text/plain", "a; charset=martian", "a; charset=zlib", "a; charset=utf-16"])
def test_bytes_in_no_known_charset_are_unreadable(content_type: str) -> None:
    with pytest.raises(Unreadable):
        read_json(b'"\xff\xfe\xfd"', content_type)


@pytest.mark.parametrize(
    "raw",
    [
        b"<html>Service</html>",
        b"{'a': 1}",
        b'{"a": 1',
        b"NaN",
        b'{"a": Infinity}',
        b"1" * 5000,
        b"[" * 100_000,
        b"[" * 65 + b"]" * 65,
        b'["\\u0041",' + b"[" * 65 + b"]" * 65 + b"]",
        b"{} {}",
    ],
)
def test_what_is_not_json_is_unreadable_and_is_not_repeated_in_the_words(raw: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        read_json(raw, "application/json")
    assert "Service" not in caught.value.text
