"""Documents and what is known about them: parsed, measured, judged and costed once, then found again by the SHA-256 of their text.

The door learns a document before anything of it is run; whoever executes the schema without the door learns it here as well, so nobody passes a
limit by another way in. Promises: what depends on variables or on who asks is judged at every request. The memory is bounded by the length of the
texts, so strangers' documents only push each other out, wrong ones only wrong ones; trusted documents are pinned and stay.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType
from strawberry.extensions import SchemaExtension

from domain.bilingual import Bilingual
from schema.extensions.cost import Cost, cost_of
from schema.extensions.judging import Pause, faults_of, no_pause, parsed
from schema.extensions.limits import (
    MAX_TOKENS,
    Limits,
    excess,
    number_too_large,
    too_costly,
    too_long,
    unusable_number,
)
from schema.faults import Code, Fault

_LONGEST_CHARS = 16_384
_MOST_CHARS = 524_288  # a parsed document takes about a hundred times the memory of its text
_MOST_WRONG_CHARS = 131_072  # of texts that are wrong, remembered with a few errors each and nothing parsed


def digest_of(text: str) -> bytes:
    """The 32 bytes that name a document everywhere in a process; in a request they are `sha256:` and 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Policy:
    """What a schema tells about itself. Production tells nothing that is not in schema.graphql anyway."""

    introspection: bool = True
    suggestions: bool = True
    """Whether an error about a misspelt name offers the names that exist."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document."""

    name: str | None
    kind: OperationType
    cost: Cost


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Learned:
    """A text and what we know about it. With `errors` it is never executed, and there is no `document`."""

    digest: bytes
    text: str
    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    operations: Mapping[str | None, Operation] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation:
        """The operation that a request means. Raises Fault: of several one must be named, and it must be there."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise _not_one_operation()
        found = self.operations.get(name)
        if found is None:
            raise _no_such_operation()
        return found


class KnownDocuments:
    """The documents of one schema, by the digest of their text."""

    def __init__(self, schema: GraphQLSchema, policy: Policy | None = None, *, most_chars: int = _MOST_CHARS) -> None:
        self.policy = policy or Policy()
        self._schema = schema
        self._kept = _Memory(most_chars)
        self._wrong = _Memory(min(most_chars, _MOST_WRONG_CHARS))
        self._trusted: dict[bytes, Learned] = {}
        # Whatever somebody still holds, so that a text too long to keep is parsed once per request and not twice.
        self._held: WeakValueDictionary[bytes, Learned] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._kept) + len(self._trusted)

    def find(self, digest: bytes) -> Learned | None:
        """A document that was judged before, whether it was right or wrong, unless it was forgotten meanwhile."""
        return (
            self._trusted.get(digest) or self._kept.find(digest) or self._wrong.find(digest) or self._held.get(digest)
        )

    def trusted(self, digest: bytes) -> Learned | None:
        return self._trusted.get(digest)

    def learn(self, text: str, digest: bytes | None = None, pause: Pause = no_pause) -> Learned:
        """What there is to know about a text; remembered when it is not very long. Never raises.

        `pause` is called again and again while the text is read (`schema.extensions.judging`).
        """
        digest = digest or digest_of(text)
        known = self.find(digest)
        if known is not None:
            return known
        learned = self._judge(text, digest, pause)
        self._held[digest] = learned
        if len(text) <= _LONGEST_CHARS:
            memory = self._wrong if learned.errors else self._kept
            memory.keep(learned)
        return learned

    def trust(self, text: str) -> Learned:
        """Learn a document and keep it for good, if it is right."""
        learned = self.learn(text)
        if not learned.errors:
            self._trusted[learned.digest] = learned
        return learned

    def _judge(self, text: str, digest: bytes, pause: Pause) -> Learned:
        fault = too_long(text)
        if fault is not None:
            return Learned(digest, text, None, (fault,))
        try:
            document = parsed(text, MAX_TOKENS, pause)
            fault = excess(document, Limits(), introspection=self.policy.introspection, pause=pause)
            if fault is not None:
                return Learned(digest, text, None, (fault,))
            errors = faults_of(self._schema, document, suggestions=self.policy.suggestions, pause=pause)
            if errors:
                return Learned(digest, text, None, tuple(_without_nodes(one) for one in errors))
            return Learned(digest, text, document, (), self._operations(document))
        except GraphQLError as error:
            return Learned(digest, text, None, (_without_nodes(error),))
        except RecursionError:
            return Learned(digest, text, None, (too_costly("depth", Limits().depth),))

    def _operations(self, document: DocumentNode) -> dict[str | None, Operation]:
        found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        names = [one.name.value if one.name else None for one in found]
        return {
            name: Operation(name, one.operation, cost_of(self._schema, document, one))
            for name, one in zip(names, found, strict=True)
        }


class _Memory:
    """Documents by digest, bounded by the length of their texts; the least recently asked for falls out."""

    def __init__(self, most_chars: int) -> None:
        self._most_chars = most_chars
        self._chars = 0
        self._documents: OrderedDict[bytes, Learned] = OrderedDict()

    def __len__(self) -> int:
        return len(self._documents)

    def find(self, digest: bytes) -> Learned | None:
        learned = self._documents.get(digest)
        if learned is not None:
            self._documents.move_to_end(digest)
        return learned

    def keep(self, learned: Learned) -> None:
        if learned.digest in self._documents:
            return
        self._documents[learned.digest] = learned
        self._chars += len(learned.text)
        while self._chars > self._most_chars:
            _, forgotten = self._documents.popitem(last=False)
            self._chars -= len(forgotten.text)


def _without_nodes(error: GraphQLError) -> GraphQLError:
    """The same error without what was parsed, which takes a hundred times the memory of its text, and without the frames it was raised in."""
    if not error.nodes:
        return error.with_traceback(None)
    cause = error.original_error
    cause = None if cause is None else cause.with_traceback(None)
    return GraphQLError(error.message, source=error.source, positions=error.positions, original_error=cause)


class UseKnownDocuments(SchemaExtension):
    """Gives an execution the document as we know it, with our verdict: it is neither parsed nor validated again."""

    _learned: Learned | None = None

    @property
    def _documents(self) -> KnownDocuments:
        documents: KnownDocuments = getattr(self.execution_context.schema, "documents")  # noqa: B009 - HubSchema has it, its base has not
        return documents

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.parse_options["max_tokens"] = MAX_TOKENS
        if context.query and context.graphql_document is None:
            self._learned = self._documents.learn(context.query)
            # Without a document Strawberry parses once more, and finds the same fault where it reports such faults.
            context.graphql_document = self._learned.document
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if self._learned is not None:
            context.validation_rules = ()
            errors = list(self._learned.errors)
            if not errors and unusable_number(context.variables):
                errors.append(number_too_large())
            context.pre_execution_errors = errors or None
        yield


def _not_one_operation() -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            "В документе должна быть одна операция; из нескольких назовите нужную в поле operationName.",
            "The document must hold one operation; of several, name the wanted one in `operationName`.",
        ),
    )


def _no_such_operation() -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            "Операции, названной в operationName, в документе нет. Проверьте имя или не указывайте его.",
            "The document has no operation of the name in `operationName`. Check the name or leave it out.",
        ),
    )
