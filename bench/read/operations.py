"""The five operations that are measured, and the requests of each: who asks, with which variables.

R1 is the portal's own document; the others are in `operations/` beside this file. A test holds all of them to the schema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.read.kept import Kept
from bench.read.keys import OWN_MESSAGES, STAFF_NUMBER, TEST_CITIZENS, person_key

OPERATIONS = Path(__file__).with_name("operations")
PORTAL = Path(__file__).resolve().parents[2] / "portal" / "operations"
DOCUMENTS = {
    "R1": PORTAL / "one-message.graphql",
    "R2": OPERATIONS / "newest-of-a-body.graphql",
    "R3": OPERATIONS / "my-messages.graphql",
    "R4": OPERATIONS / "organisation-page.graphql",
    "R5": OPERATIONS / "dashboard.graphql",
}
"""The file of each operation."""
_STILL_OPEN = ("DELIVERED", "IN_PROGRESS", "REGISTERED", "PLANNED")
_LARGE_BODIES = 20
_PAGES = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: its variables, and the number of the person who asks."""

    variables: Mapping[str, Any]
    person: int

    @property
    def person_key(self) -> str:
        return person_key(self.person)


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the five: its document and the requests that are sent in turn."""

    code: str
    path: Path
    asks: tuple[Ask, ...]

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def document_id(self) -> str:
        """What a client sends instead of the text."""
        return f"sha256:{hashlib.sha256(self.text.encode()).hexdigest()}"


def operations(kept: Kept) -> list[Operation]:
    """The five with their requests, the same in every run on one load."""
    year_ago = datetime.fromisoformat(kept.loaded["until"]) - timedelta(days=300)
    open_ones = {"status": list(_STILL_OPEN), "receivedFrom": year_ago.isoformat()}
    bodies = kept.bodies
    asks = {
        "R1": _own_messages(kept),
        "R2": [Ask({"code": code, **open_ones}, STAFF_NUMBER) for code in bodies[:_LARGE_BODIES]],
        "R3": [Ask({}, number) for number in range(1, TEST_CITIZENS + 1)],
        "R4": [Ask({"code": code}, STAFF_NUMBER) for code in bodies[:_PAGES]],
        "R5": [Ask({}, STAFF_NUMBER)],
    }
    return [Operation(code, path, tuple(asks[code])) for code, path in DOCUMENTS.items()]


def _own_messages(kept: Kept) -> list[Ask]:
    """Each test citizen's messages by their numbers, citizen by citizen in turn."""
    numbers = {person_key(number): number for number in range(1, TEST_CITIZENS + 1)}
    with psycopg.connect(kept.server.dsn) as connection:
        found = connection.execute(
            "SELECT reference, person_id::text FROM message WHERE person_id = ANY(%s::uuid[]) ORDER BY id LIMIT %s",
            [list(numbers), TEST_CITIZENS * OWN_MESSAGES],
        ).fetchall()
    return [Ask({"reference": reference}, numbers[person]) for reference, person in found]
