"""What is open in a compiled plan: arguments that come from variables, and the things the compiler had to look at.

A plan binds the values of arguments at each run. Where a value changes the *shape* of the statement (a directive, a language, the direction of a
page), the compiler looks at it and notes what it saw; the plan then serves exactly the requests that show the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLNonNull,
    Undefined,
    ValueNode,
    VariableNode,
)
from graphql.utilities import coerce_input_literal

from domain.bilingual import Bilingual
from schema.faults import Code, Fault, argument_null, not_storable
from schema.plan.literals import Fill, holds_variables, literal


@dataclass(frozen=True, slots=True)
class Values:
    """What one request brings: coerced variables, the viewer's parameters (`store.scope`), and the key of the row a payload named."""

    variables: Mapping[str, Any]
    viewer: Mapping[str, Any]
    key: Hashable | None = None


class DependsOnRequest(Exception):
    """Something was asked that only a request can answer."""


class _NoRequest:
    def __getattr__(self, name: str) -> NoReturn:
        raise DependsOnRequest(name)


NO_REQUEST = cast("Values", _NoRequest())
"""Whatever is answered of it is the same for every request; else it raises DependsOnRequest."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of one field, as the document writes it."""

    name: str
    variable: str | None
    constant: Any
    """The value of a literal, or the default when the document or the variables give none."""
    filled: Fill | None = None
    """For a literal that holds variables, what fills it."""
    required: bool = False
    """Whether null is a fault: a variable that may be null can stand where a default is."""

    def value(self, values: Values) -> Any:  # noqa: ANN401 - an argument can be of any type
        """None also when nothing is given: our arguments do not tell the two apart."""
        if self.filled is not None:
            return self.filled(values.variables)
        if self.variable is None:
            return self.constant
        value = values.variables.get(self.variable, self.constant)
        if value is None and self.required:
            raise argument_null(self.name)
        return value


def argument(definition: GraphQLField, node: FieldNode, name: str) -> Argument:
    """The argument `name` of a field that has it."""
    wanted: GraphQLArgument = definition.args[name]
    default = None if wanted.default_value is Undefined else wanted.default_value
    given = next((one.value for one in node.arguments or () if one.name.value == name), None)
    return _argument(name, wanted.type, given, default)


def condition(node: ValueNode) -> Argument:
    """The argument `if` of @skip and @include; None when a variable brings null."""
    return _argument("if", GraphQLBoolean, node, None)


def _argument(name: str, kind: Any, node: ValueNode | None, default: Any) -> Argument:  # noqa: ANN401 - any input type
    if node is None:
        return Argument(name, None, default)
    if isinstance(node, VariableNode):
        return Argument(name, node.name.value, default, required=isinstance(kind, GraphQLNonNull))
    if holds_variables(node):
        return Argument(name, None, default, literal(node, kind))
    value = coerce_input_literal(node, kind)
    return Argument(name, None, None if value is Undefined else value)


Question = Callable[[Values], Hashable]
Bind = Callable[[Values], Any]


@dataclass(frozen=True, slots=True)
class Faulty:
    """The answer to a question that ends in a fault, in a form that can be compared: requests with equal faults share a plan."""

    code: str
    words: Bilingual
    problem: str | None

    @classmethod
    def of(cls, fault: Fault) -> Faulty:
        extensions = fault.extensions or {}
        return cls(str(extensions["code"]), fault.words, extensions.get("problem"))

    def fault(self) -> Fault:
        """A fault of its own for each request: raising one writes into it."""
        return Fault(Code(self.code), self.words, problem=self.problem)


def ask(question: Question, values: Values) -> Hashable:
    """What a request shows; a fault is an answer too."""
    try:
        return question(values)
    except Fault as fault:
        return Faulty.of(fault)


def is_fixed(asked: Question | Bind) -> bool:
    """Whether every request gets the same answer."""
    try:
        ask(asked, NO_REQUEST)
    except DependsOnRequest:
        return False
    return True


class Unproven(Exception):
    """The bytes of the statement under way cannot go to the client as they are; `str()` of it says why."""


@dataclass(slots=True)
class Openings:
    """What a plan in the making looks at and leaves open.

    A plan has one of two endings: its bytes go to the client as they are, or, `finishing`, graphql-core makes the answer of them.
    """

    values: Values
    finishing: bool = True
    seen: list[tuple[Question, Hashable]] = field(default_factory=list)
    binds: dict[str, Bind] = field(default_factory=dict)
    faults: list[Faulty] = field(default_factory=list)

    def doubt(self, why: str) -> None:
        """Something that only graphql-core can bring to an end. Raises Unproven unless it is going to."""
        if not self.finishing:
            raise Unproven(why)

    def look(self, question: Question) -> Any:  # noqa: ANN401 - the answer is whatever was asked
        """Ask something that shapes the statement, and remember the answer. Raises the fault of a question that ends in one."""
        answer = ask(question, self.values)
        self.seen.append((question, answer))
        if isinstance(answer, Faulty):
            raise answer.fault()
        return answer

    def leave_open(self, bind: Bind) -> str:
        """The name of a parameter whose value each request gives. Raises the fault of a value that cannot be bound."""
        answer = ask(bind, self.values)
        if isinstance(answer, Faulty):
            self.seen.append((bind, answer))
            raise answer.fault()
        name = f"p{len(self.binds)}"
        self.binds[name] = bind
        return name

    def forget_binds(self, after: int) -> None:
        """Drop all parameters but the first `after`: what needed them is not in the statement."""
        for name in list(self.binds)[after:]:
            del self.binds[name]


def storable(name: str, value: Any) -> Any:  # noqa: ANN401 - any bound value
    """The value, or a fault for a text PostgreSQL cannot hold."""
    if isinstance(value, str) and not is_storable(value):
        raise not_storable(name)
    return value


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold a text: it has no half of an emoji and no NUL."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def bind_values(binds: Mapping[str, Bind], values: Values) -> dict[str, Any]:
    """The parameters of one run."""
    return {**values.viewer, **{name: bind(values) for name, bind in binds.items()}}
