"""urql: document cache, live updates as server-sent events, codes of errors, and queries sent as their hash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients import npm
from tests.clients.serving import Served

HERE = Path(__file__).parent


@pytest.fixture
def found(learning: Served, citizen: tuple[str, list[str]]) -> Any:
    """What the application sees after each step."""
    subject, references = citizen
    return npm.run_json(
        HERE, "main.mjs", OKNO_URL=learning.url, OKNO_TOKEN=learning.token(subject), OKNO_REFERENCE=references[0]
    )


def test_a_change_makes_the_document_cache_ask_again(found: Any) -> None:
    assert found["changed"] == {"statuses": ["ROUTED", "ROUTED", "WITHDRAWN"], "fromCache": True, "errors": []}


def test_live_updates_come_as_server_sent_events(found: Any) -> None:
    assert found["followed"] == {"graphqlSse": "WITHDRAWN", "urqlItself": "WITHDRAWN"}


def test_every_error_says_its_code(found: Any) -> None:
    assert found["faults"] == {"anonymous": ["UNAUTHENTICATED"], "forged": ["UNAUTHENTICATED"]}


def test_a_query_is_sent_once_as_text_and_then_as_its_hash(found: Any) -> None:
    assert [type(answer) for answer in found["byHash"]["answers"]] == [int, int]
    assert found["byHash"]["requests"] == ["GET hash", "GET text", "GET hash"]
