"""Writes envelopes straight from the shapes of the WSDL: the same document zeep would make, at a fraction of its cost.

Elements come out in the order the WSDL asks for, whatever the order of the mapping. An element the WSDL does not know, a required one
that is missing, and a value XML cannot carry are refused before anything is sent; messages name the element and never the value.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.base import NotSent, Tree
from connectors.soap.encoding import ARRAY_ITEM, ENCODING
from connectors.soap.lexical import spell
from connectors.soap.mtom import XOP, content_id
from connectors.soap.shape import Attribute, Group, Kind, Shape
from connectors.soap.wsdl import Operation, Version, Wsdl

HEADER_KEY = "soap:Header"
"""Where a call's body holds the header parts that the WSDL declares; no element can have this name."""

ENVELOPE_NAMESPACES: Mapping[Version, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_MOST_NAMES_SHOWN = 12


def write_envelope(
    wsdl: Wsdl,
    operation: Operation,
    version: Version,
    body: Tree,
    security: str = "",
    *,
    typed_values: bool = False,
    charset: str = "utf-8",
    beside: list[bytes] | None = None,
) -> bytes:
    """The whole envelope. `security` is a finished header element. Raises NotSent.

    `typed_values` writes the type of every value; an encoded operation says every type anyway. Bytes go into `beside` where it is given,
    and only a reference to them into the envelope (MTOM). What `charset` lacks is written as a character reference, which any reader knows.
    """
    values, header_values = _split(operation, body)
    out = _Page(says_values=typed_values or operation.encoded, says_all=operation.encoded, beside=beside)
    if operation.headers is not None:
        _write_inner(operation.headers, header_values, f"{operation.name}.{HEADER_KEY}", out)
    elif header_values:
        raise NotSent(f"{operation.name}.{HEADER_KEY}: the WSDL declares no headers for this operation; remove it")
    header = security + "".join(out.parts)
    out.parts.clear()
    if operation.request is None:
        if values:
            raise NotSent(f"{operation.name}: takes nothing, but {', '.join(map(str, values))} was given; remove it")
    elif operation.bare_parts:
        _write_inner(operation.request, values, operation.name, out)
    elif operation.encoded:
        out.namespaces.add(operation.request.namespace)
        # SOAP 1.2 took the encoding's name with it and nobody uses it there.
        named = f' soap-env:encodingStyle="{ENCODING}"' if version == "1.1" else ""
        out.parts.append(f"<{operation.request.tag}{named}>")
        _write_inner(operation.request, values, operation.name, out)
        out.parts.append(f"</{operation.request.tag}>")
    else:
        _write_one(operation.request, values, operation.name, out)
    head = f"<soap-env:Header>{header}</soap-env:Header>" if header else ""
    used = [f' xmlns:{prefix}="{name}"' for name, prefix in wsdl.prefixes.items() if name in out.namespaces]
    if out.types:
        used += [f' xmlns:{prefix}="{name}"' for name, prefix in wsdl.type_prefixes.items() if name in out.types]
        used.append(f' xmlns:xsi="{_XSI}"')
    return (
        f"<?xml version='1.0' encoding='{charset}'?>\n"
        f'<soap-env:Envelope xmlns:soap-env="{ENVELOPE_NAMESPACES[version]}"{"".join(used)}>{head}'
        f"<soap-env:Body>{''.join(out.parts)}</soap-env:Body></soap-env:Envelope>"
    ).encode(charset, "xmlcharrefreplace")


@dataclass(slots=True)
class _Page:
    """What was written so far, which namespaces it needs declared, and how it is written."""

    parts: list[str] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    says_values: bool = False
    says_all: bool = False
    beside: list[bytes] | None = None

    def type_of(self, shape: Shape, value: Tree) -> str:
        """The attributes that say the type of an element, where types are said."""
        if not (self.says_values if shape.kind is not None else self.says_all):
            return ""
        if shape.items_type is not None and isinstance(value, Mapping):
            items = value.get(ARRAY_ITEM)
            count = len(items) if isinstance(items, list | tuple) else int(items is not None)
            self.types.add(shape.items_type.namespace)
            return f' xmlns:enc="{ENCODING}" xsi:type="enc:Array" enc:arrayType="{shape.items_type.tag}[{count}]"'
        if shape.type is None:
            return ""
        self.types.add(shape.type.namespace)
        return f' xsi:type="{shape.type.tag}"'


def _split(operation: Operation, body: Tree) -> tuple[Mapping[str, Tree], Mapping[str, Tree]]:
    values = {} if body is None else body
    if not isinstance(values, Mapping):
        raise NotSent(f"{operation.name}: the parameters must be a mapping of element names")
    header_values = values.get(HEADER_KEY) or {}
    if not isinstance(header_values, Mapping):
        raise NotSent(f"{operation.name}.{HEADER_KEY}: must be a mapping of header parts")
    return {name: value for name, value in values.items() if name != HEADER_KEY}, header_values


def _write(shape: Shape, value: Tree, path: str, out: _Page) -> None:
    """An element as often as it is given."""
    several = not isinstance(value, str | bytes) and isinstance(value, Sequence)
    if shape.repeats or (several and shape.kind is None):
        items = value if isinstance(value, Sequence) and several else [value]
        if shape.most is not None and len(items) > shape.most:
            raise NotSent(f"{path}: may stand {shape.most} times at the most, {len(items)} were given")
        if len(items) < shape.least:
            raise NotSent(
                f"{path}: must stand at least {shape.least} times, {len(items)} were given; send the missing ones"
            )
        for at, item in enumerate(items):
            _write_one(shape, item, f"{path}.{at}", out)
    else:
        _write_one(shape, value, path, out)


def _write_one(shape: Shape, value: Tree, path: str, out: _Page) -> None:
    out.namespaces.add(shape.namespace)
    if value is None:
        if shape.nillable:
            out.parts.append(f'<{shape.tag} xmlns:xsi="{_XSI}" xsi:nil="true"/>')
            return
        raise NotSent(f"{path}: has no value and may not be empty; send a value or leave the element out")
    if shape.kind is not None and not shape.attributes:
        if not isinstance(value, str) and isinstance(value, Mapping) and set(value) == {"#text"}:
            value = value["#text"]
        if out.beside is not None and shape.kind is Kind.BASE64 and isinstance(value, bytes):
            out.beside.append(value)
            text = f'<xop:Include xmlns:xop="{XOP}" href="cid:{content_id(len(out.beside))}"/>'
        else:
            text = spell(value, shape.kind, path)
        said = out.type_of(shape, value) if out.says_values else ""
        out.parts.append(f"<{shape.tag}{said}>{text}</{shape.tag}>")
        return
    if not isinstance(value, Mapping):
        if shape.kind is None:
            raise NotSent(f"{path}: holds elements, not a plain value; send {_known(shape.elements)} inside it")
        value = {"#text": value}
    said = out.type_of(shape, value) if out.says_values else ""
    out.parts.append(f"<{shape.tag}{said}{_attributes(shape.attributes, value, path, out)}>")
    _write_inner(shape, value, path, out)
    out.parts.append(f"</{shape.tag}>")


def _write_inner(shape: Shape, values: Mapping[str, Tree], path: str, out: _Page) -> None:
    """What stands between an element's tags."""
    expected = {f"@{attribute.name}" for attribute in shape.attributes}
    if shape.kind is not None:
        expected.add("#text")
        out.parts.append(spell(values.get("#text", ""), shape.kind, path))
    expected.update(shape.elements)
    for name in values:
        if name not in expected:
            raise NotSent(f"{path}.{name}: the WSDL has no such element here; {_meant(name, expected)}")
    if shape.group is not None:
        _write_group(shape.group, values, path, out)


def _write_group(group: Group, values: Mapping[str, Tree], path: str, out: _Page) -> None:
    if group.choice:
        _write_choice(group, values, path, out)
        return
    for item in group.items:
        if isinstance(item, Group):
            if item.required or _given(item, values):
                _write_group(item, values, path, out)
            continue
        value = values.get(item.name)
        if value is not None:
            if group.repeats and isinstance(value, list | tuple) and len(value) > 1:
                raise NotSent(f"{path}.{item.name}: stands in a group that repeats as a whole; send one at a time")
            _write(item, value, f"{path}.{item.name}", out)
        elif item.least > 0:
            if not item.nillable:
                raise NotSent(f"{path}.{item.name}: is required and missing; add it to `send`")
            _write_one(item, None, f"{path}.{item.name}", out)


def _write_choice(group: Group, values: Mapping[str, Tree], path: str, out: _Page) -> None:
    chosen = [item for item in group.items if _given(item, values)]
    if not chosen and group.required and not _may_be_empty(group):
        raise NotSent(f"{path}: needs one of {', '.join(group.names())}; add one to `send`")
    if len(chosen) > 1 and not group.repeats:
        names = [item.name if isinstance(item, Shape) else "/".join(item.names()) for item in chosen]
        raise NotSent(f"{path}: takes only one of {', '.join(names)}; leave the others out")
    for item in chosen:
        if isinstance(item, Group):
            _write_group(item, values, path, out)
        else:
            _write(item, values[item.name], f"{path}.{item.name}", out)


def _given(item: Shape | Group, values: Mapping[str, Tree]) -> bool:
    names = item.names() if isinstance(item, Group) else (item.name,)
    return any(values.get(name) is not None for name in names)


def _may_be_empty(choice: Group) -> bool:
    # zeep forgets whether an element of a choice was optional by itself; only groups still say so.
    return any(isinstance(item, Group) and not item.required for item in choice.items)


def _attributes(attributes: tuple[Attribute, ...], values: Mapping[str, Tree], path: str, out: _Page) -> str:
    written = []
    for attribute in attributes:
        value = values.get(f"@{attribute.name}")
        if value is not None:
            text = spell(value, attribute.kind, f"{path}.@{attribute.name}", in_attribute=True)
            out.namespaces.add(attribute.namespace)
            written.append(f' {attribute.tag}="{text}"')
        elif attribute.required:
            raise NotSent(f"{path}.@{attribute.name}: the attribute is required and missing; add it to `send`")
    return "".join(written)


def _meant(name: str, expected: set[str]) -> str:
    close = difflib.get_close_matches(name, expected, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {_known(expected)}"


def _known(names: Mapping[str, Shape] | set[str]) -> str:
    shown = sorted(names) if isinstance(names, set) else list(names)
    rest = f" and {len(shown) - _MOST_NAMES_SHOWN} more" if len(shown) > _MOST_NAMES_SHOWN else ""
    return (", ".join(shown[:_MOST_NAMES_SHOWN]) or "nothing") + rest
