"""Relay's global ids: base64 of `Type:key`. Opaque to clients; the same text is made here and by PostgreSQL (`sql_global_id`)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, cast, func, literal_column

_LONGEST = 400
_BYTES_OF_A_LINE = 57
_CHARS_OF_A_UUID = 36


@dataclass(frozen=True, slots=True)
class GlobalId:
    """A type of the schema and the primary key of one of its rows, as text."""

    type_name: str
    key: str


def write_global_id(type_name: str, key: object) -> str:
    return base64.b64encode(f"{type_name}:{key}".encode()).decode()


def read_global_id(text: str) -> GlobalId | None:
    """None for a text that is no id of ours. Whether the row exists is another question."""
    if len(text) > _LONGEST:
        return None
    try:
        type_name, colon, key = base64.b64decode(text.encode(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):  # ValueError: not ASCII, not UTF-8
        return None
    return GlobalId(type_name, key) if colon and type_name.isidentifier() and "\x00" not in key else None


def read_uuid_id(text: str, type_name: str) -> UUID | None:
    """The key in a global id of one type whose keys are UUIDs; None for anything else."""
    found = read_global_id(text)
    return read_uuid(found.key) if found is not None and found.type_name == type_name else None


def read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def sql_base64(text: ColumnElement[Any], *, most_bytes: int | None = None) -> ColumnElement[str]:
    """`encode` breaks lines after 76 characters, which an opaque word must not have. Taking them out again costs more than all the rest."""
    encoded: ColumnElement[str] = func.encode(
        func.convert_to(text, literal_column("'UTF8'")), literal_column("'base64'")
    )
    if most_bytes is not None and most_bytes <= _BYTES_OF_A_LINE:
        return encoded
    return func.translate(encoded, literal_column("E'\\n'"), literal_column("''"))


def sql_global_id(type_name: str, key: ColumnElement[Any]) -> ColumnElement[str]:
    most = len(type_name) + 1 + _CHARS_OF_A_UUID if isinstance(key.type, Uuid) else None
    return sql_base64(literal_column(f"'{type_name}:'", Text).concat(cast(key, Text)), most_bytes=most)
