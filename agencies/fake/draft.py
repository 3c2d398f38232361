"""A reply in the making: values put where the file's expressions will look for them.

Promises: nothing is evaluated here and nothing is guessed silently: `ways_to_make_true` and `places_of` only propose, and
whoever asks reads the draft back with the adapter's own reader before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.expressions import Expression, PathSteps
from connectors.base import Tree

Placing: TypeAlias = "dict[PathSteps, Tree]"
"""Where values go, by path."""

_EQUALS = re.compile(r"""([^\W\d]\w*(?:\.\w+|\[[^\]]+\])*)\s*==\s*(?:'([^']*)'|"([^"]*)"|(\d+(?:\.\d+)?|true|false))""")
_LIKE = re.compile(r"""([^\W\d]\w*(?:\.\w+|\[[^\]]+\])*)\s*\|\s*like\(\s*(?:'([^']*)'|"([^"]*)")\s*\)""")
_STEP = re.compile(r"\.?(\w+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")
_CONSTANTS: Mapping[str, Tree] = {"true": True, "false": False}


@dataclass(slots=True)
class Draft:
    """One reply before it is bytes. `fault` is a SOAP fault: code and text."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: tuple[str, str] | None = None
    _whole: dict[str, Any] = field(default_factory=lambda: {"reply": {}})

    @property
    def tree(self) -> Any:  # noqa: ANN401 - a tree of any depth
        """The body."""
        return self._whole["reply"]

    def put(self, steps: PathSteps, value: Tree) -> None:
        """Put a value where an expression of an answer with this path finds it."""
        root = steps[0]
        if root == "http":
            if steps[1:] == ("status",):
                self.status = int(str(value))
            elif len(steps) == 3 and steps[1] == "headers":
                self.headers[str(steps[2])] = str(value)
        elif root == "fault":
            code, text = self.fault or ("Server", "")
            self.fault = (str(value), text) if steps[1:] == ("code",) else (code, str(value))
        else:
            put(self._whole, steps if root == "reply" else ("reply", *steps), value)

    def put_all(self, placing: Placing) -> None:
        for steps, value in placing.items():
            self.put(steps, value)


def put(tree: dict[str, Any], steps: Sequence[str | int], value: Tree) -> None:
    """Put a value at a path of nested dicts and lists; what is missing on the way is made."""
    here: Any = tree
    for at, step in enumerate(steps[:-1]):
        fresh: Any = [] if isinstance(steps[at + 1], int) else {}
        inner = _get(here, step)
        if inner is None or (not inner and type(inner) is not type(fresh)) or not isinstance(inner, (dict, list)):
            inner = fresh
            _set(here, step, inner)
        here = inner
    _set(here, steps[-1], value)


def merge(tree: Any, other: Any) -> None:  # noqa: ANN401 - trees of any depth
    """Add to a tree what another has and it has not."""
    if isinstance(tree, list) and isinstance(other, list):
        for mine, theirs in zip(tree, other, strict=False):
            merge(mine, theirs)
        return
    if not isinstance(tree, dict) or not isinstance(other, dict):
        return
    for name, value in other.items():
        if name in tree:
            merge(tree[name], value)
        else:
            tree[name] = value


def _get(here: Any, step: str | int) -> Any:  # noqa: ANN401
    if isinstance(here, list):
        return here[int(step)] if int(step) < len(here) else None
    return here.get(str(step))


def _set(here: Any, step: str | int, value: Tree) -> None:  # noqa: ANN401
    if isinstance(here, list):
        while len(here) <= int(step):
            here.append({})
        here[int(step)] = value
    else:
        here[str(step)] = value


def spelt(expression: Expression, value: Tree) -> Tree:
    """The value as the expression looks for it at its path: itself, or the entry of a list that `join` or `first_of` or `last_of` takes."""
    if any(use.name == "join" for use in expression.filters):
        value = [value]
    for use in expression.filters:
        if use.name in ("first_of", "last_of") and use.literals:
            wanted, *conditions = use.literals
            return [{**dict(zip(conditions[::2], conditions[1::2], strict=False)), wanted: value}]
    return value


def places_of(expression: Expression) -> Iterator[PathSteps]:
    """Where a value could be put for the expression to find it: each of its paths, the first one first."""
    yield from dict.fromkeys(use.steps for use in expression.paths)


def ways_to_make_true(expression: Expression) -> Iterator[Placing]:
    """What could be put where, so that a condition holds: its equalities together, each alone, what it is like, something at each of its paths."""
    equalities = list(_equalities(expression.text))
    if equalities:
        yield dict(equalities)
        for steps, value in equalities:
            yield {steps: value}
    for match in _LIKE.finditer(expression.text):
        path, single, double = match.groups()
        yield {_steps(path): (single if single is not None else double).replace("*", "")}
    for steps in places_of(expression):
        for value in (True, "true", "1"):
            yield {steps: value}
    # A condition with `not` or `!=` holds where nothing stands.
    yield {}


def _equalities(text: str) -> Iterator[tuple[PathSteps, Tree]]:
    for match in _EQUALS.finditer(text):
        path, single, double, bare = match.groups()
        value: Tree = single if single is not None else double
        if value is None:
            value = _CONSTANTS.get(bare, bare)
        yield _steps(path), value


def _steps(path: str) -> PathSteps:
    steps: list[str | int] = []
    for name, single, double, number in _STEP.findall(path):
        if number or name.isdecimal():
            steps.append(int(number or name))
        else:
            steps.append(name or single or double)
    return tuple(steps)
