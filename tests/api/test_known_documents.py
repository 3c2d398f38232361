"""A document that was valid once is not validated again, and nothing that depends on the request is forgotten by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import strawberry.schema.schema as strawberry_schema
from graphql import DocumentNode, GraphQLSchema, parse

from schema.extensions.known_documents import KnownDocuments
from tests.api.hub import Hub, fault_of

QUERY = "query Known($code: String!) { organisation(code: $code) { code } }"


@contextmanager
def validations(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[DocumentNode]]:
    """The documents that are validated meanwhile."""
    seen: list[DocumentNode] = []
    validate = strawberry_schema.validate_document

    def counted(schema: GraphQLSchema, document: DocumentNode, rules: tuple[type, ...]) -> list[object]:
        seen.append(document)
        return list(validate(schema, document, rules))

    monkeypatch.setattr(strawberry_schema, "validate_document", counted)
    yield seen


async def test_a_valid_document_is_validated_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    text = QUERY + " # once"
    with validations(monkeypatch) as validated:
        results = [await hub.run(text, {"code": "city-roads"}) for _ in range(3)]
    assert len(validated) == 1
    for result in results:
        assert result.errors is None
        assert result.data == {"organisation": {"code": "city-roads"}}


async def test_an_invalid_document_is_refused_every_time(hub: Hub) -> None:
    for _ in range(3):
        result = await hub.run("{ organisations { nothingOfTheKind } }")
        assert fault_of(result)["code"] == "BAD_REQUEST"


async def test_variables_are_judged_although_the_document_is_known(hub: Hub) -> None:
    text = "query Numbers($first: Int) { viewer { messages(first: $first) { nodes { reference } } } }"
    viewer = await hub.person("anna")
    assert (await hub.run(text, {"first": 1}, viewer=viewer)).errors is None
    assert (await hub.run(text, {"first": 10**500}, viewer=viewer)).errors
    assert (await hub.run(text, {"first": "many"}, viewer=viewer)).errors


def test_the_memory_is_bounded_by_the_length_of_the_texts() -> None:
    known = KnownDocuments(most_chars=100)
    texts = [f"{{ field{number:020} }}" for number in range(10)]
    for text in texts:
        known.keep(text, parse(text))
    assert known.find(texts[0]) is None
    assert known.find(texts[-1]) is not None
    assert sum(known.find(text) is not None for text in texts) == 100 // len(texts[0])


def test_a_very_long_document_is_not_remembered() -> None:
    known = KnownDocuments()
    text = "{ a " + " " * 20_000 + "}"
    known.keep(text, parse(text))
    assert known.find(text) is None
