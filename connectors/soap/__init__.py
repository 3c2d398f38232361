"""The SOAP wire: envelopes from a WSDL on disk, over our own transport."""

from connectors.soap.connector import SoapConnection, SoapConnector
from connectors.soap.envelope import HEADER_KEY
from connectors.soap.security import HttpBasic, Security, UsernameToken
from connectors.soap.shape import Kind, Shape
from connectors.soap.wsdl import Operation, Wsdl, load_wsdl

__all__ = [
    "HEADER_KEY",
    "HttpBasic",
    "Kind",
    "Operation",
    "Security",
    "Shape",
    "SoapConnection",
    "SoapConnector",
    "UsernameToken",
    "Wsdl",
    "load_wsdl",
]
