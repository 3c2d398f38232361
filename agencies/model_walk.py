"""Finds what stands in a loaded file by the types of its model: expressions, request lines, texts with `${NAME}`.

Promises: a key that is added to the model is found without anybody remembering to list it; what is found comes in the
order of the model, with the path it is written at.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from agencies.model_scalars import Expr, RequestLine, SecretText, WithVariables
from agencies.source import Path


class Mark(Enum):
    """What a text of the file is, by its type in the model."""

    EXPRESSION = "expression"
    REQUEST = "request line"
    VARIABLES = "text with variables"
    SECRET = "secret"  # noqa: S105 - a description


class Marked(NamedTuple):
    """One text of the file and where it is written."""

    path: Path
    text: str
    mark: Mark


_MARKS = {
    id(get_args(Expr)[1]): Mark.EXPRESSION,
    id(get_args(RequestLine)[-1]): Mark.REQUEST,
    id(get_args(WithVariables)[-1]): Mark.VARIABLES,
    id(get_args(SecretText)[-1]): Mark.SECRET,
}


def marked(file: BaseModel) -> Iterator[Marked]:
    """Every marked text of a loaded file."""
    found: list[Marked] = []
    _of_model(file, (), found)
    yield from found


def _of_model(model: BaseModel, at: Path, found: list[Marked]) -> None:
    written = model.model_fields_set
    for name, key, mark in _fields(type(model)):
        # What the file does not say is not judged: a default is ours.
        if name in written:
            _of_value(getattr(model, name), mark, (*at, key), found)


def _of_value(value: object, mark: Mark | None, at: Path, found: list[Marked]) -> None:
    if isinstance(value, str):
        if mark is not None:
            found.append(Marked(at, value, mark))
    elif isinstance(value, BaseModel):
        _of_model(value, at, found)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _of_value(inner, mark, (*at, str(key)), found)
    elif isinstance(value, (tuple, list)):
        for number, inner in enumerate(value):
            _of_value(inner, mark, (*at, number), found)


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, Mark | None], ...]:
    """Attribute, key in the file, and what its texts are."""
    hints = get_type_hints(model, include_extras=True)
    fields = ((name, info.alias or name, _mark(hints[name])) for name, info in model.model_fields.items())
    # Where nothing is marked nobody needs to look: tables and examples are half of a file.
    return tuple(one for one in fields if one[2] is not None or _leads_to_mark(hints[one[0]], frozenset({model})))


def _leads_to_mark(hint: Any, above: frozenset[type[BaseModel]]) -> bool:  # noqa: ANN401 - as in `_mark`
    """Whether a model that this type may hold has a marked text, however deep."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        if hint in above:
            return True
        inner = get_type_hints(hint, include_extras=True)
        known = (inner[name] for name in hint.model_fields)
        return any(_mark(one) is not None or _leads_to_mark(one, above | {hint}) for one in known)
    return any(_leads_to_mark(one, above) for one in get_args(hint))


def _mark(hint: Any) -> Mark | None:  # noqa: ANN401 - annotations are of no common type
    """The mark of the texts a type allows, however deep it holds them; models inside are asked for themselves."""
    if get_origin(hint) is Annotated:
        for one in hint.__metadata__:
            if id(one) in _MARKS:
                return _MARKS[id(one)]
        return _mark(hint.__origin__)
    for inner in get_args(hint):
        found = _mark(inner)
        if found is not None:
            return found
    return None
