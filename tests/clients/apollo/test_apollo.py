"""Apollo Client: normalised cache, Relay-style pages, live updates, files, codes of errors, and queries sent as their hash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients import npm
from tests.clients.serving import Served, served
from tests.gateway import pictures

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "pothole.jpg"
    path.write_bytes(pictures.photo())
    return path


@pytest.fixture
def found(gateway: Served, citizen: tuple[str, list[str]], photo: Path) -> Any:
    """What the application sees after each step."""
    return npm.run_json(
        HERE, "main.mjs", OKNO_URL=gateway.url, OKNO_TOKEN=gateway.token(citizen[0]), OKNO_PHOTO=str(photo)
    )


def test_pages_changes_and_files_reach_the_cache(found: Any, citizen: tuple[str, list[str]]) -> None:
    newest_first = citizen[1]
    assert found["pages"] == [newest_first[:2], newest_first[:4], newest_first]
    assert found["withdrawn"]["seen"][0] == "ROUTED"
    assert (found["withdrawn"]["listed"], found["withdrawn"]["normalised"]) == ("WITHDRAWN", "WITHDRAWN")
    uploaded = found["uploaded"]
    assert uploaded["errors"] == []
    assert uploaded["attachment"]["fileName"] == "яма.jpg"
    assert uploaded["attachment"]["sha256"] == uploaded["expected"]


def test_every_error_says_its_code(found: Any) -> None:
    assert found["faults"] == {
        "anonymous": ["UNAUTHENTICATED"],
        "forged": ["UNAUTHENTICATED"],
        "tooMany": ["BAD_REQUEST"],
        "followedWithoutSignIn": ["UNAUTHENTICATED"],
    }


def test_a_query_is_sent_once_as_text_and_then_as_its_hash(learning: Served) -> None:
    found = npm.run_json(HERE, "persisted.mjs", OKNO_URL=learning.url)
    assert found["answers"] == [True, True]
    # The first GET finds nothing; the text follows; from then on the hash is enough.
    assert [(method, what) for method, what, _ in found["requests"]] == [
        ("GET", "hash"),
        ("POST", "text"),
        ("GET", "hash"),
    ]


def test_where_hashes_are_not_learnt_the_text_is_sent(gateway: Served) -> None:
    found = npm.run_json(HERE, "persisted.mjs", OKNO_URL=gateway.url)
    assert found["answers"] == [True, True]


def test_production_answers_the_hashes_of_apollos_manifest_and_no_others(
    gateway: Served, production: Served, clients_database: str, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(npm.run_json(HERE, "persisted.mjs", "manifest", OKNO_URL=gateway.url)))
    environment = {"OKNO_MODE": "production", "OKNO_TRUSTED_DOCUMENTS": str(manifest)}
    with served(clients_database, tmp_path / "home", **environment) as trusting:
        found = npm.run_json(HERE, "persisted.mjs", OKNO_URL=trusting.url)
    assert found == {"answers": [True, True], "requests": [["GET", "hash", 200]] * 2}
    assert npm.run_json(HERE, "persisted.mjs", OKNO_URL=production.url)["answers"] == [["DOCUMENT_UNKNOWN"]] * 2


def test_documents_of_code_generator_bring_their_own_hash(clients_database: str, tmp_path: Path) -> None:
    codegen = HERE.parent / "codegen"
    npm.run(codegen, "npm", "run", "build")
    table = codegen / "dist" / "persisted-documents.json"
    environment = {"OKNO_MODE": "production", "OKNO_TRUSTED_DOCUMENTS": str(table)}
    with served(clients_database, tmp_path / "home", **environment) as trusting:
        found = npm.run_json(HERE, "by_codegen.mjs", OKNO_URL=trusting.url)
    assert set(found) == {"Organisation"}
