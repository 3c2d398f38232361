"""The pieces an executor in memory works with: rows under types, pages, orders, ids."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cmp_to_key
from operator import itemgetter
from typing import Any

from graphql import GraphQLError

Row = Mapping[str, Any]
CURSOR = "(a cursor)"


@dataclass(frozen=True, slots=True)
class Thing:
    """A row under a type of the schema. Two types may show one row: a message is also its place and its route."""

    kind: str
    row: Row


@dataclass(frozen=True, slots=True)
class Page:
    """One connection: the rows of the page among all rows that the connection holds."""

    kind: str
    all: list[Row]
    rows: list[Row]
    order: Order
    more_after: bool
    more_before: bool


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a connection: by values of the row, each with its direction; the last one is unique."""

    name: str
    keys: tuple[tuple[Callable[[Row], Any], bool], ...]
    """(value, newest first)"""

    def compare(self, one: Row, other: Row) -> int:
        """Below 0 when `one` comes first. Null comes last in either direction."""
        for value, descending in self.keys:
            here, there = value(one), value(other)
            if here == there:
                continue
            if here is None or there is None:
                return 1 if here is None else -1
            return (1 if here < there else -1) if descending else (-1 if here < there else 1)
        return 0

    def sorted(self, rows: Iterable[Row]) -> list[Row]:
        return sorted(rows, key=cmp_to_key(self.compare))


BY_CODE = Order("code", ((itemgetter("code"), False),))
NEWEST_OBSERVED = Order("observed", ((itemgetter("observed_at"), True), (itemgetter("id"), True)))
NEWEST_RECEIVED = Order("received", ((itemgetter("received_at"), True), (itemgetter("id"), True)))


@dataclass(frozen=True, slots=True)
class Edge:
    """A row on a page."""

    page: Page
    row: Row


class Refused(GraphQLError):
    """A fault of the request, under its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code, extensions={"code": code})


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a cursor of the product stands for. The words themselves are opaque: they are collected from pages before."""

    order: str
    key: str


def global_id(kind: str, key: str) -> str:
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


def read_global_id(text: str) -> tuple[str, str] | None:
    try:
        kind, colon, key = base64.b64decode(text.encode(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (kind, key) if colon else None
