"""What one part of a reply borrows from another: `href="#id"` of SOAP 1.1's encoding, as PHP and Axis 1 write what stands in it twice.

The borrowed content is put where it is referred to, so that a reader sees one plain tree. Bounded: references that multiply each other
are refused before they fill the memory, and one that leads back to itself stays empty.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from connectors.base import Unreadable

MOST_BORROWED = 100_000
"""Elements that references may add to one reply."""
_DEEPEST = 50


def follow_references(body: etree._Element) -> None:
    """Put what is referred to inside `body` where it is referred to. Raises Unreadable when that grows beyond all bounds."""
    referring = [node for node in body.iter("*") if node.get("href", "").startswith("#")]
    if referring:
        _Follower(body).follow(body, 0)


class _Follower:
    """Goes through one body once."""

    def __init__(self, body: etree._Element) -> None:
        self._named = {str(node.get("id")): node for node in body.iter("*") if node.get("id") is not None}
        self._whole: set[etree._Element] = set()
        self._under_way: set[etree._Element] = set()
        self._borrowed = 0

    def follow(self, top: etree._Element, depth: int) -> None:
        """Make `top` whole."""
        if depth > _DEEPEST:
            raise Unreadable("references in the reply are nested too deeply")
        for node in [one for one in top.iter("*") if one.get("href", "").startswith("#")]:
            target = self._named.get(node.get("href", "")[1:])
            if target is None or target in self._under_way:
                continue
            if target not in self._whole:
                self._under_way.add(target)
                self.follow(target, depth + 1)
                self._under_way.discard(target)
                self._whole.add(target)
            self._borrow(node, target)

    def _borrow(self, node: etree._Element, target: etree._Element) -> None:
        self._borrowed += sum(1 for _ in target.iter())
        if self._borrowed > MOST_BORROWED:
            raise Unreadable("references in the reply multiply each other beyond all bounds")
        del node.attrib["href"]
        node.text = target.text
        for name, value in target.attrib.items():
            if name != "id":
                node.set(name, value)
        node.extend(deepcopy(child) for child in target)
