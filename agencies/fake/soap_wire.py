"""The stand-in's SOAP: requests read and replies written by the agency's own WSDL, with the shapes the connector itself uses.

What the WSDL requires and the file does not read is filled with the least that fits, so that every reply is one the WSDL knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from adapters.plan import Sending
from agencies.fake.draft import Draft
from agencies.fake.wires import NO_REQUEST, CannotFake, Incoming, NotUnderstood, Said, Written
from connectors.base import ConnectorError, NotSent, Reply, Tree
from connectors.soap.envelope import ENVELOPE_NAMESPACES, write_envelope
from connectors.soap.reply import read_envelope
from connectors.soap.shape import Kind, Shape
from connectors.soap.wsdl import Operation, Version, Wsdl

_DEEPEST = 20
_FILLERS = {Kind.NUMBER: "0", Kind.FLOATING: "0", Kind.BOOLEAN: "false", Kind.BASE64: "", Kind.HEX: "", Kind.LIST: ""}


class SoapWire:
    """One port of one WSDL, from the agency's side."""

    def __init__(self, wsdl: Wsdl, version: Version) -> None:
        self._wsdl = wsdl
        self._version: Version = version
        self._type = "application/soap+xml; charset=utf-8" if version == "1.2" else "text/xml; charset=utf-8"

    def said(self, incoming: Incoming, sending: Sending) -> Said | None:
        operation = self._operation(sending)
        if incoming.method != "POST" or operation.request is None:
            return None
        expected = operation.request
        try:
            # The reader of replies reads any envelope; here the request is what it looks at.
            reading = replace(operation, reply=expected)
            read = read_envelope(incoming.body, incoming.headers.get("content-type", ""), reading)
        except ConnectorError as error:
            raise NotUnderstood(error.text) from error
        name = _payload_name(incoming.body)
        names = tuple(expected.elements) if operation.bare_parts else (expected.name,)
        return Said(read.tree) if name in names else None

    def written(self, sending: Sending, draft: Draft) -> Written:
        if draft.fault is not None:
            return self._fault(*draft.fault)
        operation = self._operation(sending)
        if operation.reply is None:
            return Written(202, b"", {})
        if not isinstance(draft.tree, Mapping):
            raise CannotFake(f"{operation.name}: a SOAP reply is no list")
        tree = completed(operation.reply, draft.tree, 0)
        answering = replace(operation, request=operation.reply, bare_parts=False, headers=None)
        try:
            body = write_envelope(self._wsdl, answering, self._version, tree)
        except NotSent as error:
            raise CannotFake(f"the WSDL has no place for what the file reads: {error.text}") from error
        return Written(draft.status, body, {"Content-Type": self._type, **draft.headers})

    def read_back(self, sending: Sending, written: Written) -> Reply:
        if not written.body:
            return Reply(written.status, {}, b"", None, NO_REQUEST)
        read = read_envelope(written.body, self._type, self._operation(sending))
        return Reply(written.status, {}, written.body, read.tree, NO_REQUEST, read.fault)

    def not_understood(self, reason: str) -> Written:
        return self._fault("Client", reason)

    def unauthorized(self) -> Written:
        return self._fault("FailedAuthentication", "The security token could not be authenticated or authorized")

    def broken(self) -> Written:
        return replace(self._fault("Server", "Internal error 0x80004005"), status=200)

    def _operation(self, sending: Sending) -> Operation:
        try:
            return self._wsdl.operations[sending.operation]
        except KeyError:
            raise CannotFake(f"the WSDL has no operation `{sending.operation}`") from None

    def _fault(self, code: str, text: str) -> Written:
        if self._version == "1.2":
            inside = (
                f"<e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>{escape(code)}</e:Value></e:Subcode></e:Code>"
                f'<e:Reason><e:Text xml:lang="en">{escape(text)}</e:Text></e:Reason>'
            )
        else:
            inside = f"<faultcode>e:{escape(code)}</faultcode><faultstring>{escape(text)}</faultstring>"
        envelope = f'<e:Envelope xmlns:e="{ENVELOPE_NAMESPACES[self._version]}"><e:Body><e:Fault>{inside}</e:Fault></e:Body></e:Envelope>'
        return Written(500, envelope.encode(), {"Content-Type": self._type})


def _payload_name(body: bytes) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(body, parser)
    inside = next((one for one in root if etree.QName(one).localname == "Body"), None)
    return etree.QName(inside[0]).localname if inside is not None and len(inside) else ""


def completed(shape: Shape, given: object, depth: int) -> Any:  # noqa: ANN401 - a tree of any depth
    """What was given, with everything the WSDL requires beside it. A list is given where the element repeats."""
    if shape.repeats and isinstance(given, list):
        return [completed(replace_repeats(shape), one, depth) for one in given]
    if shape.kind is not None and not shape.attributes:
        return given
    values: dict[str, Tree] = dict(given) if isinstance(given, Mapping) else {"#text": _plain(given)}
    for attribute in shape.attributes:
        if attribute.required:
            values.setdefault(f"@{attribute.name}", _FILLERS.get(attribute.kind, "-"))
    for name, inner in shape.elements.items():
        if name in values:
            values[name] = completed(inner, values[name], depth + 1)
        elif inner.required and depth < _DEEPEST:
            filler = completed(inner, {}, depth + 1) if inner.kind is None else _FILLERS.get(inner.kind, "-")
            values[name] = [filler] if inner.repeats else filler
    return values


def replace_repeats(shape: Shape) -> Shape:
    """The same element, seen as one of its repetitions."""
    return Shape(
        name=shape.name,
        namespace=shape.namespace,
        tag=shape.tag,
        required=True,
        repeats=False,
        least=1,
        most=1,
        nillable=shape.nillable,
        kind=shape.kind,
        group=shape.group,
        attributes=shape.attributes,
        elements=shape.elements,
    )


def _plain(value: object) -> Tree:
    return value if isinstance(value, (str, int, float, bool)) else ""
