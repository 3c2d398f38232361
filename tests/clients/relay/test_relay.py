"""Relay: its compiler takes our schema, and its runtime pages both ways, refetches by id and updates its store by id."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.clients import npm
from tests.clients.serving import Served, served

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def written() -> str:
    """What the compiler says about our schema and Relay's own directives."""
    return npm.run(HERE, "npm", "run", "build")


@pytest.fixture
def found(gateway: Served, written: str, citizen: tuple[str, list[str]]) -> Any:
    """What Relay's store holds after each step."""
    subject, references = citizen
    return npm.run_json(
        HERE, "dist/main.js", OKNO_URL=gateway.url, OKNO_TOKEN=gateway.token(subject), OKNO_REFERENCE=references[1]
    )


def test_the_compiler_writes_fragments_connections_and_refetches(written: str) -> None:
    assert "documents" in written
    artifacts = {path.name for path in (HERE / "dist" / "artifacts").iterdir()}
    assert {"documentsNewestQuery.graphql.js", "documentsCardQuery.graphql.js"} <= artifacts


def test_the_runtime_pages_refetches_and_updates_by_id(found: Any, citizen: tuple[str, list[str]]) -> None:
    newest_first = citizen[1]
    assert found["forward"] == [newest_first[:2], newest_first[:4], newest_first]
    assert found["backward"] == [newest_first[3:], newest_first[1:], newest_first]
    assert found["node"]["before"] == found["node"]["after"] == "Яма номер 3."
    assert found["node"]["history"] > 0
    assert found["errors"] == []
    assert found["status"] == ["ROUTED", "WITHDRAWN"]


def test_a_node_that_is_not_there_is_null_and_no_error(found: Any) -> None:
    assert found["unknown"] == {"node": None}


def test_production_answers_the_ids_that_the_compiler_writes(clients_database: str, tmp_path: Path) -> None:
    npm.run(HERE, "npm", "run", "persist")
    table = HERE / "dist" / "persisted-documents.json"
    ids = {text.split("(")[0]: key for key, text in json.loads(table.read_text(encoding="utf-8")).items()}
    body = {"documentId": f"sha256:{ids['query documentsAnythingQuery']}", "variables": {"id": "x"}}
    environment = {"OKNO_MODE": "production", "OKNO_TRUSTED_DOCUMENTS": str(table)}
    with served(clients_database, tmp_path, **environment) as trusting:
        request = urllib.request.Request(trusting.url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            assert json.load(response) == {"data": {"node": None}}
