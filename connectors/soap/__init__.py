"""The SOAP wire: envelopes from a WSDL on disk, over our own transport."""

from connectors.soap.connector import SoapConnection, SoapConnector, SoapWay
from connectors.soap.dialect import Dialect
from connectors.soap.envelope import HEADER_KEY
from connectors.soap.security import UsernameToken
from connectors.soap.shape import Kind, Shape
from connectors.soap.signature import EnvelopeSignature
from connectors.soap.wsdl import Operation, Wsdl, load_wsdl

__all__ = [
    "HEADER_KEY",
    "Dialect",
    "EnvelopeSignature",
    "Kind",
    "Operation",
    "Shape",
    "SoapConnection",
    "SoapConnector",
    "SoapWay",
    "UsernameToken",
    "Wsdl",
    "load_wsdl",
]
