"""A small SOAP client of the road agency, written by hand: the tests see on the wire exactly what they put there."""

import base64
import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import aiohttp
from lxml import etree

MODULE = "tests.fakes.city_roads"
NAMESPACE = "urn:city-roads:cases:1"

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_PASSWORD_TYPE = f"{_WSS}-username-token-profile-1.0#"


@dataclass(frozen=True)
class Answer:
    """A reply of the agency: HTTP status and the envelope."""

    status: int
    envelope: etree._Element

    def texts(self, name: str) -> list[str]:
        """The text of every element of this local name, in document order."""
        return [element.text or "" for element in self.envelope.iterfind(f".//{{*}}{name}")]

    def text(self, name: str) -> str:
        """The text of the one element of this local name."""
        (only,) = self.texts(name)
        return only

    @property
    def fault(self) -> tuple[int, str, str]:
        """HTTP status, fault code and fault text."""
        return self.status, self.text("faultcode"), self.text("faultstring")

    @property
    def code(self) -> str:
        """The agency's own code of a call that was not a fault."""
        assert self.status == 200, self.text("faultstring")
        return self.text("Code")


class Client:
    """Calls operations with a PasswordText token, or with the token it is given."""

    def __init__(self, origin: str, user: str = "okno", password: str = "roads-secret") -> None:
        """`origin` is `http://127.0.0.1:N`."""
        self._url = f"{origin}/soap"
        self.user, self.password = user, password

    async def call(self, operation: str, content: str, token: str | None = None) -> Answer:
        """Call an operation with `content` (XML, prefix `c`) inside its element."""
        body = f"<c:{operation}>{content}</c:{operation}>"
        return await self.post(envelope(body, self.text_token() if token is None else token), operation)

    async def post(self, body: bytes, operation: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Post prepared bytes and read the envelope that comes back."""
        status, answer = await self.raw(body, operation, headers)
        return Answer(status, etree.fromstring(answer))

    async def raw(self, body: bytes, operation: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Post prepared bytes; status and body of whatever comes back."""
        usual = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{NAMESPACE}/{operation}"'}
        timeout = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(self._url, data=io.BytesIO(body), headers={**usual, **(headers or {})}) as reply,
        ):
            return reply.status, await reply.read()

    async def create(self, external_id: str, **changed: str | None) -> Answer:
        """CreateCase with sensible values; a field given as None is left out."""
        return await self.post(self.create_request(external_id, **changed), "CreateCase")

    def create_request(self, external_id: str, **changed: str | None) -> bytes:
        """The bytes that `create` posts."""
        case = _elements({**a_case(external_id), **changed})
        return envelope(f"<c:CreateCase><c:case>{case}</c:case></c:CreateCase>", self.text_token())

    async def add_photo(self, number: str, name: str, content: bytes) -> Answer:
        """AddPhoto."""
        encoded = base64.b64encode(content).decode()
        return await self.call("AddPhoto", _elements({"CaseNumber": number, "FileName": name, "Content": encoded}))

    async def find(self, external_id: str) -> Answer:
        """FindCases."""
        return await self.call("FindCases", _elements({"ExternalId": external_id}))

    async def case(self, number: str) -> Answer:
        """GetCase."""
        return await self.call("GetCase", _elements({"CaseNumber": number}))

    async def withdraw(self, number: str, reason: str = "Больше не нужно") -> Answer:
        """WithdrawCase."""
        return await self.call("WithdrawCase", _elements({"CaseNumber": number, "Reason": reason}))

    async def changes(self, since: str = "2020-01-01T00:00:00") -> Answer:
        """GetChanges."""
        return await self.call("GetChanges", _elements({"Since": since}))

    def text_token(self) -> str:
        """A UsernameToken with the password in it."""
        return _token(self.user, "PasswordText", self.password, "")

    def digest_token(self, created: datetime | None = None) -> str:
        """A UsernameToken with a digest over a fresh nonce and a moment."""
        nonce = os.urandom(16)
        moment = (created or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hashlib.sha1(nonce + moment.encode() + self.password.encode()).digest()
        proof = (
            f"<wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce>"
            f'<wsu:Created xmlns:wsu="{_WSS}-wssecurity-utility-1.0.xsd">{moment}</wsu:Created>'
        )
        return _token(self.user, "PasswordDigest", base64.b64encode(digest).decode(), proof)


def envelope(body: str, header: str = "") -> bytes:
    """An envelope around `body`, in which the prefix `c` is the agency's namespace."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{_SOAP}" xmlns:c="{NAMESPACE}">'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def a_case(external_id: str) -> dict[str, str | None]:
    """Fields of a case, in the order of the XSD."""
    return {
        "ExternalId": external_id,
        "Subject": "Яма на дороге",
        "Text": "Глубокая яма у дома № 5 — «не объехать».\nПросим засыпать.",
        "Kind": "0412",
        "CreatedAt": "2026-07-01T12:00:00",
        "Latitude": "54.5138",
        "Longitude": "36.2612",
        "Address": "Калуга, улица Ленина, 5",
        "District": "29701000",
        "PhotoCount": "1",
    }


def _elements(fields: Mapping[str, str | None]) -> str:
    return "".join(f"<c:{name}>{escape(text)}</c:{name}>" for name, text in fields.items() if text is not None)


def _token(user: str, kind: str, password: str, proof: str) -> str:
    return (
        f'<wsse:Security xmlns:wsse="{_WSS}-wssecurity-secext-1.0.xsd" s:mustUnderstand="1"><wsse:UsernameToken>'
        f"<wsse:Username>{escape(user)}</wsse:Username>"
        f'<wsse:Password Type="{_PASSWORD_TYPE}{kind}">{escape(password)}</wsse:Password>{proof}'
        f"</wsse:UsernameToken></wsse:Security>"
    )
