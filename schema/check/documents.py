"""Documents in use: the portal's own files and the tables of trusted documents, each with the place where a person finds it.

A table is what GraphQL Code Generator and Relay write, one JSON object of ids and texts, or a manifest of Apollo's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import DocumentNode, GraphQLError, GraphQLSchema, Node, parse, validate

from schema.check.finding import Finding, Severity

TABLE_NAME = "persisted-documents.json"


class UnreadableDocuments(ValueError):
    """A file that was named holds no documents. The text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text as clients send it. In a table a text is one line, and `line` is where its entry stands."""

    file: str
    text: str
    line: int = 1

    def place(self, node: Node | None = None) -> str:
        """`file:line` of a node of the parsed text."""
        within = node.loc.start_token.line - 1 if node is not None and node.loc is not None else 0
        return f"{self.file}:{self.line + (0 if self.is_entry else within)}"

    @property
    def is_entry(self) -> bool:
        """Whether it is an entry of a table."""
        return self.file.endswith(".json")

    def parsed(self) -> DocumentNode:
        """Raises GraphQLSyntaxError."""
        return parse(self.text)


def document_id(text: str) -> str:
    """The id of a trusted document: `sha256:` and the digest of its text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read_documents(paths: Iterable[Path]) -> list[Document]:
    """The documents of these files and folders (`*.graphql` and tables in them). Raises UnreadableDocuments."""
    return [document for path in paths for document in _read(path)]


def table_of(folder: Path) -> str:
    """The table of a folder's own files as JSON text, ending with a newline: the id is the digest of the file."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.graphql")))
    return json.dumps({document_id(text): text for text in texts}, ensure_ascii=False, indent=2) + "\n"


def invalid_documents(schema: GraphQLSchema, documents: Iterable[Document]) -> list[Finding]:
    """What does not parse, or asks for what the schema does not have."""
    return [
        Finding(Severity.ERROR, _place_of(document, fault), f"{fault.message} Change the document, or the schema back.")
        for document in documents
        for fault in _faults(schema, document)
    ]


def _faults(schema: GraphQLSchema, document: Document) -> list[GraphQLError]:
    try:
        return validate(schema, document.parsed())
    except GraphQLError as fault:
        return [fault]


def _place_of(document: Document, fault: GraphQLError) -> str:
    line = fault.locations[0].line if fault.locations and not document.is_entry else 1
    return f"{document.file}:{document.line + line - 1}"


def _read(path: Path) -> Iterator[Document]:
    if path.is_dir():
        yield from read_documents(sorted(path.glob("*.graphql")))
        yield from read_documents(sorted(path.glob("*.json")))
        return
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UnreadableDocuments(
            f"{path}: cannot be read; name a .graphql file, a table or a folder of them"
        ) from None
    if path.suffix == ".json":
        yield from _entries(path, text)
    else:
        yield Document(str(path), text)


def _entries(path: Path, text: str) -> Iterator[Document]:
    try:
        table = _table(json.loads(text))
    except ValueError:
        table = None
    if table is None:
        raise UnreadableDocuments(f'{path}: is no table of documents; it must be one JSON object of "sha256:…": "text"')
    lines = text.splitlines()
    for name, value in table.items():
        yield Document(str(path), value, next((n for n, line in enumerate(lines, 1) if f'"{name}"' in line), 1))


def _table(content: object) -> dict[str, str] | None:
    """Texts by id; None for anything else."""
    if isinstance(content, dict) and isinstance(content.get("operations"), list):
        operations = [one for one in content["operations"] if isinstance(one, dict)]
        content = {one.get("id"): one.get("body") for one in operations}
    if not isinstance(content, dict):
        return None
    texts = {name: text for name, text in content.items() if isinstance(name, str) and isinstance(text, str)}
    return texts if len(texts) == len(content) else None
