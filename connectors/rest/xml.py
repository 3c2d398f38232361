"""XML bodies of services that are not SOAP: written from a mapping, read leniently by local names.

A mapping has one key, the root element; `@name` is an attribute, `@xmlns` the namespace from there on, `#text` the text beside
attributes, a list the element as often as it has items. A reply is read as the content of its root. No DTD, entity or network has any effect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from lxml import etree

from connectors.base import NotSent, Tree, Unreadable

_DEEPEST = 64
_NAME = re.compile(r"[^\W\d][\w.-]*")
_DECLARED_ENCODING = re.compile(rb"\s*<\?xml[^>]*\sencoding\s*=")
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]+)", re.IGNORECASE)


def written_xml(body: Tree, charset: str) -> bytes:
    """The document. What `charset` lacks is written as a character reference. Raises NotSent naming the element, never the value."""
    if not isinstance(body, Mapping) or len(body) != 1:
        raise NotSent("body: an XML body has one root element; begin every row of `send` with its name")
    ((name, content),) = body.items()
    if isinstance(content, list | tuple):
        raise NotSent(f"{name}: the root element stands once")
    root = _started(None, name, content, "", name)
    _fill(root, content, _namespace("", content, name), name, 0)
    return cast("bytes", etree.tostring(root, xml_declaration=True, encoding=charset))


def _fill(node: etree._Element, content: Tree, namespace: str, path: str, depth: int) -> None:
    """Put attributes, text and elements into `node`, which stands in `namespace`."""
    if depth > _DEEPEST:
        raise NotSent(f"{path}: is nested more than {_DEEPEST} levels deep")
    values = content if isinstance(content, Mapping) else {"#text": content}
    for key, value in values.items():
        here = path if key == "#text" else f"{path}.{key}"
        if key == "@xmlns" or value is None:
            continue
        if key == "#text" or key.startswith("@"):
            _put(node, key, _text(value, here), here)
            continue
        items = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
        for item in items:
            child = _started(node, key, item, namespace, here)
            _fill(child, item, _namespace(namespace, item, here), here, depth + 1)


def _started(parent: etree._Element | None, name: str, content: Tree, namespace: str, path: str) -> etree._Element:
    """A new element, in its parent's namespace unless it names its own."""
    _check_name(name, path)
    space = _namespace(namespace, content, path)
    tag = f"{{{space}}}{name}" if space else name
    # The stubs forget that the default namespace has no prefix.
    known = cast("dict[str, str]", {None: space} if space else {})
    try:
        return etree.Element(tag, nsmap=known) if parent is None else etree.SubElement(parent, tag, nsmap=known)
    except ValueError as error:
        raise NotSent(f"{path}.@xmlns: is no namespace") from error


def _namespace(namespace: str, content: Tree, path: str) -> str:
    stated = content.get("@xmlns") if isinstance(content, Mapping) else None
    return namespace if stated is None else _text(stated, f"{path}.@xmlns")


def _put(node: etree._Element, key: str, text: str, path: str) -> None:
    try:
        if key == "#text":
            node.text = text
        else:
            _check_name(key[1:], path)
            node.set(key[1:], text)
    except ValueError as error:
        remedy = "holds a character that XML 1.0 cannot carry; remove control characters and lone surrogates"
        raise NotSent(f"{path}: {remedy}") from error


def _check_name(name: str, path: str) -> None:
    if not _NAME.fullmatch(name):
        raise NotSent(f"{path}: is not a name that an XML element or attribute can have")


def _text(value: Tree, path: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise NotSent(f"{path}: takes one plain value; bytes must be encoded (base64)")


def read_xml(raw: bytes, content_type: str, charset: str | None = None) -> Tree:
    """The content of the root element; None for an empty body (Q32). `charset` counts whatever the reply says of itself. Raises Unreadable."""
    if not raw.strip():
        return None
    named = _CHARSET.search(content_type)
    if charset is None and named is not None and not _DECLARED_ENCODING.match(raw[:200]):
        charset = named[1]
    try:
        parser = etree.XMLParser(
            encoding=charset,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        # The parser's own words quote the reply, so they are not repeated.
        looks = "HTML" if b"<html" in raw[:2000].lower() else "something else"
        raise Unreadable(f"the reply is not XML: {looks}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("the reply has a DTD, which is never read")
    tree = _tree(root, 0)
    return {_local(root): tree} if isinstance(tree, str) else tree


def _tree(node: etree._Element, depth: int) -> Tree:
    if depth > _DEEPEST:
        raise Unreadable(f"the reply is nested more than {_DEEPEST} levels deep")
    content: dict[str, Tree] = {
        f"@{name}": str(value)
        for name, value in node.attrib.items()
        if isinstance(name, str) and not name.startswith("{")
    }
    children = [child for child in node if isinstance(child.tag, str)]
    if not children:
        text = node.text or ""
        return {**content, "#text": text} if content else text
    repeated: dict[str, list[Tree]] = {}
    for child in children:
        name, value = _local(child), _tree(child, depth + 1)
        if name in repeated:
            repeated[name].append(value)
        elif name in content:
            repeated[name] = [content[name], value]
            content[name] = repeated[name]
        else:
            content[name] = value
    return content


def _local(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2]
