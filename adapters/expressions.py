"""One expression of an agency file: `message.subject | shorten(120)`.

The language is a small part of MiniJinja's expressions: paths, literals, `|` filters of adapters/functions.py,
comparisons, `and or not`, `x if y else z` and `~` (join). Statements, calls, arithmetic, list and dict literals do
not exist. Promises: whatever is outside the language is a fault with a column when the file is read; paths are
resolved here, over plain mappings and lists only, so a misspelt path can never reach an attribute of a Python object;
types are kept; evaluation is bounded by fuel; no error text ever holds a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeAlias

from minijinja import Environment, TemplateError

from adapters.context import Scope
from adapters.functions import FUNCTIONS, FunctionFailed, Words, as_filters

PathSteps: TypeAlias = tuple[str | int, ...]

MAX_LENGTH = 500
MAX_PARENTHESES = 20
FUEL = 10_000
MAX_JOINED = 4 * 1024 * 1024
"""Characters that one expression may join with `~`."""
_KEYWORDS = frozenset({"and", "or", "not", "if", "else", "is", "in"})
_CONSTANTS = frozenset({"true", "false", "none"})
_TESTS = frozenset({"defined", "undefined"})
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'[^'\\\n]*'|"[^"\\\n]*")
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>==|!=|<=|>=|[<>|~.,()\[\]])""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"\d+")


class ExpressionFault(Exception):
    """The text is not an expression of the language. `column` counts from 0 inside the expression."""

    def __init__(self, code: str, text: str, column: int = 0) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.column = column


class ExpressionFailed(Exception):
    """An expression could not be evaluated on these values. The text never holds a value."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class FilterUse:
    """One use of a filter; `literals` holds its arguments as far as they are literal texts."""

    name: str
    literals: tuple[str, ...]
    column: int


@dataclass(frozen=True, slots=True)
class PathUse:
    """One path of an expression, such as `("message", "subject")`."""

    steps: PathSteps
    column: int

    def __str__(self) -> str:
        return ".".join(str(step) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. Make it with `parse`; immutable, and safe to share."""

    text: str
    paths: tuple[PathUse, ...]
    filters: tuple[FilterUse, ...]
    _code: str
    _variables: tuple[tuple[str, PathSteps], ...]

    @property
    def only_path(self) -> PathSteps | None:
        """The path, when the expression is nothing but a path."""
        return self.paths[0].steps if self._code == "p0" else None

    def evaluate(self, scope: Scope, words: Words) -> object:
        """The value on this scope, `None` when missing. Raises ExpressionFailed."""
        if self._code == "p0":
            return follow(scope, self._variables[0][1])
        variables = {name: follow(scope, steps) for name, steps in self._variables}
        if "~" in self._code:
            self._judge_joined(scope)
        # A null and an absent field are the same thing to a file, also for `~` and `is defined`.
        present = {name: value for name, value in variables.items() if value is not None}
        try:
            value: object = _ENVIRONMENT.eval_expr(self._code, _words=words, **present)
        except FunctionFailed as failure:
            raise ExpressionFailed(str(failure)) from failure
        except TemplateError as error:
            # Only the kind: the message of an error could quote a value.
            raise ExpressionFailed(f"the expression failed ({error.kind})") from None
        return value

    def _judge_joined(self, scope: Scope) -> None:
        values = (follow(scope, use.steps) for use in self.paths)
        if sum(len(value) for value in values if isinstance(value, str)) > MAX_JOINED:
            raise ExpressionFailed(f"more than {MAX_JOINED} characters would be joined")


# The checks of one file look at every expression several times, and the agencies on one product say the same.
@lru_cache(maxsize=8192)
def parse(text: str) -> Expression:
    """Read one expression. Raises ExpressionFault for anything outside the language, at its column."""
    if len(text) > MAX_LENGTH:
        raise ExpressionFault("expression-too-long", f"an expression has at most {MAX_LENGTH} characters")
    tokens = list(_tokens(text))
    if not tokens:
        raise ExpressionFault("empty-expression", "there is no expression; leave the field out to send nothing")
    expression = _Reader(text, tokens).read()
    _try_out(expression)
    return expression


def follow(scope: object, steps: Sequence[str | int]) -> object:
    """The value at a path of plain mappings and lists, or None where it ends early."""
    value = scope
    for step in steps:
        # Asked first, because the general question costs ten times as much.
        if type(value) is dict or isinstance(value, Mapping):
            value = value.get(step) if step in value else value.get(str(step))
        elif isinstance(value, (list, tuple)) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def _tokens(text: str) -> Iterator[_Token]:
    column = 0
    after_dot = False
    while column < len(text):
        # After a dot `0.1` is two steps of a path, not a number.
        match = _INTEGER.match(text, column) if after_dot else None
        kind = "number"
        if match is None:
            match = _TOKEN.match(text, column)
            kind = match.lastgroup or "" if match else ""
        if match is None:
            raise ExpressionFault("bad-expression", _why_not(text[column]), column)
        if kind != "space":
            yield _Token(kind, match.group(), column)
        after_dot = match.group() == "."
        column = match.end()


def _why_not(character: str) -> str:
    if character in "{}%#":
        return "templates and statements do not exist here: write one expression"
    if character in "'\"":
        return "a text in quotes must end on the same line and hold no backslash"
    if character in "+-*/":
        return f"`{character}` does not exist here: there is no arithmetic; join texts with `~`"
    return f"`{character}` does not belong to the language" if character.isprintable() else "an invisible character"


class _Reader:
    """Goes over the tokens once, judges each, and writes the code for MiniJinja with paths replaced by variables."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0
        self._code: list[str] = []
        self._paths: list[PathUse] = []
        self._filters: list[FilterUse] = []
        self._variables: dict[PathSteps, str] = {}
        self._open = 0

    def read(self) -> Expression:
        while (token := self._peek()) is not None:
            if token.kind == "name":
                self._name(token)
            elif token.kind == "number":
                self._number(token)
            elif token.kind == "sign":
                self._sign(token)
            else:
                self._take(token.text)
        variables = tuple((name, steps) for steps, name in self._variables.items())
        return Expression(self._text, tuple(self._paths), tuple(self._filters), " ".join(self._code), variables)

    def _peek(self, ahead: int = 0) -> _Token | None:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def _peek_text(self, ahead: int = 0) -> str:
        token = self._peek(ahead)
        return token.text if token is not None and token.kind != "string" else ""

    def _take(self, code: str) -> None:
        self._code.append(code)
        self._at += 1

    def _name(self, token: _Token) -> None:
        if token.text in _KEYWORDS:
            self._take(token.text)
            if token.text == "is":
                self._test()
        elif token.text in _CONSTANTS:
            self._take(token.text)
        else:
            self._path(token)
        if self._peek_text() == "(" and token.text not in _KEYWORDS:
            raise ExpressionFault(
                "call", f"`{token.text}` cannot be called: only filters after `|` take arguments", token.column
            )

    def _test(self) -> None:
        if self._peek_text() == "not":
            self._take("not")
        token = self._peek()
        if token is None or token.text not in _TESTS:
            column = token.column if token else len(self._text)
            raise ExpressionFault("bad-expression", "after `is` comes `defined` or `undefined`", column)
        self._take(token.text)

    def _path(self, first: _Token) -> None:
        if first.text.startswith("_"):
            raise ExpressionFault("unknown-name", "a name does not begin with `_` here", first.column)
        steps: list[str | int] = [first.text]
        self._at += 1
        while (step := self._next_step()) is not None:
            steps.append(step)
        path = tuple(steps)
        self._paths.append(PathUse(path, first.column))
        self._code.append(self._variables.setdefault(path, f"p{len(self._variables)}"))

    def _next_step(self) -> str | int | None:
        sign = self._peek_text()
        step = self._peek(1)
        if sign == ".":
            if step is None or step.kind not in ("name", "number"):
                raise ExpressionFault(
                    "bad-expression",
                    'a name or a number comes after `.`; a name with other signs is written `["@etag"]`, without a dot',
                    self._tokens[self._at].column,
                )
            self._at += 2
        elif sign == "[":
            whole = step is not None and (step.kind == "string" or step.text.isdecimal())
            if step is None or not whole or self._peek_text(2) != "]":
                raise ExpressionFault(
                    "bad-expression", "`[…]` holds one number or one name in quotes", self._tokens[self._at].column
                )
            self._at += 3
        else:
            return None
        if step.kind == "string":
            return step.text[1:-1]
        return int(step.text) if step.kind == "number" else step.text

    def _number(self, token: _Token) -> None:
        if len(token.text) > 1 and token.text.startswith("0") and not token.text.startswith("0."):
            raise ExpressionFault(
                "bad-expression", "a number does not begin with 0; put a code in quotes", token.column
            )
        self._take(token.text)

    def _sign(self, token: _Token) -> None:
        if token.text == "|":
            self._take("|")
            self._filter(token)
            return
        if token.text == "[":
            raise ExpressionFault("bad-expression", "lists cannot be written here", token.column)
        if token.text == "(":
            self._open += 1
            if self._open > MAX_PARENTHESES:
                raise ExpressionFault("bad-expression", f"at most {MAX_PARENTHESES} parentheses", token.column)
        self._take(token.text)

    def _filter(self, bar: _Token) -> None:
        token = self._peek()
        if token is None or token.kind != "name":
            raise ExpressionFault("bad-expression", "the name of a filter comes after `|`", bar.column)
        if token.text not in FUNCTIONS:
            near = get_close_matches(token.text, FUNCTIONS, n=1)
            hint = (
                f" Did you mean `{near[0]}`?"
                if near
                else " Known: " + ", ".join(f"`{name}`" for name in sorted(FUNCTIONS)) + "."
            )
            raise ExpressionFault("unknown-filter", f"there is no filter `{token.text}`.{hint}", token.column)
        self._take(token.text)
        self._filters.append(FilterUse(token.text, tuple(self._literal_arguments()), token.column))

    def _literal_arguments(self) -> Iterator[str]:
        ahead = 0
        if self._peek_text() == "(":
            while (token := self._peek(ahead)) is not None and self._peek_text(ahead) != ")":
                ahead += 1
                if token.kind == "string":
                    yield token.text[1:-1]


def _try_out(expression: Expression) -> None:
    """Let MiniJinja parse the code, and let every filter judge its arguments, on no values at all."""
    try:
        _ENVIRONMENT.eval_expr(expression._code, _words=Words.none())  # noqa: SLF001 - the parser made it
    except FunctionFailed as failure:
        raise ExpressionFault("bad-argument", str(failure)) from failure
    except TemplateError as error:
        if error.kind == "SyntaxError":
            raise ExpressionFault("bad-expression", f"this cannot be read as an expression: {error.detail}") from None
        # Anything else comes from the missing values and not from the text.


def _make_environment() -> Environment:
    environment = Environment(debug=False, fuel=FUEL, undefined_behavior="chainable", pycompat=False)
    # The parser lets no other name pass; with these gone there is nothing behind it either.
    for name in list(environment.globals):
        environment.remove_global(name)
    for name, function in as_filters().items():
        environment.add_filter(name, function)
    return environment


_ENVIRONMENT = _make_environment()


def is_time(value: object) -> bool:
    """Whether a value is a time that still needs a format."""
    return isinstance(value, datetime)
