"""Reads JSON replies into plain nested data, within bounds. What is not JSON is Unreadable, whatever the status or Content-Type."""

from __future__ import annotations

import codecs
import json
import re
from typing import NoReturn, TypeAlias

from connectors.base import Tree, Unreadable

_DEEPEST = 64
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]+)", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Json: TypeAlias = "bool | int | float | str | dict[str, Json] | list[Json] | None"


def read_json(raw: bytes, content_type: str, charset: str | None = None) -> Tree:
    """The JSON value; None for an empty body (Q32). `charset` counts whatever the reply says of itself (Q28). Raises Unreadable.

    A lone surrogate or NUL, which no database can store, is read as U+FFFD.
    """
    if not raw.strip():
        return None
    try:
        text = _text(raw, content_type) if charset is None else raw.decode(charset)
        tree: Json = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        # The parser's own words quote the reply, so they are not repeated.
        looks = "HTML" if b"<html" in raw[:2000].lower() else "something else"
        raise Unreadable(f"the reply is not JSON: {looks}") from error
    return _cleaned(tree, 0) if b"\\u" in raw else _measured(tree, 0)


def _text(raw: bytes, content_type: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # JSON is UTF-8 by its standard; some say windows-1251 in the header and mean it.
        named = _CHARSET.search(content_type)
        if named is None:
            raise
        try:
            # Looked up as a text encoding: codecs such as zlib are not one.
            return raw.decode(codecs.lookup(named[1]).name)
        except LookupError:
            raise ValueError("unknown charset") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _measured(tree: Json, depth: int) -> Json:
    if isinstance(tree, dict | list):
        if depth >= _DEEPEST:
            raise Unreadable(f"the reply is nested more than {_DEEPEST} levels deep")
        for inner in tree.values() if isinstance(tree, dict) else tree:
            _measured(inner, depth + 1)
    return tree


def _cleaned(tree: Json, depth: int) -> Json:
    match tree:
        case str():
            return _UNSTORABLE.sub("\ufffd", tree)
        case dict() | list() if depth >= _DEEPEST:
            raise Unreadable(f"the reply is nested more than {_DEEPEST} levels deep")
        case dict():
            return {_UNSTORABLE.sub("\ufffd", name): _cleaned(inner, depth + 1) for name, inner in tree.items()}
        case list():
            return [_cleaned(inner, depth + 1) for inner in tree]
    return tree
