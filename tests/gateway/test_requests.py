"""What the door does with requests, good and bad: always JSON, never a 500 for a caller's mistake."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest

from tests.gateway.conftest import Running

JSON = {"Content-Type": "application/json"}
RESPONSE_JSON = "application/graphql-response+json"


async def _post(
    client: aiohttp.ClientSession, body: object, **headers: str
) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    # A file, because aiohttp warns about large bodies that are not.
    async with client.post("/graphql", data=io.BytesIO(raw), headers=JSON | headers) as response:
        return response.status, await response.json(content_type=None), response


def _code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


async def test_a_query_is_answered(client: aiohttp.ClientSession) -> None:
    status, answer, response = await _post(client, {"query": '{ echo(text: "Привет") }'})
    assert (status, answer) == (200, {"data": {"echo": "Привет"}})
    assert response.content_type == "application/json"
    assert "Привет" in await response.text()


async def test_a_query_may_come_by_get_and_a_mutation_may_not(client: aiohttp.ClientSession) -> None:
    async with client.get(
        "/graphql", params={"query": "query($t: String!){echo(text: $t)}", "variables": '{"t":"1"}'}
    ) as r:
        assert await r.json() == {"data": {"echo": "1"}}
    async with client.get("/graphql", params={"query": 'mutation { write(text: "1") }'}) as r:
        assert r.status == 405
        assert r.headers["Allow"] == "POST"
        assert _code(await r.json()) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b'"x"',
        b"1",
        b"true",
        b"[1]",
        b"[null]",
        b"[[[]]]",
        b"{",
        b"",
        b"\xff\xfe{\x00}\x00",
        b'{"query": "\xff"}',
        b'{"query": 1}',
        b'{"query": null}',
        b'{"query": "  "}',
        b'{"query": ["{who}"]}',
        b'{"query": "{who}", "variables": []}',
        b'{"query": "{who}", "variables": "x"}',
        b'{"query": "{who}", "operationName": 1}',
        b'{"query": "{who}", "extensions": []}',
        b'{"query": "{who}", "variables": {"n": ' + b"9" * 5000 + b"}}",
        b'{"query": "{who}", "variables": {"n": ' + b"9" * 100 + b"}}",
        b'{"query": "{who}", "variables": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
        b"[" * 100_000,
        b'{"query": "{who}", "variables": {"a": NaN}}',
        b'{"query": "{who}", "variables": {"a": -Infinity}}',
        b'{"query": "{who}", "variables": {"a": 1e999}}',
        b'{"query": "{who}", "variables": {"a": "\\ud800"}}',
        b'{"query": "{who}", "variables": {"\\udfff": 1}}',
        b'{"query": "{who} # \\ud800"}',
        b'{"query": "query A { who } query B { who }"}',
        b'{"query": "{who}", "variables": {"a": [' + b"0," * 1000 + b"0]}}",
        b'{"query": "{who}", "variables": {"a": "' + b"x" * 100_001 + b'"}}',
        b'{"query": "{who}", "documentId": ["x"]}',
        b'{"query": "{who}", "variables": [' + b"0," * 60_000 + b"0]}",
    ],
)
async def test_a_malformed_request_is_refused_in_json(client: aiohttp.ClientSession, body: bytes) -> None:
    for accept in ("application/json", RESPONSE_JSON, "text/event-stream"):
        status, answer, _ = await _post(client, body, Accept=accept)
        assert status == 400
        assert _code(answer) == "BAD_REQUEST"
        assert answer["errors"][0]["message"]
        assert "data" not in answer


@pytest.mark.parametrize(
    "query", ["{ t { } }", "{ unknown }", "{", "{ ...F }", "query($a: Int!) { who }", "mutation M"]
)
async def test_a_wrong_document_is_an_error_whose_status_the_accept_header_decides(
    client: aiohttp.ClientSession, query: str
) -> None:
    for accept, expected in ((RESPONSE_JSON, 400), ("application/json", 200)):
        status, answer, response = await _post(client, {"query": query}, Accept=accept)
        assert status == expected
        assert response.content_type == accept
        assert _code(answer) == "BAD_REQUEST"
        assert "data" not in answer


async def test_an_unknown_operation_name_is_refused(client: aiohttp.ClientSession) -> None:
    status, answer, _ = await _post(client, {"query": "query A { who }", "operationName": "B"})
    assert (status, _code(answer)) == (400, "BAD_REQUEST")


async def test_of_two_operations_the_named_one_is_executed(client: aiohttp.ClientSession) -> None:
    query = 'query A { echo(text: "A") } query B { echo(text: "B") }'
    assert (await _post(client, {"query": query, "operationName": "B"}))[1] == {"data": {"echo": "B"}}


async def test_a_body_that_is_too_large_is_refused_before_it_is_parsed(client: aiohttp.ClientSession) -> None:
    status, answer, _ = await _post(client, b'{"query": "' + b" " * 1_100_000 + b'{who}"}')
    assert (status, _code(answer)) == (413, "BAD_REQUEST")


async def test_a_body_that_does_not_say_its_size_is_counted_too(client: aiohttp.ClientSession) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b" " * 50_000

    async with client.post("/graphql", data=pieces(), headers=JSON) as response:
        assert response.status == 413


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=windows-1251", "", ";;;"],
)
async def test_another_content_type_is_refused(client: aiohttp.ClientSession, content_type: str) -> None:
    async with client.post("/graphql", data=b'{"query":"{who}"}', headers={"Content-Type": content_type}) as response:
        assert response.status == 415
        assert _code(await response.json()) == "BAD_REQUEST"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_another_method_is_refused(client: aiohttp.ClientSession, method: str) -> None:
    async with client.request(method, "/graphql") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, POST"


async def test_an_answer_that_nobody_can_read_is_not_made(client: aiohttp.ClientSession) -> None:
    status, answer, _ = await _post(client, {"query": "{who}"}, Accept="image/png")
    assert (status, _code(answer)) == (406, "BAD_REQUEST")
    for accept in ("*/*", "application/*;q=0.5", "image/png, application/json;q=0.1"):
        assert (await _post(client, {"query": "{who}"}, Accept=accept))[0] == 200


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/agencies/x/events", 405), ("/", 404)])
async def test_every_other_address_answers_in_the_same_shape(
    client: aiohttp.ClientSession, path: str, status: int
) -> None:
    async with client.get(path, headers={"Accept-Language": "en"}) as response:
        assert response.status == status
        assert _code(await response.json()) == "BAD_REQUEST"


async def test_health_and_readiness_are_told(client: aiohttp.ClientSession) -> None:
    async with client.get("/health") as response:
        assert await response.json() == {"status": "alive"}
    async with client.get("/ready") as response:
        assert await response.json() == {"status": "ready"}


async def test_refusals_speak_the_callers_language(client: aiohttp.ClientSession) -> None:
    russian = (await _post(client, b"null"))[1]["errors"][0]["message"]
    english = (await _post(client, b"null", **{"Accept-Language": "de, en;q=0.8, ru;q=0.3"}))[1]["errors"][0]["message"]
    assert russian.startswith("Тело запроса")
    assert english.startswith("The body")
    language = (await _post(client, {"query": "{ language }"}, **{"Accept-Language": "en"}))[1]
    assert language == {"data": {"language": "en"}}


async def test_every_answer_carries_safe_headers_and_a_request_id(client: aiohttp.ClientSession) -> None:
    _, _, response = await _post(client, {"query": "{who}"}, **{"X-Request-Id": "abcdef-123456"})
    assert response.headers["X-Request-Id"] == "abcdef-123456"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["Cache-Control"] == "no-store"
    _, _, response = await _post(client, {"query": "{who}"}, **{"X-Request-Id": "not an id"})
    assert len(response.headers["X-Request-Id"]) == 32


async def test_nothing_a_citizen_wrote_is_logged(
    client: aiohttp.ClientSession, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secret = "у-меня-во-дворе-яма"
    await _post(client, {"query": "query($t: String!) { echo(text: $t) }", "variables": {"t": secret}})
    await _post(client, {"query": f'{{ echo(text: "{secret}" }}'})
    await _post(client, f'{{"query": "{secret}'.encode())
    async with client.get("/graphql", params={"query": f'{{echo(text: "{secret}")}}'}) as response:
        assert response.status == 200
    async with client.get(f"/{secret}") as response:
        assert response.status == 404
    logged = ""
    async with asyncio.timeout(5):
        while "(other) 404" not in logged:  # the line is written in the gateway's thread, after the answer
            await asyncio.sleep(0.02)
            logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "asyncio")
    assert "POST /graphql 200" in logged
    assert secret not in logged
    assert running.signed_in()["Authorization"] not in logged


async def test_an_unexpected_error_leaves_with_a_reference_only(
    running: Running, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("слова гражданина")

    monkeypatch.setattr(running.app.state.door, "admit", broken)
    status, answer, response = await _post(client, {"query": "{who}"}, **{"Accept-Language": "en"})
    assert (status, _code(answer)) == (500, "INTERNAL")
    reference = response.headers["X-Request-Id"]
    assert reference in answer["errors"][0]["message"]
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert reference in logged
    assert "RuntimeError" in logged
    assert "гражданина" not in logged
