"""The portal's own table: a server in production knows each of its documents by the digest of its file, and no other."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from schema.check.documents import TABLE_NAME
from tests.clients.serving import OPERATIONS, Served

TABLE: dict[str, str] = json.loads((OPERATIONS / TABLE_NAME).read_text(encoding="utf-8"))
MISSES_A_VARIABLE = "to be provided"


def _post(server: Served, accept: str = "application/graphql-response+json", **body: Any) -> tuple[int, str]:
    headers = {"Content-Type": "application/json", "Accept": accept, "Accept-Language": "en"}
    headers["Authorization"] = f"Bearer {server.token('table')}"
    request = urllib.request.Request(server.url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize("text", TABLE.values(), ids=lambda text: text.split("(")[0].split()[-1])
def test_a_document_is_run_by_its_id(production: Served, text: str) -> None:
    name = next(name for name, one in TABLE.items() if one == text)
    accept = "text/event-stream" if "\nsubscription " in text else "application/graphql-response+json"
    status, answer = _post(production, accept, documentId=name, variables={})
    needs = "!" in text.partition("{")[0]
    assert "DOCUMENT_UNKNOWN" not in answer
    assert (status, MISSES_A_VARIABLE in answer) == ((400, True) if needs else (200, False))


def test_any_other_document_is_refused(production: Served) -> None:
    for body in ({"documentId": f"sha256:{'0' * 64}"}, {"query": "{ categories { code } }"}):
        status, answer = _post(production, **body)
        assert (status, json.loads(answer)["errors"][0]["extensions"]["code"]) == (400, "DOCUMENT_UNKNOWN")
