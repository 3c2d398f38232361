"""The rows of a step, flat: a list's rows stand below the list's own name, as they do on the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agencies.model_sending import BoundedRow, EachRow
from agencies.source import Path


class SentRow(NamedTuple):
    """One value that is sent: its whole name, where the file says so, and its expression."""

    name: str
    path: Path
    text: str


def sent_rows(at: Path, rows: Mapping[str, object], above: str = "") -> Iterator[SentRow]:
    """Every value of a table of rows, in the order of the wire."""
    for key, row in rows.items():
        name, path = f"{above}{key}", (*at, key)
        if isinstance(row, EachRow):
            if row.value is not None:
                yield SentRow(name, path, row.value)
            yield from sent_rows((*path, "send"), row.send, f"{name}.")
        elif isinstance(row, BoundedRow):
            yield SentRow(name, path, row.value)
        elif isinstance(row, str):
            yield SentRow(name, path, row)
