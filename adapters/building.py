"""Writes one call in the agency's shape from the file's rows.

Promises: a missing value leaves its field out, and an emptied structure with it; a value the wire cannot carry, or an
expression that fails, raises CannotBuild which names the field and the remedy and never the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adapters.context import Scope, is_missing
from adapters.expressions import Expression, ExpressionFailed, is_time
from adapters.functions import Words
from adapters.plan import Field, FileFields, Sending
from connectors.base import Call, FilePart, Tree


class CannotBuild(Exception):
    """The file cannot say this message. The agency was not asked; the file or a table of it must be mended."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def build_call(sending: Sending, scope: Scope, words: Words) -> Call:
    """The call of one step. Raises CannotBuild."""
    return Call(
        operation=sending.operation,
        body=_body(sending.body, scope, words),
        path=_texts(sending.path, scope, words),
        query=_texts(sending.query, scope, words),
        headers=_texts(sending.headers, scope, words),
        form=_texts(sending.form, scope, words),
        files=tuple(_file(row, scope, words) for row in sending.files),
        safe=sending.safe,
    )


def _body(rows: Iterable[Field], scope: Scope, words: Words) -> Tree:
    body: dict[str, Tree] = {}
    for row in rows:
        value = _value(row.name, row.value, scope, words)
        if is_missing(value):
            continue
        branch: dict[str, Tree] = body
        for step in row.to[:-1]:
            inner = branch.setdefault(step, {})
            if not isinstance(inner, dict):
                raise CannotBuild(f"`{row.name}`: `{step}` is a value and a structure at once")
            branch = inner
        branch[row.to[-1]] = _plain(row.name, value)
    return body or None


def _texts(rows: Iterable[Field], scope: Scope, words: Words) -> dict[str, str]:
    texts: dict[str, str] = {}
    for row in rows:
        value = _value(row.name, row.value, scope, words)
        if not is_missing(value):
            texts[row.name] = _as_text(row.name, value)
    return texts


def _as_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise CannotBuild(f"`{name}` must be a text or a number" + _remedy(value))


def _file(row: FileFields, scope: Scope, words: Words) -> FilePart:
    content = _value(row.field, row.content, scope, words)
    if not isinstance(content, bytes):
        raise CannotBuild(f"`{row.field}`: the content of a file must be bytes, such as `item.content`")
    name = _as_text(f"{row.field}.name", _value(row.field, row.name, scope, words) or "file")
    media_type = _as_text(f"{row.field}.media_type", _value(row.field, row.media_type, scope, words))
    return FilePart(field=row.field, file_name=name, media_type=media_type, content=content)


def _value(name: str, expression: Expression, scope: Scope, words: Words) -> object:
    try:
        return expression.evaluate(scope, words)
    except ExpressionFailed as failure:
        raise CannotBuild(f"`{name}`: {failure}") from failure


def _plain(name: str, value: object) -> Tree:
    if isinstance(value, (str, bool, int, float, bytes)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(name, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(name, inner) for inner in value]
    raise CannotBuild(f"`{name}` cannot be sent" + _remedy(value))


def _remedy(value: object) -> str:
    return "; a time needs a form: add `| local` or `| utc_ms`" if is_time(value) else ""
