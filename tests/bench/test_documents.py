"""The documents that are measured are valid, answered by one statement, and asked of the peers too."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema as build_from_text
from graphql import parse, validate

from bench.hostile.documents import REQUESTS, Ground
from bench.read.compiling import different_documents
from bench.read.contestants import PEERS
from bench.read.operations import DOCUMENTS, Ask, Operation
from bench.read.statements import Planner, statements_of
from bench.subscribe.listeners import DOCUMENT

PLANNER = Planner()
VARIABLES: dict[str, dict[str, Any]] = {
    "R1": {"reference": "26-0001-2345-8"},
    "R2": {"code": "city-roads", "status": ["SOLVED"]},
    "R4": {"code": "city-roads"},
}


@pytest.mark.parametrize("path", [*DOCUMENTS.values(), DOCUMENT], ids=lambda path: path.name)
def test_a_measured_document_is_valid(path: Path) -> None:
    assert validate(PLANNER.schema._schema, parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("code", DOCUMENTS)
async def test_a_measured_read_is_one_statement_whose_values_can_be_written_into_it(code: str) -> None:
    asks: Sequence[Ask] = [Ask(VARIABLES.get(code, {}), person) for person in (0, 1)]
    statements = await statements_of(Operation(code, DOCUMENTS[code], tuple(asks)), PLANNER)
    assert len(statements) == 2
    assert "$1" not in statements[0].inlined(lambda value: f"'{value}'")


@pytest.mark.parametrize("code", DOCUMENTS)
def test_the_peers_with_resolvers_serve_the_same_document(code: str) -> None:
    theirs = build_from_text((PEERS / "reading.graphql").read_text(encoding="utf-8"))
    assert validate(theirs, parse(DOCUMENTS[code].read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("code", DOCUMENTS)
def test_postgraphile_has_a_document_of_its_own_for_each(code: str) -> None:
    parse((PEERS / "postgraphile" / DOCUMENTS[code].name).read_text(encoding="utf-8"))


def test_the_documents_whose_plans_are_weighed_differ_and_are_valid() -> None:
    texts = different_documents(40)
    assert len(set(texts)) == 40
    assert all(validate(PLANNER.schema._schema, parse(text)) == [] for text in texts)


@pytest.mark.parametrize("name", sorted(REQUESTS.keys() - {"bodies of 25 MB"}))
def test_every_attack_by_requests_is_whole_requests(name: str) -> None:
    ground = Ground("a.b.c", random.Random(1))
    for request in REQUESTS[name].write(ground):
        head, _, body = request.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
