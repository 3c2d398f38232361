"""Where the language of agency files ends: named Python functions of adapters/hooks, allowed one by one.

Promises: only a function of a module in adapters/hooks is ever called, only where OKNO_HOOKS names it, and only while its module keeps
to the rules (it imports nothing but a few harmless modules and touches no file, network or global name); a hook gets plain data and
gives plain data of bounded size within a bounded number of steps. What breaks this is a fault of the value and not of the hub.
"""

from __future__ import annotations

import ast
import importlib
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, TypeAlias

import adapters.hooks
from adapters.functions import FunctionFailed

ALLOWED_VARIABLE = "OKNO_HOOKS"
MAX_STEPS = 50_000
MAX_RESULT = 1_000_000
MAX_DEPTH = 20
HARMLESS = frozenset(
    {"__future__", "collections", "datetime", "decimal", "math", "re", "string", "typing", "unicodedata"}
)
_FORBIDDEN = frozenset(
    {
        "__import__",
        "breakpoint",
        "compile",
        "delattr",
        "eval",
        "exec",
        "getattr",
        "globals",
        "input",
        "locals",
        "open",
        "print",
        "setattr",
        "vars",
    }
)
_FOLDER = pathlib.Path(adapters.hooks.__file__ or "").parent

Hook: TypeAlias = Callable[[object], object]


def why_not(name: str, allowed: frozenset[str] | None = None) -> str | None:
    """Why `module:function` is not a hook that may run, with the remedy, or None when it may."""
    module, _, function = name.partition(":")
    path = _FOLDER / f"{module}.py"
    if not path.is_file():
        return f"there is no file adapters/hooks/{module}.py"
    try:
        impurity = _impurity(ast.parse(path.read_text("utf-8")))
    except SyntaxError as error:
        impurity = f"cannot be read as Python (line {error.lineno})"
    if impurity is not None:
        return f"adapters/hooks/{module}.py {impurity}"
    if not callable(getattr(importlib.import_module(f"adapters.hooks.{module}"), function, None)):
        return f"adapters/hooks/{module}.py has no function `{function}`"
    if name not in (allowed_hooks() if allowed is None else allowed):
        return f"the hub is not told to run it: add `{name}` to the variable {ALLOWED_VARIABLE}"
    return None


def allowed_hooks(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """What OKNO_HOOKS allows: names such as `north_roads:house_number`, separated by commas."""
    return frozenset(name.strip() for name in environment.get(ALLOWED_VARIABLE, "").split(",") if name.strip())


def load_hooks(named: Mapping[str, str]) -> Mapping[str, Hook]:
    """The hooks of one file by the names it gives them. One that may not run fails when it is used, and nothing else does."""
    return {name: _bounded(name, target) for name, target in named.items()}


def _bounded(name: str, target: str) -> Hook:
    refused = why_not(target)
    module, _, function = target.partition(":")

    def run(value: object) -> object:
        if refused is not None:
            raise FunctionFailed(f"`hook`: `{name}` cannot run: {refused}")
        body = getattr(importlib.import_module(f"adapters.hooks.{module}"), function)
        try:
            result = _within_steps(body, _plain(value, 0))
        except _TooLong:
            raise FunctionFailed(f"`hook`: `{name}` took more than {MAX_STEPS} steps") from None
        # A hook is somebody's program on foreign data: whatever it raises is a fault of this one value.
        except Exception as error:  # noqa: BLE001
            raise FunctionFailed(f"`hook`: `{name}` failed ({type(error).__name__})") from None
        if _size(result, 0) > MAX_RESULT:
            raise FunctionFailed(
                f"`hook`: `{name}` gave more than {MAX_RESULT} characters, or something that is not plain data"
            )
        return result

    return run


class _TooLong(BaseException):
    """More steps than a hook has. Not an Exception, so that a hook cannot catch it by accident."""


def _within_steps(body: Hook, value: object) -> object:
    left = MAX_STEPS

    def count(_frame: FrameType, _event: str, _argument: Any) -> Any:  # noqa: ANN401 - the form that settrace asks for
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooLong
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return body(value)
    finally:
        sys.settrace(before)


def _plain(value: object, depth: int) -> object:
    """A copy: a hook cannot change what others read."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, depth + 1) for inner in value]
    return value


def _size(value: object, depth: int) -> float:
    if depth > MAX_DEPTH:
        return float("inf")
    if value is None or isinstance(value, (bool, int, float)):
        return 8
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) if isinstance(key, str) else float("inf") for key in value) + sum(
            _size(inner, depth + 1) for inner in value.values()
        )
    if isinstance(value, list):
        return 8 + sum(_size(inner, depth + 1) for inner in value)
    return float("inf")


def _impurity(tree: ast.AST) -> str | None:
    return next(_impurities(tree), None)


def _impurities(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            foreign = [alias.name for alias in node.names if alias.name.partition(".")[0] not in HARMLESS]
        elif isinstance(node, ast.ImportFrom):
            foreign = (
                [] if (node.module or "").partition(".")[0] in HARMLESS and not node.level else [node.module or "."]
            )
        else:
            foreign = []
        if foreign:
            yield f"imports `{foreign[0]}`; a hook may import {', '.join(sorted(HARMLESS - {'__future__'}))}"
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            yield "changes names outside its functions; a hook keeps nothing"
        if isinstance(node, ast.Name) and node.id in _FORBIDDEN:
            yield f"uses `{node.id}`; a hook only makes a value out of a value"
        if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            yield f"reaches for `{node.attr}`; a hook only makes a value out of a value"
