"""pydantic's errors, said as faults of the file: the words of the file's author, at the line they wrote.

Promises: every error of a validation becomes a fault at the nearest place that exists in the file; an unknown key
suggests the key meant; a branch of a union the author plainly did not choose is not complained about; a
`PydanticCustomError` whose type has a hyphen (`unknown-filter`) keeps that type as the fault's code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agencies.fault import Fault, did_you_mean
from agencies.yaml_tree import Elsewhere, Path, Position, Tree

# What a value of the wrong kind should have been, by pydantic's error type.
_KINDS = {
    "string_type": "text",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "mapping_type": "a mapping of keys",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "decimal_parsing": "a number",
    "decimal_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_parsing": "a date like 2026-01-31",
    "date_parsing": "a date like 2026-01-31",
    "date_type": "a date like 2026-01-31",
    "datetime_parsing": "a time like 2026-01-31T09:00:00+03:00",
    "datetime_from_date_parsing": "a time like 2026-01-31T09:00:00+03:00",
    "datetime_type": "a time like 2026-01-31T09:00:00+03:00",
}


@dataclass(frozen=True)
class _Located:
    error: ErrorDetails
    path: Path  # the longest part of the error's location that exists in the file
    of_key: bool  # the error is about a mapping's key, not its value
    in_union: bool  # pydantic's location went through a union's branch


def faults_of_model(error: ValidationError, model: type[BaseModel], tree: Tree, file: str) -> list[Fault]:
    """The faults of a failed `model.model_validate(tree.data)`, in reading order."""
    located = [_locate(details, tree) for details in error.errors(include_url=False, include_input=False)]
    kept = [one for one in located if not _is_unchosen_branch(one, located)]
    kinds: dict[Path, list[str]] = {}
    faults: list[Fault] = []
    for one in kept:
        kind = _KINDS.get(one.error["type"])
        if kind is not None and not one.of_key:
            kinds.setdefault(one.path, []).append(kind)
        else:
            faults.append(_fault(one, model, tree, file))
    for path, wanted in kinds.items():
        text = f"{said(path)} must be {' or '.join(dict.fromkeys(wanted))}"
        faults.append(fault_at(position(tree, path), file, "wrong-type", text))
    return sorted(set(faults))


def position(tree: Tree, path: Path, of_key: bool = False) -> Position:
    """Where `path` is written: its value, or its key; for a path that is not in the file the nearest parent that is."""
    return tree.position(path, of_key=of_key)


def fault_at(place: Position, file: str, code: str, text: str) -> Fault:
    """A fault of `file`, or of the file where the place really is."""
    return Fault(place.file if isinstance(place, Elsewhere) else file, place.line, place.column, code, text)


def said(path: Path) -> str:
    """A path as people write it: `translate.kinds`, `examples[1].sends`; the whole file for an empty path."""
    if not path:
        return "the file"
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return f"`{text}`"


def _locate(error: ErrorDetails, tree: Tree) -> _Located:
    """pydantic's location holds union tags and `[key]` marks beside real steps: keep the steps the file has."""
    path: Path = ()
    skipped = False
    of_key = False
    for step in error["loc"]:
        if step == "[key]":
            of_key = True
        elif (*path, step) in tree.values:
            path = (*path, step)
        elif (*path, str(step)) in tree.values:
            path = (*path, str(step))
        else:
            skipped = True
    if error["type"] == "missing":
        skipped = len(error["loc"]) - len(path) > 1
    return _Located(error, path, of_key, skipped)


def _is_unchosen_branch(one: _Located, located: Sequence[_Located]) -> bool:
    """`must be text` about a mapping is noise when another branch of the same union looked inside that mapping."""
    if not one.in_union or one.error["type"] not in _KINDS:
        return False
    return any(
        other.in_union and other.error["type"] not in _KINDS and other.path[: len(one.path)] == one.path
        for other in located
    ) or any(len(other.path) > len(one.path) and other.path[: len(one.path)] == one.path for other in located)


def _fault(one: _Located, model: type[BaseModel], tree: Tree, file: str) -> Fault:
    details = one.error
    kind = details["type"]
    if kind == "missing":
        text = f"{said(one.path)} needs the key `{details['loc'][-1]}`"
        return fault_at(position(tree, one.path), file, "missing-key", text)
    if kind == "extra_forbidden":
        place = position(tree, one.path, of_key=True)
        word = str(one.path[-1]) if one.path else ""
        suggestion = did_you_mean(word, keys_at(model, one.path[:-1]))
        return fault_at(place, file, "unknown-key", f"{said(one.path)} is not a key here.{suggestion}")
    place = position(tree, one.path, of_key=one.of_key)
    code = kind if "-" in kind else "bad-value"
    return fault_at(place, file, code, f"{said(one.path)}: {_words(details, one.path, tree)}")


def _words(details: ErrorDetails, path: Path, tree: Tree) -> str:
    message = details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if details["type"] in ("literal_error", "enum"):
        written = at(tree.data, path)
        choices = re.findall(r"'([^']*)'", str(details.get("ctx", {}).get("expected", "")))
        near = did_you_mean(written, choices) if isinstance(written, str) else ""
        message = "must be one of " + ", ".join(f"`{choice}`" for choice in choices) + "."
        return message + near if near.startswith(" Did") else message
    return message[:1].lower() + message[1:]


def at(data: object, path: Path) -> object:
    """The part of plain data at `path`. Raises `KeyError`, `IndexError` or `TypeError` when it is not there."""
    for step in path:
        if isinstance(data, Mapping):
            data = data[step]
            continue
        if not isinstance(data, list) or not isinstance(step, int):
            raise TypeError(f"nothing can be at {step!r} of a {type(data).__name__}")
        items: list[object] = data
        data = items[step]
    return data


def keys_at(model: type[BaseModel], path: Path) -> set[str]:
    """The keys a mapping at `path` may have, over all branches of unions on the way."""
    kinds: list[Any] = list(_branches(model))
    for step in path:
        kinds = [branch for kind in kinds for inner in _inside(kind, step) for branch in _branches(inner)]
    return {name for kind in kinds if _is_model(kind) for name in _fields(kind)}


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _branches(kind: object) -> Iterator[object]:
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _branches(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for branch in get_args(kind):
            yield from _branches(branch)
    elif hasattr(kind, "__value__"):  # `type X = …` of Python 3.12 and TypeAliasType
        yield from _branches(kind.__value__)
    else:
        yield kind


def _inside(kind: Any, step: str | int) -> Iterator[object]:  # noqa: ANN401 - annotations are of no common type
    if _is_model(kind):
        fields = _fields(kind)
        if step in fields:
            yield fields[str(step)]
        return
    arguments = get_args(kind)
    origin = get_origin(kind)
    if not isinstance(origin, type) or not arguments:
        return
    if issubclass(origin, Mapping):
        yield arguments[1]
    elif isinstance(step, int):
        yield from (argument for argument in arguments if argument is not Ellipsis)
