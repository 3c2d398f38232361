"""The audits of npm's graphql-http, all of them, against `okno serve`."""

from __future__ import annotations

from pathlib import Path

from tests.clients.npm import run_json
from tests.clients.serving import Served

FOLDER = Path(__file__).parent
AUDITS = 61


def test_every_audit_of_graphql_over_http_is_passed_without_a_warning(gateway: Served) -> None:
    found = run_json(FOLDER, "audits.mjs", OKNO_URL=gateway.url)
    assert [audit for audit in found if audit["status"] != "ok"] == []
    assert len(found) == AUDITS
