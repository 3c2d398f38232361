"""Who writes the requests and reads the replies: the hub's connector, zeep used plainly, and templates written by hand with lxml.

Promises: all three sign in with a UsernameToken digest of their own nonce, and all give the same two things back from a reply: code and case number,
or the changes of a page. `equal_envelopes` is asked before anything is measured.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, TypeAlias
from xml.etree import ElementTree

from lxml import etree
from zeep import Client
from zeep.wsse.username import UsernameToken as ZeepToken

from connectors.base import Call
from connectors.soap.connector import SoapConnection, SoapConnector
from connectors.soap.reply import read_envelope
from connectors.soap.security import UsernameToken
from connectors.soap.wsdl import load_wsdl

USERNAME, PASSWORD = "okno", "roads-secret"
_ADDRESS = "http://127.0.0.1:1/soap"
_TYPE = "text/xml; charset=utf-8"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_WSSE = f"{_OASIS}-wssecurity-secext-1.0.xsd"
_WSU = f"{_OASIS}-wssecurity-utility-1.0.xsd"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_CASES = "urn:city-roads:cases:1"
_OF_THE_MOMENT = {f"{{{_WSSE}}}Password", f"{{{_WSSE}}}Nonce", f"{{{_WSU}}}Created"}

Created: TypeAlias = tuple[str | None, str | None]
"""Code and case number of the reply to a new case."""
Change: TypeAlias = tuple[str | None, ...]
"""Case number, state, time, remark, answer."""
FIELDS = ("CaseNumber", "State", "ChangedAt", "Remark", "Answer")


class Side(Protocol):
    """One contestant."""

    def request(self, case: Mapping[str, str]) -> bytes: ...

    def created(self, raw: bytes) -> Created: ...

    def changes(self, raw: bytes) -> list[Change]: ...


class Okno:
    """The hub's own connector: what `send` writes, and what it reads replies with."""

    def __init__(self, wsdl: Path) -> None:
        token = UsernameToken(USERNAME, PASSWORD, digest=True)
        self._connector = SoapConnector(SoapConnection(wsdl, _ADDRESS, security=token))
        self._operations = load_wsdl(wsdl).operations

    def request(self, case: Mapping[str, str]) -> bytes:
        return self._connector.render(Call("CreateCase", {"case": case})).body

    def created(self, raw: bytes) -> Created:
        tree: Any = read_envelope(raw, _TYPE, self._operations["CreateCase"]).tree
        result = tree["CreateCaseResult"]
        return result["Code"], result.get("CaseNumber")

    def changes(self, raw: bytes) -> list[Change]:
        tree: Any = read_envelope(raw, _TYPE, self._operations["GetChanges"]).tree
        return [tuple(map(item.get, FIELDS)) for item in tree["GetChangesResult"]["Change"]]


class PlainZeep:
    """zeep as its documentation shows it, with its own UsernameToken; only the network is left out."""

    def __init__(self, wsdl: Path) -> None:
        token: Any = ZeepToken
        client: Any = Client
        self._client = client(str(wsdl), wsse=token(USERNAME, PASSWORD, use_digest=True))
        self._binding = self._client.service._binding

    def request(self, case: Mapping[str, str]) -> bytes:
        envelope = self._client.create_message(self._client.service, "CreateCase", case=dict(case))
        return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")

    def created(self, raw: bytes) -> Created:
        result = self._read("CreateCase", raw)
        return result.Code, result.CaseNumber

    def changes(self, raw: bytes) -> list[Change]:
        # zeep takes off every wrapper that holds one element only, down to the list itself.
        items = self._read("GetChanges", raw)
        return [(one.CaseNumber, one.State, one.ChangedAt.isoformat(), one.Remark, one.Answer) for one in items]

    def _read(self, operation: str, raw: bytes) -> Any:  # noqa: ANN401 - zeep's objects have no types
        reply = SimpleNamespace(status_code=200, content=raw, headers={"Content-Type": _TYPE}, encoding="utf-8")
        return self._binding.process_reply(self._client, self._binding.get(operation), reply)


class ByHand:
    """What an experienced person writes for one agency: a template parsed once, copied and filled in; a reply looked through by path."""

    def __init__(self, names: Mapping[str, str]) -> None:
        fields = "".join(f"<c:{name}/>" for name in names)
        self._template = etree.fromstring(
            f'<e:Envelope xmlns:e="{_SOAP}" xmlns:c="{_CASES}" xmlns:wsse="{_WSSE}" xmlns:wsu="{_WSU}"><e:Header><wsse:Security>'
            f'<wsse:UsernameToken><wsse:Username>{USERNAME}</wsse:Username><wsse:Password Type="{_OASIS}-username-token-profile-1.0#PasswordDigest"/>'
            f'<wsse:Nonce EncodingType="{_OASIS}-soap-message-security-1.0#Base64Binary"/><wsu:Created/></wsse:UsernameToken>'
            f"</wsse:Security></e:Header><e:Body><c:CreateCase><c:case>{fields}</c:case></c:CreateCase></e:Body></e:Envelope>"
        )

    def request(self, case: Mapping[str, str]) -> bytes:
        envelope = copy.deepcopy(self._template)
        (header, body) = envelope
        _, proof, nonce_text, created = header[0][0]
        nonce, moment = secrets.token_bytes(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hashlib.sha1(nonce + moment.encode() + PASSWORD.encode()).digest()
        proof.text, nonce_text.text = base64.b64encode(digest).decode(), base64.b64encode(nonce).decode()
        created.text = moment
        for element, value in zip(body[0][0], case.values(), strict=True):
            element.text = value
        return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")

    def created(self, raw: bytes) -> Created:
        result = _parsed(raw).find(f".//{{{_CASES}}}CreateCaseResult")
        if result is None:
            raise ValueError("the reply has no result")
        return result.findtext(f"{{{_CASES}}}Code"), result.findtext(f"{{{_CASES}}}CaseNumber")

    def changes(self, raw: bytes) -> list[Change]:
        items = _parsed(raw).iter(f"{{{_CASES}}}Change")
        return [tuple(item.findtext(f"{{{_CASES}}}{name}") for name in FIELDS) for item in items]


def _parsed(raw: bytes) -> etree._Element:
    return etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))


def canonical(envelope: bytes) -> str:
    """The envelope in Canonical XML 2.0 with rewritten prefixes; what is of the moment (nonce, time, digest) is blanked."""
    root = ElementTree.fromstring(envelope)
    for element in root.iter():
        if element.tag in _OF_THE_MOMENT:
            element.text = ""
    return ElementTree.canonicalize(ElementTree.tostring(root, "unicode"), rewrite_prefixes=True)


def must_agree(sides: Mapping[str, Side], case: Mapping[str, str], created: bytes, page: bytes) -> None:
    """Nothing when every contestant writes the same envelope and reads the same. Raises RuntimeError naming who differs."""
    first, *others = sides
    for name in others:
        if canonical(sides[name].request(case)) != canonical(sides[first].request(case)):
            raise RuntimeError(f"{name} writes another envelope than {first}")
        if sides[name].created(created) != sides[first].created(created):
            raise RuntimeError(f"{name} reads the reply otherwise than {first}")
        if sides[name].changes(page) != sides[first].changes(page):
            raise RuntimeError(f"{name} reads the page otherwise than {first}")
