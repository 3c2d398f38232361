"""Limits on a document, measured before it is validated: validation itself can be made slow by a document of a few kilobytes.

Promises: one walk that visits each fragment once, however often it is spread, so the cost of measuring grows with the text and not with what it
unfolds to. Introspection is not counted for depth and unfolded fields: its answer does not depend on data. What an operation costs to run is
`schema.extensions.cost`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

from domain.bilingual import Bilingual
from schema.faults import Code, Fault

MAX_TOKENS = 4_000
MAX_CHARS = 64_000
"""The longest text that is parsed at all: a token may be as long as its author likes."""
# As in GraphQL, but a text that never ends is one token too: every alternative moves on, so the time grows with the text and no faster.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\(?:""")?|"(?!""))*(?:""")?|"(?:\\.|[^"\\\r\n])*"?|#[^\r\n]*'
    r"|[A-Za-z_][A-Za-z0-9_]*|-?[0-9][0-9.eE+-]*|\.\.\.|[!$&()\[\]{}:=@|]"
)
_FIELDS_AT_ONCE = 20
_INTROSPECTION = ("__schema", "__type")
# Python refuses to read or print longer whole numbers than 4 300 digits, which GraphQL's error messages would do; a Float has 309.
_MOST_DIGITS = 400
_MOST_BITS = 1_328  # about as many


@dataclass(frozen=True, slots=True)
class Limits:
    """The most a document may have. `unfolded` counts the fields with every fragment spread opened."""

    depth: int = 15
    fields: int = 600
    unfolded: int = 3_000
    aliases: int = 60
    fragments: int = 60
    spreads: int = 200
    directives: int = 60
    operations: int = 20
    variables: int = 60
    same_key: int = 40
    """Nodes under one response key in one selection set: validation compares them pair by pair."""


@dataclass(slots=True)
class _Size:
    depth: int = 0
    unfolded: int = 0


class _Measure:
    """Measures one document."""

    def __init__(self, document: DocumentNode, limits: Limits, pause: Callable[[], None]) -> None:
        self._limits = limits
        self._pause = pause
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._sizes: dict[str, _Size] = {}
        self.counts: Counter[str] = Counter(fragments=len(self._fragments))

    def document(self, document: DocumentNode) -> None:
        """Measure everything; the result is in `counts`."""
        for one in document.definitions:
            if isinstance(one, OperationDefinitionNode):
                self.counts["operations"] += 1
                variables = one.variable_definitions or ()
                self.counts["variables"] += len(variables)
                self.counts["long_numbers"] += any(_has_long_number(each.default_value) for each in variables)
                self.counts["directives"] += len(one.directives or ())
                self._keep_largest(self._selections(one.selection_set))
        for name in self._fragments:  # those that nobody spreads are validated too
            self._keep_largest(self._fragment(name))

    def _keep_largest(self, size: _Size) -> None:
        self.counts["depth"] = max(self.counts["depth"], size.depth)
        self.counts["unfolded"] = max(self.counts["unfolded"], size.unfolded)

    def _fragment(self, name: str) -> _Size:
        if name not in self._sizes:
            # In place before the walk, so that a fragment that spreads itself ends here; validation refuses it.
            self._sizes[name] = _Size()
            fragment = self._fragments.get(name)
            if fragment is not None:
                self.counts["directives"] += len(fragment.directives or ())
                self._sizes[name] = self._selections(fragment.selection_set)
        return self._sizes[name]

    def _selections(self, selections: SelectionSetNode | None) -> _Size:
        whole = _Size()
        if selections is not None and not selections.selections:
            self.counts["empty"] += 1
        keys: Counter[str] = Counter()
        for one in selections.selections if selections is not None else ():
            self.counts["directives"] += len(one.directives or ())
            if isinstance(one, FieldNode):
                keys[one.alias.value if one.alias else one.name.value] += 1
                part = self._field(one)
            elif isinstance(one, InlineFragmentNode):
                part = self._selections(one.selection_set)
            elif isinstance(one, FragmentSpreadNode):
                self.counts["spreads"] += 1
                part = self._fragment(one.name.value)
            else:
                continue
            whole.depth = max(whole.depth, part.depth)
            # Bounded, so that a chain of fragments that double each other does not make numbers of a thousand digits.
            whole.unfolded = min(whole.unfolded + part.unfolded, self._limits.unfolded + 1)
        self.counts["same_key"] = max(self.counts["same_key"], *keys.values(), 0)
        return whole

    def _field(self, field: FieldNode) -> _Size:
        self.counts["fields"] += 1
        if self.counts["fields"] % _FIELDS_AT_ONCE == 0:
            self._pause()
        self.counts["aliases"] += field.alias is not None
        self.counts["long_numbers"] += any(_has_long_number(one.value) for one in field.arguments or ())
        below = self._selections(field.selection_set)
        if field.name.value in _INTROSPECTION:
            self.counts["introspection"] += 1
            return _Size(1, 1)
        return _Size(below.depth + 1, below.unfolded + 1)


def _has_long_number(value: ValueNode | None) -> bool:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, IntValueNode) and len(one.value) > _MOST_DIGITS:
            return True
        if isinstance(one, ListValueNode):
            left += one.values
        elif isinstance(one, ObjectValueNode):
            left += [field.value for field in one.fields]
    return False


def too_long(text: str) -> Fault | None:
    """What can be told of a text without parsing it, in a twentieth of the time: too many characters or tokens."""
    if len(text) > MAX_CHARS:
        return too_costly("characters", MAX_CHARS)
    if len(text) <= MAX_TOKENS:
        return None
    tokens = sum(1 for _ in islice(_TOKEN.finditer(text), MAX_TOKENS + 1))
    return too_costly("tokens", MAX_TOKENS) if tokens > MAX_TOKENS else None


def excess(
    document: DocumentNode, limits: Limits, *, introspection: bool = True, pause: Callable[[], None] = lambda: None
) -> Fault | None:
    """What must not be in a document and is, or the first limit it goes over; None when it may be validated."""
    measure = _Measure(document, limits, pause)
    measure.document(document)
    if measure.counts["introspection"] and not introspection:
        return _no_introspection()
    if measure.counts["empty"]:
        return _empty_selection()
    if measure.counts["long_numbers"]:
        return number_too_large()
    for name in Limits.__dataclass_fields__:
        found, most = measure.counts[name], getattr(limits, name)
        if found > most:
            return too_costly(name.replace("_", " "), most)
    return None


def unusable_number(variables: object) -> bool:
    """Whether variables hold a whole number of too many digits."""
    left = [variables]
    while left:
        one = left.pop()
        if isinstance(one, int) and one.bit_length() > _MOST_BITS:
            return True
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
    return False


def _empty_selection() -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            "В запросе есть пустые фигурные скобки. Назовите в них хотя бы одно поле.",
            "The document has empty braces. Name at least one field in them.",
        ),
    )


def _no_introspection() -> Fault:
    return Fault(
        Code.FORBIDDEN,
        Bilingual(
            "Здесь схему по сети не отдают: __schema и __type закрыты, __typename работает. Схема — файл schema.graphql проекта.",
            "This server does not tell its schema: __schema and __type are closed, __typename works. "
            "The schema is the project's file schema.graphql.",
        ),
        problem="INTROSPECTION_OFF",
    )


def number_too_large() -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            "Число в запросе слишком велико. Укажите меньшее.",
            "A number in the request is too large. Send a smaller one.",
        ),
    )


def too_costly(what: str, most: int) -> Fault:
    """A request that asks for more of something than one request may."""
    return Fault(
        Code.TOO_COSTLY,
        Bilingual(
            f"Запрос слишком велик ({what}: больше {most}). Разделите его на несколько запросов или попросите меньше строк.",
            f"The operation is too large ({what}: more than {most}). Divide it into several, or ask for fewer rows.",
        ),
        problem=what.upper().replace(" ", "_"),
    )
