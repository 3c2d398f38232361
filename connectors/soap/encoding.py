"""SOAP 1.1's own encoding (rpc/encoded), as far as WSDLs name it: its arrays and its spellings of the simple types.

WSDLs of that style name this namespace without bringing its schema. The one here is the least that makes their types known:
nothing is ever fetched.
"""

from __future__ import annotations

from typing import Final

ENCODING: Final = "http://schemas.xmlsoap.org/soap/encoding/"
"""The namespace, which is also the address WSDLs import it from."""

ARRAY_ITEM: Final = "item"
"""What an entry of an encoded array is called here; the encoding leaves the name free, and this is the usual one."""

_SIMPLE = (
    *("string", "boolean", "float", "double", "decimal", "dateTime", "time", "date", "hexBinary", "base64Binary"),
    *("anyURI", "QName", "token", "normalizedString", "integer", "long", "int", "short", "byte", "positiveInteger"),
    *("nonNegativeInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
)


def schema() -> bytes:
    """The schema document."""
    types = "".join(f'<s:simpleType name="{name}"><s:restriction base="s:{name}"/></s:simpleType>' for name in _SIMPLE)
    return (
        f'<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:e="{ENCODING}" targetNamespace="{ENCODING}">'
        '<s:attribute name="arrayType" type="s:string"/>'
        '<s:simpleType name="base64"><s:restriction base="s:base64Binary"/></s:simpleType>'
        f'{types}<s:complexType name="Array"><s:sequence><s:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>'
        '</s:sequence><s:attribute ref="e:arrayType"/></s:complexType></s:schema>'
    ).encode()
