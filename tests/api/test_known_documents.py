"""A document is parsed, measured and judged once, and nothing that depends on the request is forgotten by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema

from schema.extensions.judging import faults_of
from schema.extensions.known_documents import KnownDocuments, Policy, digest_of
from schema.faults import Fault
from tests.api.hub import Hub, fault_of

QUERY = "query Known($code: String!) { organisation(code: $code) { code } }"
SCHEMA = build_schema("type Query { name(size: Size): String } enum Size { SMALL LARGE }")


@contextmanager
def validations(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[DocumentNode]]:
    """The documents that are validated meanwhile."""
    seen: list[DocumentNode] = []

    def counted(schema: GraphQLSchema, document: DocumentNode, **options: Any) -> list[GraphQLError]:
        seen.append(document)
        return faults_of(schema, document, **options)

    monkeypatch.setattr("schema.extensions.known_documents.faults_of", counted)
    yield seen


async def test_a_valid_document_is_validated_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    text = QUERY + " # once"
    with validations(monkeypatch) as validated:
        results = [await hub.run(text, {"code": "city-roads"}) for _ in range(3)]
    assert len(validated) == 1
    for result in results:
        assert result.errors is None
        assert result.data == {"organisation": {"code": "city-roads"}}


async def test_an_invalid_document_is_judged_once_and_refused_every_time(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with validations(monkeypatch) as validated:
        for _ in range(3):
            result = await hub.run("{ organisations { nothingOfTheKind } }")
            assert fault_of(result)["code"] == "BAD_REQUEST"
    assert len(validated) == 1


async def test_variables_are_judged_although_the_document_is_known(hub: Hub) -> None:
    text = "query Numbers($first: Int) { viewer { messages(first: $first) { nodes { reference } } } }"
    viewer = await hub.person("anna")
    assert (await hub.run(text, {"first": 1}, viewer=viewer)).errors is None
    assert (await hub.run(text, {"first": 10**500}, viewer=viewer)).errors
    assert (await hub.run(text, {"first": "many"}, viewer=viewer)).errors


def test_the_memory_is_bounded_by_the_length_of_the_texts() -> None:
    known = KnownDocuments(SCHEMA, most_chars=100)
    texts = [f"{{ name }} # {number:020}" for number in range(10)]
    for text in texts:
        known.learn(text)
    assert known.find(digest_of(texts[0])) is None
    assert known.find(digest_of(texts[-1])) is not None
    assert len(known) == 100 // len(texts[0])


def test_a_very_long_document_is_known_only_as_long_as_somebody_works_with_it() -> None:
    known = KnownDocuments(SCHEMA)
    text = "{ name " + " " * 20_000 + "}"
    learned = known.learn(text)
    assert known.learn(text) is learned
    del learned
    assert known.find(digest_of(text)) is None


def test_a_trusted_document_is_never_pushed_out() -> None:
    known = KnownDocuments(SCHEMA, most_chars=30)
    trusted = known.trust("{ trusted: name }")
    for number in range(20):
        known.learn(f"{{ a{number}: name }}")
    assert known.trusted(trusted.digest) is known.find(trusted.digest) is trusted


def test_wrong_documents_push_out_each_other_and_never_a_right_one() -> None:
    known = KnownDocuments(SCHEMA, most_chars=100)
    right = known.learn("{ name }")
    texts = [f"{{ nothing{number:020} }}" for number in range(10)]
    for text in texts:
        known.learn(text)
    assert known.find(right.digest) is right
    assert known.find(digest_of(texts[0])) is None
    last = known.find(digest_of(texts[-1]))
    assert last is not None
    assert (last.document, last.errors[0].nodes) == (None, None)
    assert [(one.line, one.column) for one in last.errors[0].locations or ()] == [(1, 3)]


def test_a_wrong_document_is_neither_kept_nor_trusted() -> None:
    known = KnownDocuments(SCHEMA)
    for text in ("{", "{ nothing }", "", "x" * 70_000, "{ name { } }"):
        assert known.trust(text).errors
        assert known.trusted(digest_of(text)) is None
    assert len(known) == 0


def test_of_several_operations_one_must_be_named_and_be_there() -> None:
    learned = KnownDocuments(SCHEMA).learn("query A { name } query B { name }")
    assert learned.operation("B").name == "B"
    for name in (None, "C"):
        with pytest.raises(Fault, match="operation"):
            learned.operation(name)


@pytest.mark.parametrize("text", ["{ nam }", "{ name(siz: SMALL) }", "{ name(size: SMAL) }"])
def test_suggestions_are_made_only_where_the_policy_allows_them(text: str) -> None:
    told = KnownDocuments(SCHEMA).learn(text).errors[0].message
    kept = KnownDocuments(SCHEMA, Policy(suggestions=False)).learn(text).errors[0].message
    assert "Did you mean" in told
    assert "Did you mean" not in kept


def test_introspection_is_refused_clearly_and_typename_is_not() -> None:
    known = KnownDocuments(SCHEMA, Policy(introspection=False))
    assert known.learn("{ __typename }").errors == ()
    for text in (
        "{ __schema { types { name } } }",
        '{ __type(name: "Query") { name } }',
        "{ ...F } fragment F on Query { s: __schema { types { name } } }",
    ):
        fault = known.learn(text).errors[0]
        assert fault.extensions == {"code": "FORBIDDEN", "problem": "INTROSPECTION_OFF"}
        assert "schema.graphql" in fault.message
