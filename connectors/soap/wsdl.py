"""A WSDL on disk, read once: its operations with the shapes of what they take and give.

zeep parses; this module keeps only what envelopes need. The address inside the WSDL is ignored: the agency's file pins it.
A WSDL is read again only when the content of one of its documents has changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal, cast

from lxml import etree
from zeep import Settings
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import ExternalReferenceForbidden
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from connectors.base import BadConnection
from connectors.soap.folder import AgencyFolder
from connectors.soap.shape import Shape, ShapeReader, ZeepObject

Version = Literal["1.1", "1.2"]

_MOST_KEPT = 256
_WSDL = "http://schemas.xmlsoap.org/wsdl/"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the chosen port.

    `request` is the wrapper element of the request, None when nothing is sent; `bare_parts` says that there is no wrapper and its
    elements stand in the Body themselves. `reply` is None for a one-way operation. `headers` holds the header elements by name.
    """

    name: str
    action: str
    request: Shape | None
    bare_parts: bool
    reply: Shape | None
    headers: Shape | None
    encoded: bool = False
    """Written in SOAP 1.1's own encoding (rpc/encoded): every element says its type."""
    has_global_reply: bool = False
    """The reply's element is declared in a schema (document style), so a schema can judge it."""


@dataclass(frozen=True, slots=True)
class Wsdl:
    """The chosen port of one WSDL. `prefixes` are namespace → prefix, for all shapes."""

    operations: Mapping[str, Operation]
    prefixes: Mapping[str, str]
    digests: Mapping[Path, str]
    type_prefixes: Mapping[str, str] = field(default_factory=dict)


_kept: dict[tuple[Path, Version, str | None, str | None], Wsdl] = {}


def load_wsdl(path: Path, version: Version = "1.1", service: str | None = None, port: str | None = None) -> Wsdl:
    """Read a WSDL and everything it imports from its own folder; the result is shared and never changed.

    Without `service` and `port` the first port that speaks `version` is taken. Raises BadConnection with the remedy.
    """
    key = (path.resolve(), version, service, port)
    known = _kept.get(key)
    if known is not None and all(_digest(document) == digest for document, digest in known.digests.items()):
        return known
    fresh = _read(path, version, service, port)
    while len(_kept) >= _MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[key] = fresh
    return fresh


def _digest(document: Path) -> str:
    try:
        return sha256(document.read_bytes()).hexdigest()
    except OSError:
        # A document that went away is a change like any other: reading again says what is wrong.
        return ""


def _read(path: Path, version: Version, service: str | None, port: str | None) -> Wsdl:
    folder = AgencyFolder(path)
    # What is external the folder refuses itself: it is the only way to any document, and knows the one namespace that zeep must find.
    settings = Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=False)
    try:
        # zeep only ever calls `load` of its transport here.
        with warnings.catch_warnings():
            # zeep warns of an operation that refers to nothing and leaves it out; so do we, and a call of it is refused by name.
            warnings.simplefilter("ignore", UserWarning)
            document = Document(folder.root, cast("type[Transport]", folder), settings=settings)
        binding = _binding(document, version, service, port)
        reader = ShapeReader()
        encoded = _encoded_operations(folder.digests, binding.name)
        operations = {name: _operation(kept, reader, encoded=name in encoded) for name, kept in binding.all().items()}
    except BadConnection:
        raise
    except ExternalReferenceForbidden as error:
        raise BadConnection(
            f"wsdl: {path.name} imports from outside; put a copy beside the WSDL and make the import relative"
        ) from error
    except RecursionError as error:
        raise BadConnection(f"wsdl: {path.name} is nested too deeply") from error
    except (
        ZeepError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        AssertionError,
        NotImplementedError,
    ) as error:
        # What zeep raises on a broken WSDL is not documented; its words may hold the document's content, so only the kind is told.
        raise BadConnection(
            f"wsdl: {path.name} cannot be understood ({type(error).__name__}); check it with the agency"
        ) from error
    return Wsdl(operations, dict(reader.prefixes), dict(folder.digests), dict(reader.type_prefixes))


def _encoded_operations(documents: Iterable[Path], binding: ZeepObject) -> frozenset[str]:
    """Operations of a binding whose request is encoded; zeep reads that and forgets it."""
    found: set[str] = set()
    for path in documents:
        root = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
        if root.get("targetNamespace", "") != (binding.namespace or ""):
            continue
        for one in root.findall(f"{{{_WSDL}}}binding"):
            if one.get("name") == binding.localname:
                found.update(
                    str(operation.get("name"))
                    for operation in one.findall(f"{{{_WSDL}}}operation")
                    if any(body.get("use") == "encoded" for body in operation.iterfind(f"{{{_WSDL}}}input/{{*}}body"))
                )
    return frozenset(found)


def _binding(document: ZeepObject, version: Version, service: str | None, port: str | None) -> ZeepObject:
    """zeep's binding of the port that fits. Raises BadConnection naming what there is."""
    wanted = Soap12Binding if version == "1.2" else Soap11Binding
    known = []
    for service_name, kept in document.services.items():
        for port_name, candidate in kept.ports.items():
            fits = isinstance(candidate.binding, wanted)
            if fits and service in {None, service_name} and port in {None, port_name}:
                return candidate.binding
            if isinstance(candidate.binding, Soap11Binding | Soap12Binding):
                speaks = "1.2" if isinstance(candidate.binding, Soap12Binding) else "1.1"
                known.append(f"{service_name}/{port_name} (SOAP {speaks})")
    raise BadConnection(
        f"wsdl: no port speaks SOAP {version};"
        f" it has {', '.join(known) or 'no SOAP port at all'}: set version, service or port"
    )


def _operation(kept: ZeepObject, reader: ShapeReader, *, encoded: bool) -> Operation:
    body = kept.input.body if kept.input else None
    reply = kept.output.body if kept.output else None
    header = kept.input.header if kept.input else None
    bare = body is not None and body.qname.localname == "Body" and body.qname.namespace == kept.nsmap["soap-env"]
    return Operation(
        name=kept.name,
        action=kept.soapaction or "",
        request=reader.read(body) if body is not None else None,
        bare_parts=bare,
        reply=reader.read(reply) if reply is not None else None,
        headers=_headers(header, reader),
        encoded=encoded,
        has_global_reply=reply is not None and bool(getattr(reply, "is_global", False)),
    )


def _headers(header: ZeepObject, reader: ShapeReader) -> Shape | None:
    """The declared header parts, all of them optional: a WSDL says which may come, not which must."""
    if header is None or not header.type.elements:
        return None
    shape = reader.read(header)
    for part in shape.elements.values():
        part.least, part.required = 0, False
    return shape
