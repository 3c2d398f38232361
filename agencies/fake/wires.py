"""What both protocols have in common for the stand-in: a request as it came, what it was understood as, and a reply as it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from adapters.expressions import follow
from adapters.plan import Field, Sending
from adapters.plan_sending import EachField, Row
from agencies.fake.draft import Draft
from agencies.fake.ledger import Captured
from connectors.base import Reply, Request, Tree

NO_REQUEST = Request("POST", "http://127.0.0.1/", {}, b"")


class CannotFake(Exception):
    """The file does not say enough to stand in for the system. The text names the step and what is missing."""


class NotUnderstood(Exception):
    """A request that the agency's system would not understand either. The text is for whoever wrote the request."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One HTTP request. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    """Form field → file name and content."""


@dataclass(frozen=True, slots=True)
class Written:
    """One HTTP reply. A body of None means that nothing stands in it at all."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """A request taken apart, as one step of the file would have written it. `path` holds the variables of the path's template."""

    body: Tree
    path: Mapping[str, str] = field(default_factory=dict)


class FakeWire(Protocol):
    """One protocol."""

    def said(self, incoming: Incoming, sending: Sending) -> Said | None:
        """The request as this step's, or None when it is another's. Raises NotUnderstood for what nobody could read."""
        ...

    def written(self, sending: Sending, draft: Draft) -> Written:
        """The reply to this step as bytes. Raises CannotFake when the agency's own description has no place for it."""
        ...

    def read_back(self, sending: Sending, written: Written) -> Reply:
        """What the real connector reads in it."""
        ...

    def not_understood(self, reason: str) -> Written:
        """The reply to a request that cannot be read."""
        ...

    def unauthorized(self) -> Written:
        """The reply to credentials that are wrong."""
        ...

    def broken(self) -> Written:
        """A success with an error inside that no file lists."""
        ...


def captured(sending: Sending, said: Said, incoming: Incoming) -> Captured:
    """What the request said, by the names the file's rows use. A row that is nothing but the name counts more than one that is made of it."""
    names: dict[str, str] = {}
    exact: dict[str, str] = {}
    for value, row in _values(sending, said, incoming):
        for use in row.value.paths:
            target = exact if row.value.only_path is not None else names
            target.setdefault(str(use), value)
    for file in sending.files:
        if file.field in incoming.files:
            file_name, content = incoming.files[file.field]
            names.setdefault("item.content", f"{len(content)} bytes: {file_name}")
    texts = (*_texts(said.body), *incoming.query.values(), *incoming.form.values(), *said.path.values())
    return Captured({**names, **exact}, tuple(texts))


def given_rows(sending: Sending, said: Said, incoming: Incoming) -> int:
    """How many rows of this step the request carries: what tells steps apart that share an address. A fixed text that differs counts against it."""
    count = 0
    for row in (*sending.body, *sending.query, *sending.form):
        inner = row.value if isinstance(row, Field) else None
        value = _found(row, said, incoming, sending)
        if value is None:
            continue
        constant = inner is not None and not inner.paths and inner.text[:1] in "'\""
        count += 1 if not constant or inner is None else (2 if inner.text[1:-1] == value else -10)
    return count


def _values(sending: Sending, said: Said, incoming: Incoming) -> list[tuple[str, Field]]:
    found: list[tuple[str, Field]] = []
    for row in _flat(sending.body):
        value = _text(follow(said.body, row.to))
        if value is not None:
            found.append((value, row))
    places: tuple[tuple[tuple[Field, ...], Mapping[str, str]], ...] = (
        (sending.path, said.path),
        (sending.query, incoming.query),
        (sending.headers, incoming.headers),
        (sending.form, incoming.form),
    )
    for rows, place in places:
        for row in rows:
            name = row.name.lower() if place is incoming.headers else row.name
            if name in place:
                found.append((place[name], row))
    return found


def _flat(rows: tuple[Row, ...]) -> list[Field]:
    return [row for row in rows if isinstance(row, Field)]


def _found(row: Row, said: Said, incoming: Incoming, sending: Sending) -> str | None:
    if isinstance(row, EachField) or row in sending.body:
        return _text(follow(said.body, row.to))
    return incoming.query.get(row.name) or incoming.form.get(row.name)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        # An element that may repeat is a list, also when it stands once.
        return ",".join(text for one in value if (text := _text(one)) is not None) or None
    return None if value is None else str(value)


def _texts(tree: Tree) -> list[str]:
    if isinstance(tree, Mapping):
        return [text for inner in tree.values() for text in _texts(inner)]
    if isinstance(tree, (list, tuple)):
        return [text for inner in tree for text in _texts(inner)]
    return [tree] if isinstance(tree, str) else []
