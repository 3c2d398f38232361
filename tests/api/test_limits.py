"""Documents that are too large are refused at once, however cleverly they are folded."""

from __future__ import annotations

import time

import pytest
from graphql import get_introspection_query

from tests.api.hub import Hub, fault_of

DEEP = '{ organisation(code: "a") ' + "{ parent " * 20 + "{ code }" + " }" * 20 + " }"
ALIASES = "{ " + " ".join(f'a{n}: organisation(code: "x") {{ code }}' for n in range(100)) + " }"
SAME = '{ organisation(code: "x") { ' + "code " * 500 + "} }"
DOUBLING = (
    '{ organisation(code: "x") { ...F0 } } '
    + " ".join(
        f"fragment F{n} on Organisation {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }}"
        for n in range(13)
    )
    + " fragment F13 on Organisation { code }"
)
SPREADS = (
    '{ organisation(code: "x") { ...F0 } } '
    + " ".join(f"fragment F{n} on Organisation {{ ...F{n + 1} ...F{n + 1} }}" for n in range(55))
    + " fragment F55 on Organisation { code }"
)
DIRECTIVES = '{ organisation(code: "x") { code ' + "@include(if: true) " * 200 + "} }"
TOKENS = "{ " + "categories { code } " * 1200 + "}"
NESTED = "{ a" * 3000
OPERATIONS = " ".join(f"query Q{n} {{ categories {{ code }} }}" for n in range(50))


@pytest.mark.parametrize(
    "text",
    [DEEP, ALIASES, SAME, DOUBLING, SPREADS, DIRECTIVES, OPERATIONS],
    ids=["deep", "aliases", "same key", "doubling", "spreads", "directives", "operations"],
)
async def test_a_document_over_a_limit_is_too_costly(hub: Hub, text: str) -> None:
    began = time.perf_counter()
    with hub.statements() as statements:
        result = await hub.run(text, operation="Q1" if "Q1" in text else None)
    assert fault_of(result)["code"] == "TOO_COSTLY"
    assert statements == []
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("text", [TOKENS, NESTED], ids=["tokens", "nested"])
async def test_a_document_too_long_to_parse_is_refused(hub: Hub, text: str) -> None:
    assert fault_of(await hub.run(text))["code"] in {"BAD_REQUEST", "TOO_COSTLY"}


@pytest.mark.parametrize(
    "text",
    [
        "{ categories { } }",
        "{ categories { ...No } }",
        "{ ...A } fragment A on Query { ...A }",
        "{",
        "{ nothing }",
        "{ message { id } }",
        "{ organisations(first: " + "1" * 5000 + ") { nodes { code } } }",
        "query ($n: [Int] = [" + "1" * 5000 + "]) { categories { code } }",
        '{ organisations(first: "1") { nodes { code } } }',
        "\ud800",
        "{ categories }",
    ],
)
async def test_a_document_that_is_wrong_is_a_bad_request(hub: Hub, text: str) -> None:
    result = await hub.run(text)
    assert result.errors is not None
    assert {(error.extensions or {})["code"] for error in result.errors} == {"BAD_REQUEST"}


async def test_introspection_is_within_the_limits(hub: Hub) -> None:
    result = await hub.run(get_introspection_query())
    assert result.errors is None
