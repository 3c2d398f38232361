"""The XML document of a packet, written from nested plain data and read back into it by local names.

Writing: `prefix:name` is an element, `@name` an attribute, `@xmlns:prefix` declares, `#text` is the text beside attributes, a list repeats
its element; `name#1` and `name#2` are two elements called `name`. Reading knows no prefixes. No DTD, entity or network has any effect; a
document that has a DTD is none.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from lxml import etree

from connectors.base import NotSent, Tree

_NAME = re.compile(r"(?:([^\W\d][\w.-]*):)?([^\W\d][\w.-]*)")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DEEPEST = 64


class NotADocument(ValueError):
    """The bytes are no document. The text says what they look like and holds nothing of them."""


def write_document(tree: Tree, charset: str) -> bytes:
    """The document, with its declaration. Raises NotSent with the path and the remedy, never a value."""
    if not isinstance(tree, Mapping) or len(tree) != 1:
        raise NotSent("send: a document has one root element; begin every row with its name")
    ((name, content),) = tree.items()
    if not isinstance(content, Mapping):
        raise NotSent(f"send.{name}: the root element holds others")
    root = _element(name, content, {}, name, 0)
    written = etree.tostring(root, xml_declaration=True, encoding=charset)
    return written if isinstance(written, bytes) else written.encode(charset)


def _element(name: str, value: Tree, spaces: Mapping[str, str], path: str, depth: int) -> etree._Element:
    if depth > _DEEPEST:
        raise NotSent(f"send.{path}: is nested more than {_DEEPEST} levels deep")
    own: dict[str, str] = {}
    if isinstance(value, Mapping):
        own = {key[6:].lstrip(":"): _text(inner, path) for key, inner in value.items() if key.startswith("@xmlns")}
        spaces = {**spaces, **own}
    nsmap: dict[str | None, str] = {prefix or None: uri for prefix, uri in own.items()}
    node = etree.Element(_tag(name, spaces, path), nsmap=nsmap)  # type: ignore[arg-type]  # the stubs forget the default namespace
    if isinstance(value, Mapping):
        _fill(node, value, spaces, path, depth)
    else:
        node.text = _text(value, path)
    return node


def _fill(node: etree._Element, value: Mapping[str, Tree], spaces: Mapping[str, str], path: str, depth: int) -> None:
    for key, inner in value.items():
        at = f"{path}.{key}"
        if key.startswith("@xmlns"):
            continue
        if key == "#text":
            node.text = _text(inner, at)
        elif key.startswith("@"):
            # An attribute without a prefix is in no namespace, whatever is the default one.
            node.set(_tag(key[1:], {**spaces, "": ""}, at), _text(inner, at))
        else:
            for one in inner if isinstance(inner, Sequence) and not isinstance(inner, str | bytes) else [inner]:
                node.append(_element(key, one, spaces, at, depth + 1))


def _tag(name: str, spaces: Mapping[str, str], path: str) -> str:
    found = _NAME.fullmatch(name.partition("#")[0])
    if found is None:
        raise NotSent(f"send.{path}: `{name}` is no name of an element or attribute")
    prefix, local = found[1] or "", found[2]
    if prefix and prefix not in spaces:
        raise NotSent(f"send.{path}: the prefix `{prefix}` is not declared; add a row `@xmlns:{prefix}` above it")
    uri = spaces.get(prefix, "")
    return f"{{{uri}}}{local}" if uri else local


def _text(value: Tree, path: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case str():
            if _UNWRITABLE.search(value):
                raise NotSent(f'send.{path}: holds a character that XML cannot carry; add `| encodable("utf-8")`')
            return value
    raise NotSent(f"send.{path}: a text belongs here, not a structure")


def read_document(raw: bytes) -> Tree:
    """The document as `{root: …}` by local names, attributes as `@name`; what repeats is a list. Raises NotADocument."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # The parser's own words quote the document, so they are not repeated.
        raise NotADocument("it is no XML, or half of one") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotADocument("it has a DTD")
    return {_local(root.tag): _read(root, 0)}


def _read(node: etree._Element, depth: int) -> Tree:
    if depth > _DEEPEST:
        raise NotADocument(f"it is nested more than {_DEEPEST} levels deep")
    content: dict[str, Tree] = {f"@{_local(name)}": str(value) for name, value in node.attrib.items()}
    children = [child for child in node if isinstance(child.tag, str)]
    if not children:
        text = "".join(str(piece) for piece in node.itertext()).strip()
        return {**content, "#text": text} if content else text
    for child in children:
        name, value = _local(child.tag), _read(child, depth + 1)
        before = content.get(name)
        if name not in content:
            content[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            content[name] = [before, value]
    return content


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]


def at(tree: Tree, path: str) -> Tree:
    """What stands at a dotted path of a document, or None."""
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def text_of(tree: Tree) -> str | None:
    """An element's text, whether or not it has attributes."""
    if isinstance(tree, Mapping):
        tree = tree.get("#text")
    return tree if isinstance(tree, str) and tree else None


def listed(tree: Tree, path: str) -> list[Tree]:
    """The elements at a path: none, a lone one or many (Q5)."""
    found = at(tree, path)
    if found is None or found == "":
        return []
    return list(found) if isinstance(found, list) else [found]
