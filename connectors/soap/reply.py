"""Reads envelopes leniently: by local name, whatever the namespace, order or SOAP version (Q43, Q49), into plain nested data.

A reply to a successful call may contradict the system's own WSDL; it must still give up its case number. What the WSDL declares as
repeating is always a list (Q5). What is not an envelope at all is Unreadable. No DTD, entity or network has any effect.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from connectors.base import Fault, Tree, Unreadable
from connectors.soap.mtom import is_in_parts, put_back, split
from connectors.soap.references import follow_references
from connectors.soap.schemas import Schemas
from connectors.soap.shape import Shape
from connectors.soap.signature import Verifier
from connectors.soap.strict import contradiction
from connectors.soap.wsdl import Operation

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_LONGEST_FAULT_CHARS = 500
_LONGEST_CODE_CHARS = 100
_DEEPEST_SUBCODE = 10
_DECLARED_ENCODING = re.compile(rb"\s*<\?xml[^>]*\sencoding\s*=")
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SoapReply:
    """What an envelope says. With a fault `tree` is `{"Fault": …}`, so that what the agency put beside it can still be read."""

    tree: Tree
    fault: Fault | None


def read_envelope(
    raw: bytes,
    content_type: str,
    operation: Operation,
    *,
    strict: bool = False,
    schemas: Schemas | None = None,
    charset: str | None = None,
    verifier: Verifier | None = None,
) -> SoapReply:
    """Read one reply. Raises Unreadable.

    `strict` also refuses elements that contradict the WSDL, `schemas` values too, `verifier` what the agency did not sign. `charset` counts
    whatever the reply says of itself.
    """
    body = _body(raw, content_type, charset, verifier)
    wrapper = next((child for child in body if isinstance(child.tag, str)), None)
    if wrapper is None:
        if operation.reply is not None:
            raise Unreadable("the Body of the envelope is empty")
        return SoapReply(None, None)
    if _local(wrapper) == "Fault":
        return SoapReply({"Fault": _tree(wrapper, None)}, _fault(wrapper))
    if operation.reply is not None:
        wrong = contradiction(wrapper, operation.reply) if strict else None
        if wrong is None and schemas is not None and operation.has_global_reply:
            wrong = schemas.contradiction(wrapper)
        if wrong:
            raise Unreadable(f"the reply contradicts the WSDL: {wrong}")
    tree = _tree(wrapper, operation.reply)
    return SoapReply({_local(wrapper): tree} if isinstance(tree, str) else tree, None)


def _body(raw: bytes, content_type: str, charset: str | None, verifier: Verifier | None) -> etree._Element:
    """The one Body, with everything in it that the reply keeps elsewhere. Raises Unreadable."""
    parts: Mapping[str, bytes] | None = None
    if is_in_parts(content_type):
        raw, content_type, parts = split(raw, content_type)
    root = _root(raw, content_type, charset)
    if parts is not None:
        put_back(root, parts)
    if verifier is not None:
        # Before anything is moved inside the Body.
        verifier.check(root)
    body = _child(root, "Body")
    if body is None:
        raise Unreadable("the envelope has no Body")
    if b"href=" in raw:
        follow_references(body)
    return body


def _root(raw: bytes, content_type: str, charset: str | None) -> etree._Element:
    if not raw.strip():
        raise Unreadable("the reply is empty where an envelope should be")
    parser = etree.XMLParser(
        encoding=charset or _encoding(raw, content_type),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # The parser's own words quote the reply, so they are not repeated.
        looks = "HTML" if b"<html" in raw[:2000].lower() else "broken XML or something else"
        raise Unreadable(f"the reply is not an envelope: {looks}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("the reply has a DTD, which an envelope may not have")
    if _local(root) != "Envelope":
        raise Unreadable("the reply is XML but not an envelope")
    return root


def _encoding(raw: bytes, content_type: str) -> str | None:
    """The charset of the HTTP header, used only when the document does not name its own (Q28: headers are often wrong)."""
    named = _CHARSET.search(content_type)
    if (
        named is None
        or _DECLARED_ENCODING.match(raw[:200])
        or raw.startswith((codecs.BOM_UTF8, b"\xff\xfe", b"\xfe\xff"))
    ):
        return None
    try:
        return codecs.lookup(named[1]).name
    except LookupError:
        return None


def _local(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _child(node: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in node if isinstance(child.tag, str) and _local(child) == name), None)


def _text(node: etree._Element | None) -> str:
    return "" if node is None else "".join(str(piece) for piece in node.itertext()).strip()


def _tree(node: etree._Element, shape: Shape | None) -> Tree:
    """An element as a string, or as a mapping of what stands in it; None for xsi:nil."""
    if not len(node) and not node.attrib and (shape is None or not shape.elements):
        # Most elements are such; the parser has removed comments, so the text is whole.
        return node.text or ""
    if node.get(_NIL, "").strip() in {"true", "1"}:
        return None
    children = [child for child in node if isinstance(child.tag, str)]
    attributes = {
        f"@{name}": str(value)
        for name, value in node.attrib.items()
        if isinstance(name, str) and not name.startswith("{")
    }
    declared = shape.elements if shape is not None else {}
    if not children and not declared:
        text = "".join(str(piece) for piece in node.itertext())
        wanted = shape is not None and shape.attributes
        return {**attributes, "#text": text} if wanted and attributes else text
    content: dict[str, Tree] = dict(attributes)
    lists: dict[str, list[Tree]] = {name: [] for name, inner in declared.items() if inner.repeats}
    content.update(lists)
    for child in children:
        name = _local(child)
        value = _tree(child, declared.get(name))
        if name in lists:
            lists[name].append(value)
        elif name in content:
            # Not declared as repeating, yet it repeats: nothing that came may be dropped.
            lists[name] = [content[name], value]
            content[name] = lists[name]
        else:
            content[name] = value
    return content


def _fault(node: etree._Element) -> Fault:
    """Code and text of a fault in the shape of SOAP 1.1 or 1.2, whichever envelope it came in."""
    code, text = _child(node, "faultcode"), _text(_child(node, "faultstring"))
    if code is None and (group := _child(node, "Code")) is not None:
        code = _child(group, "Value")
        for _ in range(_DEEPEST_SUBCODE):
            inner = _child(group, "Subcode")
            if inner is None:
                break
            group, code = inner, _child(inner, "Value")
    if not text and (reason := _child(node, "Reason")) is not None:
        text = _text(_child(reason, "Text"))
    name = _text(code).rpartition(":")[2]
    return Fault(name[:_LONGEST_CODE_CHARS], text[:_LONGEST_FAULT_CHARS])
