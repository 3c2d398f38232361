"""Says where a reply contradicts the WSDL, for the few agencies whose file asks for it (`validate_reply`).

Names, namespaces, how often an element stands, and what is missing are looked at; values are not. The words name elements, never values.
"""

from __future__ import annotations

from collections import Counter

from lxml import etree

from connectors.soap.shape import Shape


def contradiction(node: etree._Element, shape: Shape, path: str = "") -> str | None:
    """The first contradiction found in `node`, which should look like `shape`; None when there is none."""
    path = f"{path}.{shape.name}" if path else shape.name
    qname = etree.QName(node)
    if (qname.localname, qname.namespace or "") != (shape.name, shape.namespace):
        return f"{path} is not what stands there"
    if shape.kind is not None:
        return (
            f"{path} holds elements instead of a value" if any(isinstance(child.tag, str) for child in node) else None
        )
    return _inside(node, shape, path)


def _inside(node: etree._Element, shape: Shape, path: str) -> str | None:
    order = list(shape.elements)
    in_order = shape.group is not None and not shape.group.repeats
    seen: Counter[str] = Counter()
    last = 0
    for child in node.iterchildren("*"):
        name = etree.QName(child).localname
        inner = shape.elements.get(name)
        if inner is None:
            return f"{path} holds an element that is not declared there"
        seen[name] += 1
        if in_order and order.index(name) < last:
            return f"{path}.{name} stands out of order"
        last = order.index(name)
        wrong = contradiction(child, inner, path)
        if wrong:
            return wrong
    for name, inner in shape.elements.items():
        if inner.required and not seen[name]:
            return f"{path}.{name} is missing"
        if inner.most is not None and seen[name] > inner.most:
            return f"{path}.{name} stands more often than declared"
    return None
