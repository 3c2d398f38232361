"""What may stand in an envelope: the elements of the WSDL's schemas, read from zeep once and kept as plain data.

The writer, the reader and the checks of agency files all walk these shapes; nobody else looks into zeep's types.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from zeep import xsd
from zeep.xsd.elements import indicators
from zeep.xsd.types import builtins

from connectors.base import BadConnection
from connectors.soap.encoding import ARRAY_ITEM

ZeepObject: TypeAlias = Any
"""Something of zeep's own, which has no usable types."""

_DEEPEST_GROUP = 50


class Kind(Enum):
    """How a simple value is spelt."""

    TEXT = "text"
    NUMBER = "number"
    FLOATING = "floating"
    BOOLEAN = "boolean"
    BASE64 = "base64"
    HEX = "hex"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An XML attribute. `tag` is its spelling on the wire."""

    name: str
    tag: str
    namespace: str
    kind: Kind
    required: bool


@dataclass(frozen=True, slots=True)
class TypeName:
    """The name of a schema type. `tag` is its spelling where a type is named on the wire (`xsi:type`)."""

    namespace: str
    tag: str


@dataclass(eq=False, slots=True)
class Shape:
    """One element. `kind` is None for an element that only holds other elements.

    `required` holds where the parent is present; an element inside a choice is never required by itself.
    `elements` are all that may stand inside, in the order of the wire and whatever groups they are in.
    """

    name: str
    namespace: str
    tag: str
    required: bool
    repeats: bool
    least: int
    most: int | None
    nillable: bool
    kind: Kind | None = None
    group: Group | None = None
    attributes: tuple[Attribute, ...] = ()
    elements: dict[str, Shape] = field(default_factory=dict)
    type: TypeName | None = None
    items_type: TypeName | None = None
    """The type of an encoded array's items (rpc/encoded)."""

    def at(self, path: str) -> Shape | None:
        """The element at a dotted path below this one, list positions skipped: `Change.0.State`. None when there is none."""
        here: Shape | None = self
        for step in path.split("."):
            if here is not None and not step.isdigit():
                here = here.elements.get(step)
        return here


@dataclass(eq=False, slots=True)
class Group:
    """A sequence, choice or all of elements and groups."""

    choice: bool
    required: bool
    repeats: bool
    items: list[Shape | Group] = field(default_factory=list)

    def names(self) -> Iterator[str]:
        """The names of all elements in it, nested groups included."""
        for item in self.items:
            if isinstance(item, Group):
                yield from item.names()
            else:
                yield item.name


class ShapeReader:
    """Reads shapes from zeep's types. One per WSDL: types that several operations share are read once, recursive ones too."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self.prefixes: dict[str, str] = {}
        self.type_prefixes: dict[str, str] = {}
        self._inner: dict[int, tuple[Group | None, tuple[Attribute, ...], Kind | None, dict[str, Shape]]] = {}
        self._kept_types: list[ZeepObject] = []

    def read(self, element: ZeepObject, *, in_choice: bool = False, in_repeat: bool = False) -> Shape:
        """The shape of a zeep element."""
        qname = element.qname
        namespace, name = qname.namespace or "", qname.localname
        most = None if element.max_occurs == "unbounded" or in_repeat else int(element.max_occurs)
        least = int(element.min_occurs)
        group, attributes, kind, elements = self._read_type(element.type)
        return Shape(
            name=name,
            namespace=namespace,
            tag=self._tag(namespace, name),
            required=least > 0 and not in_choice,
            repeats=most is None or most > 1,
            least=least,
            most=most,
            nillable=bool(element.nillable),
            kind=kind,
            group=group,
            attributes=attributes,
            elements=elements,
            type=self._type_name(element.type),
            items_type=self._items_type(element.type),
        )

    def _type_name(self, kept: ZeepObject) -> TypeName | None:
        qname = getattr(kept, "qname", None) or getattr(kept, "_default_qname", None)
        if qname is None or not qname.namespace:
            return None
        prefix = self.type_prefixes.setdefault(qname.namespace, f"t{len(self.type_prefixes)}")
        return TypeName(qname.namespace, f"{prefix}:{qname.localname}")

    def _items_type(self, kept: ZeepObject) -> TypeName | None:
        array = kept._array_type if isinstance(kept, xsd.ComplexType) else None  # noqa: SLF001 — as below
        return self._type_name(array.array_type) if array is not None and array.array_type is not None else None

    def _tag(self, namespace: str, name: str) -> str:
        if not namespace:
            return name
        prefix = self.prefixes.setdefault(namespace, f"n{len(self.prefixes)}")
        return f"{prefix}:{name}"

    def _read_type(self, kept: ZeepObject) -> tuple[Group | None, tuple[Attribute, ...], Kind | None, dict[str, Shape]]:
        if not isinstance(kept, xsd.ComplexType):
            return None, (), _kind(kept), {}
        known = self._inner.get(id(kept))
        if known is not None:
            return known
        # The ids above stay true only while the types they name are alive.
        self._kept_types.append(kept)
        content = kept._element  # noqa: SLF001 — zeep has no public way to the content model
        attributes = tuple(self._attributes(kept))
        if isinstance(content, xsd.Element):
            found: tuple[Group | None, tuple[Attribute, ...], Kind | None, dict[str, Shape]]
            found = (None, attributes, _kind(content.type), {})
            self._inner[id(kept)] = found
            return found
        group = Group(choice=False, required=True, repeats=False)
        elements: dict[str, Shape] = {}
        # Known before it is filled: a recursive type meets itself here.
        self._inner[id(kept)] = (group, attributes, None, elements)
        if content is not None:
            self._fill(group, content, elements, depth=0, in_choice=False, in_repeat=False)
        encoded_array = kept._array_type  # noqa: SLF001 — nor to what an encoded array holds
        if encoded_array is not None and encoded_array.array_type is not None and not elements:
            elements[ARRAY_ITEM] = self._item(encoded_array.array_type)
            group.items.append(elements[ARRAY_ITEM])
        return self._inner[id(kept)]

    def _item(self, kept: ZeepObject) -> Shape:
        """The entry of an encoded array (rpc/encoded): an element without a namespace, as often as you like."""
        group, attributes, kind, elements = self._read_type(kept)
        return Shape(
            name=ARRAY_ITEM,
            namespace="",
            tag=ARRAY_ITEM,
            required=False,
            repeats=True,
            least=0,
            most=None,
            nillable=True,
            kind=kind,
            group=group,
            attributes=attributes,
            elements=elements,
            type=self._type_name(kept),
        )

    def _fill(
        self,
        group: Group,
        content: ZeepObject,
        elements: dict[str, Shape],
        *,
        depth: int,
        in_choice: bool,
        in_repeat: bool,
    ) -> None:
        """Put what zeep's indicator holds into `group`, and every element also into the flat `elements`."""
        if depth > _DEEPEST_GROUP:
            raise BadConnection("wsdl: groups are nested too deeply")
        while True:
            group.required = group.required and int(content.min_occurs) > 0
            group.repeats = group.repeats or content.max_occurs == "unbounded" or int(content.max_occurs) > 1
            if not isinstance(content, indicators.Group):
                break
            content = content.child
        group.choice = isinstance(content, xsd.Choice)
        in_choice = in_choice or group.choice or not group.required
        in_repeat = in_repeat or group.repeats
        for item in content:
            if isinstance(item, xsd.Element):
                shape = self.read(item, in_choice=in_choice, in_repeat=in_repeat)
                group.items.append(shape)
                elements.setdefault(shape.name, shape)
            elif isinstance(item, indicators.Indicator):
                inner = Group(choice=False, required=True, repeats=False)
                self._fill(inner, item, elements, depth=depth + 1, in_choice=in_choice, in_repeat=in_repeat)
                group.items.append(inner)
            # What is left is xs:any: nothing that a file could name, so it stays empty.

    def _attributes(self, kept: ZeepObject) -> Iterator[Attribute]:
        for _, attribute in kept.attributes:
            if attribute.name is None or attribute.qname is None:
                continue
            namespace = attribute.qname.namespace or ""
            yield Attribute(
                name=attribute.qname.localname,
                tag=self._tag(namespace, attribute.qname.localname),
                namespace=namespace,
                kind=_kind(attribute.type),
                required=bool(attribute.required),
            )


_KINDS: tuple[tuple[type, Kind], ...] = (
    (xsd.ListType, Kind.LIST),
    (builtins.Boolean, Kind.BOOLEAN),
    (builtins.Base64Binary, Kind.BASE64),
    (builtins.HexBinary, Kind.HEX),
    (builtins.Decimal, Kind.NUMBER),
    (builtins.Float, Kind.FLOATING),
    (builtins.Double, Kind.FLOATING),
)


def _kind(simple: ZeepObject) -> Kind:
    return next((kind for known, kind in _KINDS if isinstance(simple, known)), Kind.TEXT)
