"""Documents that were parsed and found valid before are not parsed and validated again: the two cost ten times what running a small one does.

Promises: only a document that parsed, stayed within the limits and validated is remembered, whole and by its exact text; what depends on variables or
on who asks is judged at every request as before. The memory is bounded by the length of the texts, so strangers' documents only push each other out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from graphql import DocumentNode
from strawberry.extensions import SchemaExtension

_LONGEST_CHARS = 16_384
_MOST_CHARS = 524_288  # a parsed document takes about a hundred times the memory of its text


class KnownDocuments:
    """The valid documents of one schema by their text, the least recently used falling out."""

    def __init__(self, most_chars: int = _MOST_CHARS) -> None:
        self._most_chars = most_chars
        self._chars = 0
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()

    def find(self, text: str) -> DocumentNode | None:
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
        return document

    def keep(self, text: str, document: DocumentNode) -> None:
        """Remember a valid document. A very long one is not worth the room of the others."""
        if len(text) > _LONGEST_CHARS or text in self._documents:
            return
        self._documents[text] = document
        self._chars += len(text)
        while self._chars > self._most_chars:
            forgotten, _ = self._documents.popitem(last=False)
            self._chars -= len(forgotten)


class SkipKnownDocuments(SchemaExtension):
    """Takes a known document as it is. Comes after the limits, which look at every request."""

    def __init__(self, known: KnownDocuments) -> None:
        self._known = known
        self._is_known = False

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        if context.query and context.graphql_document is None:
            context.graphql_document = self._known.find(context.query)
            self._is_known = context.graphql_document is not None
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if self._is_known:
            context.validation_rules = ()
            yield
            return
        yield
        if context.query and context.graphql_document is not None and not context.pre_execution_errors:
            self._known.keep(context.query, context.graphql_document)
