"""How one value is spelt in XML: by its declared kind, never guessed from how it looks. `"0412"` stays `0412`."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from decimal import Decimal

from connectors.base import NotSent, Tree
from connectors.soap.shape import Kind

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LARGEST_BITS = 1024
_TEXT_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))
_ATTRIBUTE_ESCAPES = (*_TEXT_ESCAPES, ('"', "&quot;"), ("\n", "&#10;"), ("\t", "&#9;"))


def spell(value: Tree, kind: Kind, path: str, *, in_attribute: bool = False) -> str:
    """The escaped text of a value. Raises NotSent naming the element, never the value."""
    if isinstance(value, bytes):
        return _spell_bytes(value, kind, path)
    text = _plain(value, kind, path)
    if _ILLEGAL.search(text):
        raise NotSent(
            f"{path}: holds a character that XML 1.0 cannot carry; remove control characters and lone surrogates"
        )
    for raw, escaped in _ATTRIBUTE_ESCAPES if in_attribute else _TEXT_ESCAPES:
        if raw in text:
            text = text.replace(raw, escaped)
    return text


def _spell_bytes(value: bytes, kind: Kind, path: str) -> str:
    if kind is Kind.BASE64:
        return base64.b64encode(value).decode("ascii")
    if kind is Kind.HEX:
        return value.hex().upper()
    raise NotSent(f"{path}: bytes cannot stand in a text element; encode them (base64) or send text")


def _plain(value: Tree, kind: Kind, path: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= _LARGEST_BITS:
        return str(value)
    if isinstance(value, float):
        return _float(value, kind, path)
    if kind is Kind.LIST and isinstance(value, Sequence):
        return " ".join(_plain(item, Kind.TEXT, path) for item in value)
    raise NotSent(f"{path}: takes one plain value, not a list, a group of elements or a huge number")


def _float(value: float, kind: Kind, path: str) -> str:
    if math.isfinite(value):
        # Only xs:float and xs:double know the exponent form.
        return repr(value) if kind is Kind.FLOATING else format(Decimal(repr(value)), "f")
    if kind is not Kind.FLOATING:
        raise NotSent(f"{path}: is not a finite number; leave the element out instead")
    return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
