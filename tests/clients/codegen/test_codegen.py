"""GraphQL Code Generator's client preset: typed documents, and a table of ids that a server in production answers, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients import npm
from tests.clients.serving import OPERATIONS, Served, served

HERE = Path(__file__).parent
TABLE = HERE / "dist" / "persisted-documents.json"


@pytest.fixture(scope="module")
def table() -> dict[str, str]:
    """What the preset writes for the operations of the portal."""
    npm.run(HERE, "npm", "run", "build")
    written: dict[str, str] = json.loads(TABLE.read_text(encoding="utf-8"))
    return written


@pytest.fixture(scope="module")
def trusting(
    table: dict[str, str], clients_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A gateway in production that knows the preset's documents."""
    folder = tmp_path_factory.mktemp("trusting")
    with served(
        clients_database, folder, OKNO_MODE="production", OKNO_TRUSTED_DOCUMENTS=str(TABLE), OKNO_DOCUMENTS="trusted"
    ) as running:
        yield running


def test_every_operation_is_in_the_table_under_the_digest_of_its_text(table: dict[str, str]) -> None:
    assert len(table) == len(list(OPERATIONS.glob("*.graphql")))
    assert [key for key, text in table.items() if key != f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"] == []


def test_the_typed_documents_and_their_use_compile_under_strict(table: dict[str, str]) -> None:
    npm.run(HERE, "npm", "run", "check")


def test_production_answers_each_document_by_its_id_and_refuses_others(trusting: Served) -> None:
    token = trusting.token(f"typed-{uuid4().hex[:8]}")
    found: Any = npm.run_json(HERE, "story.ts", OKNO_URL=trusting.url, OKNO_TOKEN=token)
    assert found["preview"] == "city-roads"
    assert found["sent"] is True
    assert found["withdrawn"] == ["WITHDRAWN", "WITHDRAWN"]
    assert found["refusals"] == [[400, "DOCUMENT_UNKNOWN"], [400, "DOCUMENT_UNKNOWN"], [400, "BAD_REQUEST"]]
