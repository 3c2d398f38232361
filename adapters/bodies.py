"""Bodies that agencies post to us, read into plain nested data: JSON, forms, XML and SOAP envelopes.

Promises: no DTD, entity or network has any effect; size is the door's business and depth is bounded here; XML is read by local names,
an attribute as `@name`; a NUL or half a character, which no database can store, becomes U+FFFD; what cannot be read is NotABody,
whose text holds nothing of it.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qsl

from lxml import etree

from connectors.base import Tree, Unreadable
from connectors.rest.reply import read_json

_DEEPEST = 64
_MOST_FIELDS = 1_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ENVELOPE, _BODY = "Envelope", "Body"


class NotABody(Exception):
    """The body is not what the file says. `text` is one sentence without content."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def read_body(raw: bytes, form: Literal["json", "form", "xml"], inside: str | None = None) -> Tree:
    """The data of a body; `inside` names the form field whose text is JSON. Raises NotABody."""
    if form == "xml":
        return _xml(raw)
    if form == "json":
        return _json(raw)
    fields = _form(raw)
    if inside is None:
        return fields
    text = fields.get(inside)
    if not isinstance(text, str):
        raise NotABody(f"the form has no field `{inside}`")
    return _json(text.encode("utf-8", "replace"))


def _json(raw: bytes) -> Tree:
    try:
        return read_json(raw, "application/json; charset=utf-8")
    except Unreadable:
        raise NotABody("the body is not JSON") from None


def _form(raw: bytes) -> dict[str, Tree]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST_FIELDS)
    except (UnicodeDecodeError, ValueError):
        raise NotABody("the body is not a form") from None
    fields: dict[str, Tree] = {}
    for name, value in ((_storable(name), _storable(value)) for name, value in pairs):
        before = fields.get(name)
        if name not in fields:
            fields[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            fields[name] = [before, value]
    return fields


def _xml(raw: bytes) -> Tree:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        # The parser's own words quote the body, so they are not repeated.
        raise NotABody("the body is not XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotABody("the body has a DTD, which it may not have")
    if _local(root) == _ENVELOPE:
        inner = [child for part in root if _local(part) == _BODY for child in part if isinstance(child.tag, str)]
        if not inner:
            raise NotABody("the Body of the envelope is empty")
        root = inner[0]
    return {_local(root): _element(root, 0)}


def _element(node: etree._Element, depth: int) -> Tree:
    """An element as a text, or as a mapping of what stands in it; what repeats is a list."""
    if depth >= _DEEPEST:
        raise NotABody(f"the body is nested more than {_DEEPEST} levels deep")
    content: dict[str, Tree] = {
        f"@{name}": str(value)
        for name, value in node.attrib.items()
        if isinstance(name, str) and not name.startswith("{")
    }
    for child in node.iterchildren("*"):
        name, value = _local(child), _element(child, depth + 1)
        before = content.get(name)
        if name not in content:
            content[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            content[name] = [before, value]
    text = "".join(str(piece) for piece in node.itertext()) if not len(node) else ""
    if not content:
        return text.strip() or None
    return {**content, "#text": text.strip()} if text.strip() else content


def _local(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)
