"""The SOAP half of a product's fake: one address, one method for each operation, envelopes of SOAP 1.1.

A subclass has methods `on_<Operation>(asked)`, which get the request as a tree of local names (every element a list) and give the reply
as nested plain data, or raise `Says` with a fault.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from typing import Any

from aiohttp import web
from lxml import etree

from tests.fakes.product import Product

XOP = "http://www.w3.org/2004/08/xop/include"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


class Says(Exception):
    """A SOAP fault."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Asked:
    """One element of a request: its text, its children by local name."""

    def __init__(self, node: etree._Element) -> None:
        self._node = node

    def __getitem__(self, path: str) -> str:
        """The text at a dotted path; empty where there is none."""
        found = self.all(path)
        return found[0].text if found else ""

    @property
    def text(self) -> str:
        return "".join(str(piece) for piece in self._node.itertext())

    def get(self, name: str) -> str:
        """An attribute; empty where there is none."""
        return str(self._node.get(name, ""))

    def all(self, path: str) -> list[Asked]:
        """Every element at a dotted path."""
        nodes = [self._node]
        for step in path.split("."):
            nodes = [child for node in nodes for child in node if etree.QName(child).localname == step]
        return [Asked(node) for node in nodes]

    @property
    def names(self) -> list[str]:
        """The local names of the children, in their order."""
        return [etree.QName(child).localname for child in self._node]

    @property
    def source(self) -> etree._Element:
        return self._node


def _whole(raw: bytes, request: web.Request) -> bytes:
    """The envelope with what stands in parts beside it (MTOM) put back as base64."""
    if request.content_type != "multipart/related":
        return raw
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    first, *others = message_from_bytes(head + raw, policy=HTTP).iter_parts()
    root = etree.fromstring(_bytes_of(first))
    parts = {part["Content-ID"].strip("<>"): _bytes_of(part) for part in others}
    for include in list(root.iter(f"{{{XOP}}}Include")):
        parent = include.getparent()
        assert parent is not None
        parent.remove(include)
        parent.text = base64.b64encode(parts[include.get("href", "").removeprefix("cid:")]).decode()
    return etree.tostring(root)


def _bytes_of(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


class SoapProduct(Product):
    """One SOAP service at `path`. `namespace` is that of its operations; `qualified` says whether the elements inside are in it too."""

    path = "/soap"
    namespace = ""
    qualified = False

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post(self.path, self._serve)
        return app

    def operation_of(self, request: web.Request) -> str:
        return (
            request.headers.get("SOAPAction", "").strip('"').rpartition("#")[2].rpartition("/")[2].removeprefix("urn:")
        )

    @property
    def address(self) -> str:
        """Where the service is."""
        return self.origin + self.path

    async def _serve(self, request: web.Request) -> web.Response:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        try:
            envelope = etree.fromstring(_whole(await request.read(), request), parser)
        except etree.XMLSyntaxError:
            return self._written({"Fault": Says("soap:Client", "the request is no XML")})
        body = envelope.find(f"{{{SOAP}}}Body")
        if body is None or not len(body):
            return self._written({"Fault": Says("soap:Client", "the Body is empty")})
        name = etree.QName(body[0]).localname
        method = getattr(self, f"on_{name}", None)
        if method is None:
            return self._written({"Fault": Says("soap:Client", f"no such operation: {name}")})
        try:
            return self._written({self.reply_name(name): method(Asked(body[0]))})
        except Says as fault:
            return self._written({"Fault": fault})

    def reply_name(self, operation: str) -> str:
        """The name of the element that answers an operation."""
        return f"{operation}Response"

    def _written(self, content: Mapping[str, Any]) -> web.Response:
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
        body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
        ((name, value),) = content.items()
        if isinstance(value, Says):
            fault = etree.SubElement(body, f"{{{SOAP}}}Fault")
            etree.SubElement(fault, "faultcode").text = value.code
            etree.SubElement(fault, "faultstring").text = value.text
        else:
            fill(etree.SubElement(body, f"{{{self.namespace}}}{name}"), value, self.namespace if self.qualified else "")
        raw = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        return web.Response(
            status=500 if isinstance(value, Says) else 200, body=raw, content_type="text/xml", charset="utf-8"
        )


def fill(node: etree._Element, value: Any, namespace: str) -> None:
    """Write nested plain data into an element: a list repeats its element, `@name` is an attribute, a ready element stays as it is."""
    if not isinstance(value, Mapping):
        node.text = str(value)
        return
    for name, inner in value.items():
        if name.startswith("@"):
            node.set(name[1:], str(inner))
            continue
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, etree._Element):
                node.append(one)
            elif one is not None:
                fill(etree.SubElement(node, f"{{{namespace}}}{name}" if namespace else name), one, namespace)
