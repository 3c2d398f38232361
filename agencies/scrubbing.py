"""Takes persons and secrets out of a recorded reply, and leaves its shape and what the file reads as codes.

Promises: a value stays only when it is a number, a time, a yes or no, a code under a name that the file reads codes from, or
a part of what we sent ourselves, which is invented; what cannot be taken apart is not kept at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

from lxml import etree

_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,40}")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?|\d\d?[.-][A-Za-z0-9]{2,3}[.-]\d{2,4}.{0,12}"
)
_PLAIN = re.compile(r"true|false|\d{1,6}", re.IGNORECASE)
_DEEPEST = 60


class CannotScrub(Exception):
    """The reply cannot be taken apart, so it may not be kept."""


def scrub(
    body: bytes,
    content_type: str,
    *,
    codes_under: Collection[str],
    ours: str,
    secrets: Collection[str],
    reference: str = "",
) -> str:
    """The reply as text in UTF-8. `ours` is what was sent, `reference` our number in it. Raises CannotScrub."""
    text = _scrubbed(body, content_type, _Keeping(frozenset(codes_under), ours, reference))
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "secret")
    return text


class _Keeping:
    """What may stay."""

    def __init__(self, codes_under: frozenset[str], ours: str, reference: str) -> None:
        self._codes_under = codes_under
        self._ours = ours
        self._reference = reference

    def text(self, name: str, value: str) -> str:
        plain = value.strip()
        if not plain or _PLAIN.fullmatch(plain) or _TIME.fullmatch(plain):
            return value
        if name in self._codes_under and _CODE.fullmatch(plain):
            return value
        if len(plain) > 2 and plain in self._ours:
            return value
        # A look-up may know our case by the number inside a text of theirs (Q37).
        number = f"{self._reference} " if self._reference and self._reference in plain else ""
        return f"{number}words ({len(value)})"

    def number(self, value: float) -> float:
        """A place on the map says where somebody lives."""
        return value if isinstance(value, int) or str(value) in self._ours else 0.0


def _scrubbed(body: bytes, content_type: str, keeping: _Keeping) -> str:
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return ""
    if start.startswith(b"<"):
        return _xml(body, keeping)
    try:
        tree = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise CannotScrub(
            f"a reply of the type {content_type.split(';', maxsplit=1)[0] or 'unknown'} cannot be taken apart"
        ) from None
    return json.dumps(_json("", tree, keeping, 0), ensure_ascii=False, indent=1)


def _json(name: str, value: object, keeping: _Keeping, depth: int) -> object:
    if depth > _DEEPEST:
        raise CannotScrub("the reply is nested too deeply")
    if isinstance(value, Mapping):
        return {str(key): _json(str(key), inner, keeping, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(name, inner, keeping, depth + 1) for inner in value]
    if isinstance(value, str):
        return keeping.text(name, value)
    return keeping.number(value) if isinstance(value, float) else value


def _xml(body: bytes, keeping: _Keeping) -> str:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise CannotScrub("the reply is no well-formed XML") from None
    for node in root.iter():
        if not isinstance(node.tag, str):
            raise CannotScrub("the reply holds more than elements")
        name = etree.QName(node).localname
        if node.text:
            node.text = keeping.text(name, node.text)
        if node.tail:
            node.tail = keeping.text("", node.tail)
        for key, value in node.attrib.items():
            if not str(key).startswith("{http://www.w3.org/"):
                node.attrib[key] = keeping.text(etree.QName(key).localname, str(value))
    return etree.tostring(root, encoding="unicode")
