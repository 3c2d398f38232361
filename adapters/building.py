"""Writes one call in the agency's shape from the file's rows.

Promises: a missing value leaves its field out, and an emptied structure with it; a value the wire cannot carry, or an
expression that fails, raises CannotBuild which names the field and the remedy and never the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from adapters.context import Scope, is_missing
from adapters.expressions import Expression, ExpressionFailed, is_time
from adapters.functions import Words
from adapters.plan_sending import EachField, Field, FileFields, Row, Sending
from adapters.texts import PLAIN, CannotHold, TextRules
from connectors.base import Call, FilePart, Tree
from connectors.credentials import Credential, Credentials

MAX_LIST = 10_000
_CREDENTIALS = Credentials()


class CannotBuild(Exception):
    """The file cannot say this message. The agency was not asked; the file or a table of it must be mended."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def build_call(sending: Sending, scope: Scope, words: Words, text: TextRules | None = None) -> Call:
    """The call of one step; `text` is what every text goes through. Raises CannotBuild."""
    builder = _Builder(words, text)
    # Places only: their values are the connector's.
    scope = {**scope, "credentials": _CREDENTIALS}
    return Call(
        operation=sending.operation,
        body=builder.body(sending.body, scope) or None,
        path=builder.texts(sending.path, scope),
        query=builder.texts(sending.query, scope),
        headers=builder.texts(sending.headers, scope),
        form=builder.texts(sending.form, scope),
        files=tuple(part for row in sending.files for part in builder.files(row, scope)),
        safe=sending.safe,
    )


class _Builder:
    """Writes one call's rows for one agency."""

    def __init__(self, words: Words, text: TextRules | None) -> None:
        self._words = words
        self._text = text

    def body(self, rows: Iterable[Row], scope: Scope) -> dict[str, Tree]:
        body: dict[str, Tree] = {}
        for row in rows:
            value = self._list(row, scope) if isinstance(row, EachField) else self._one(row, scope)
            if value is None:
                continue
            branch: dict[str, Tree] = body
            for step in row.to[:-1]:
                inner = branch.setdefault(step, {})
                if not isinstance(inner, dict):
                    raise CannotBuild(f"`{row.name}`: `{step}` is a value and a structure at once")
                branch = inner
            branch[row.to[-1]] = value
        return body

    def texts(self, rows: Iterable[Field], scope: Scope) -> dict[str, str]:
        found = ((row.name, self._one(row, scope, as_text=True)) for row in rows)
        return {name: str(value) for name, value in found if value is not None}

    def files(self, row: FileFields, scope: Scope) -> Iterator[FilePart]:
        if row.each is None:
            yield self._file(row.field, row, scope)
            return
        for number, item in enumerate(self._items(row.field, row.each, scope), 1):
            yield self._file(row.field.replace("{number}", str(number)), row, {**scope, "item": item})

    def _one(self, row: Field, scope: Scope, *, as_text: bool = False) -> Tree:
        """The value of a row as it goes out; None leaves the field out."""
        value = self._value(row.name, row.value, scope)
        bounds = row.bounds
        if is_missing(value):
            return "" if bounds.send_empty else None
        plain: Tree = self._plain(row.name, _as_text(row.name, value) if as_text else value)
        if bounds.max_chars is not None or bounds.max_bytes is not None:
            ending = None if bounds.when_cut is None else self._value(row.name, bounds.when_cut, scope)
            plain = (self._text or PLAIN).cut(
                _as_text(row.name, plain), bounds.max_chars, bounds.max_bytes, None if ending is None else str(ending)
            )
        return "" if plain == "" and bounds.send_empty else None if plain == "" else plain

    def _list(self, row: EachField, scope: Scope) -> Tree:
        items = self._items(row.name, row.each, scope)[: row.at_most]
        found: list[Tree] = []
        for number, item in enumerate(items, 1):
            inner: dict[str, object] = {**scope, "item": item, "number": number}
            if row.value is not None:
                value = self._value(row.name, row.value, inner)
                if not is_missing(value):
                    found.append(self._plain(row.name, value))
            elif body := self.body(row.body, inner):
                found.append(body)
        return found or ([] if row.send_empty else None)

    def _items(self, name: str, each: Expression, scope: Scope) -> list[object]:
        value = self._value(name, each, scope)
        items = [] if is_missing(value) else list(value) if isinstance(value, (list, tuple)) else [value]
        if len(items) > MAX_LIST:
            raise CannotBuild(f"`{name}` would hold more than {MAX_LIST} items")
        return items

    def _file(self, field: str, row: FileFields, scope: Scope) -> FilePart:
        content = self._value(field, row.content, scope)
        if isinstance(content, str):
            # A text becomes a file in what this agency can hold.
            content = self._ready(field, content).encode(self._text.charset if self._text else "utf-8", "replace")
        if not isinstance(content, bytes):
            raise CannotBuild(f"`{field}`: the content of a file must be bytes, such as `item.content`")
        name = self._plain(f"{field}.name", self._value(field, row.name, scope) or "file")
        media_type = self._plain(f"{field}.media_type", self._value(field, row.media_type, scope))
        return FilePart(field, _as_text(f"{field}.name", name), _as_text(f"{field}.media_type", media_type), content)

    def _value(self, name: str, expression: Expression, scope: Scope) -> object:
        try:
            return expression.evaluate(scope, self._words)
        except ExpressionFailed as failure:
            raise CannotBuild(f"`{name}`: {failure}") from failure

    def _plain(self, name: str, value: object) -> Tree:
        if isinstance(value, Credential):
            return value
        if isinstance(value, str):
            return self._ready(name, value)
        if isinstance(value, (bool, int, float, bytes)):
            return value
        if isinstance(value, Mapping):
            return {str(key): self._plain(name, inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(name, inner) for inner in value]
        raise CannotBuild(f"`{name}` cannot be sent" + _remedy(value))

    def _ready(self, name: str, text: str) -> str:
        if self._text is None:
            return text
        try:
            return self._text.made_ready(text)
        except CannotHold:
            raise CannotBuild(
                f"`{name}` holds a sign that {self._text.charset} lacks, and `text.cannot_hold` says `refuse`"
            ) from None


def _as_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise CannotBuild(f"`{name}` must be a text or a number" + _remedy(value))


def _remedy(value: object) -> str:
    return "; a time needs a form: add `| local`, `| utc_ms` or `| time(…)`" if is_time(value) else ""
