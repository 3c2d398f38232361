"""SOAP 1.1 envelopes of the road agency: a request read with suspicion, a reply or a fault written.

Promises: no document type, no entities, no network, UTF-8 only whatever the XML declaration says; every request that
cannot be read is a `SoapFault` with words for its sender, never an exception of the parser.
"""

import re
from dataclasses import dataclass

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
CONTENT_TYPE = "text/xml; charset=utf-8"

_NEXT_ACTOR = "http://schemas.xmlsoap.org/soap/actor/next"
# A document type may stand only before the root element, after white space, comments and instructions.
_DOCUMENT_TYPE = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)


class SoapFault(Exception):
    """An answer that says no: `code` is a prefixed name such as `soap:Client`, `text` is for the sender's people."""

    def __init__(self, code: str, text: str) -> None:
        """Keep both parts."""
        super().__init__(text)
        self.code = code
        self.text = text

    @classmethod
    def client(cls, text: str) -> "SoapFault":
        """The sender must mend the request."""
        return cls("soap:Client", text)

    @classmethod
    def server(cls, text: str) -> "SoapFault":
        """We could not do it."""
        return cls("soap:Server", text)

    @classmethod
    def failed_authentication(cls) -> "SoapFault":
        """The token did not convince us; it is not said why."""
        return cls("wsse:FailedAuthentication", "The security token could not be authenticated or authorized")

    def written(self) -> bytes:
        """The whole envelope."""
        envelope, body = _empty_envelope()
        fault = etree.SubElement(body, f"{{{SOAP}}}Fault")
        etree.SubElement(fault, "faultcode").text = self.code
        etree.SubElement(fault, "faultstring").text = self.text
        return _bytes(envelope)


@dataclass(frozen=True)
class Request:
    """An envelope taken apart: the security header, when there is one, and the one element of the body."""

    security: etree._Element | None
    payload: etree._Element

    @property
    def operation(self) -> str:
        """Local name of the payload, e.g. `CreateCase`."""
        return etree.QName(self.payload).localname


def read_request(body: bytes) -> Request:
    """Read an envelope. Raises SoapFault: not XML, a document type, another SOAP version, not exactly one payload."""
    envelope = _parsed(body)
    if envelope.tag != f"{{{SOAP}}}Envelope":
        raise SoapFault("soap:VersionMismatch", f"The root element must be Envelope of SOAP 1.1 ({SOAP})")
    bodies = envelope.findall(f"{{{SOAP}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise SoapFault.client("The envelope must have one Body with exactly one element in it")
    return Request(_security_header(envelope), bodies[0][0])


def written_reply(payload: etree._Element) -> bytes:
    """The envelope around one response element."""
    envelope, body = _empty_envelope()
    body.append(payload)
    return _bytes(envelope)


def _parsed(body: bytes) -> etree._Element:
    if _DOCUMENT_TYPE.match(body):
        raise SoapFault.client("A document type declaration (DTD) is not allowed")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,  # a photo of 8 MB is one text of 11 MB; the request as a whole is capped before
    )
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise SoapFault.client(f"The request is not well-formed XML: {problem}") from problem


def _security_header(envelope: etree._Element) -> etree._Element | None:
    """The WS-Security header. Raises SoapFault for any other header block that insists on being understood."""
    security = None
    for block in envelope.iterfind(f"{{{SOAP}}}Header/*"):
        if block.tag == f"{{{WSSE}}}Security":
            if security is not None:
                raise SoapFault.client("There must be one Security header, not two")
            security = block
        elif block.get(f"{{{SOAP}}}mustUnderstand") == "1" and block.get(f"{{{SOAP}}}actor", _NEXT_ACTOR) in {
            "",
            _NEXT_ACTOR,
        }:
            raise SoapFault("soap:MustUnderstand", f"The header {etree.QName(block).localname} is not understood")
    return security


def _empty_envelope() -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "wsse": WSSE})
    return envelope, etree.SubElement(envelope, f"{{{SOAP}}}Body")


def _bytes(envelope: etree._Element) -> bytes:
    written: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return written
