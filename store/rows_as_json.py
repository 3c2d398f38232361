"""Rows as one parameter: PostgreSQL takes them apart again with `json_populate_recordset`, so many rows cost one statement and one trip."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows under the names of their table's columns. Times and UUIDs are written as PostgreSQL reads them."""
    return json.dumps(rows, ensure_ascii=False, default=str)
