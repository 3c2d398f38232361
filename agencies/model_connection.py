"""How an agency's system is reached: protocol, address, limits, and the dialect of SOAP it speaks.

Promises: every default is the careful one (TLS of today, public addresses only, replies read leniently but never
repaired); what belongs to one protocol only is a fault with the other.
"""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from agencies.model_exchange import Folder, Mail
from agencies.model_scalars import DurationS, Flag, SizeBytes, WithVariables, Word
from agencies.model_security import OneSecurity, Security, Tls, check_together, securities
from agencies.source import FileModel

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NOT_HERE = frozenset(
    {"authorization", "proxy-authorization", "cookie", "content-type", "content-length", "host", "soapaction"}
)


class FaultRule(FileModel):
    """What a SOAP fault means. At least one of `code` and `text`; `*` stands for anything inside them."""

    code: Word | None = Field(default=None, description="pattern of the fault code without prefix, such as `Client`")
    text: Word | None = Field(
        default=None, description="pattern of the fault text, such as `*deadlock*`; case does not matter"
    )
    means: Literal["already_there", "refused", "try_later"] = Field(description="what it comes to")

    @model_validator(mode="after")
    def _says_something(self) -> FaultRule:
        if self.code is None and self.text is None:
            raise PydanticCustomError("missing-key", "needs `code` or `text`")
        return self


def _charset(name: str) -> str:
    try:
        known = codecs.lookup(name)
        "".encode(known.name)
    except (LookupError, UnicodeError):
        raise PydanticCustomError("unknown-charset", "must be the name of a charset such as `windows-1251`") from None
    return name


Charset = Annotated[str, Field(max_length=40), AfterValidator(_charset)]
Addresses: TypeAlias = WithVariables | Annotated[tuple[WithVariables, ...], Field(min_length=1, max_length=8)]


class Environments(FileModel):
    """One address, or several to be tried in this order, for each environment."""

    sandbox: Addresses = Field(description="address of the test system")
    production: Addresses = Field(description="address of the real system")


def _header_name(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise PydanticCustomError("bad-value", "`{name}` is no name of a header", {"name": name})
    if name.lower() in _NOT_HERE:
        text = "`{name}` is not said here: a login belongs to `security`, and `Content-Type` follows the body"
        raise PydanticCustomError("bad-value", text, {"name": name})
    return name


HeaderName = Annotated[str, Field(max_length=100), AfterValidator(_header_name)]


class Connection(FileModel):
    """How the agency's system is reached, and how gently."""

    protocol: Literal["soap", "rest", "folder", "mail"] = Field(
        description="soap or rest; `folder`: packets of files; `mail`: for a body that has no system"
    )
    wsdl: Word | None = Field(
        default=None, description="path of the WSDL, beside this file; never fetched while running"
    )
    openapi: Word | None = Field(
        default=None,
        description="path of the OpenAPI description, beside this file: paths and fields are checked against it",
    )
    version: Literal["1.1", "1.2"] = Field(default="1.1", description="version of SOAP")
    service: Word | None = Field(default=None, description="service of the WSDL, where it has several")
    port: Word | None = Field(default=None, description="port of the WSDL, where several speak this version")
    address: Addresses | Environments = Field(
        description="address, or one each for `sandbox` and `production`; ${NAME} may stand in it. A list is tried in order until one can be reached"
    )
    network: Literal["public", "private"] = Field(
        default="public",
        description="`public`: a name that leads into a private network is refused; `private`: it may. An address in digits is taken as it is",
    )
    security: Security | None = Field(
        default=None, description="how we sign in; a list where several ways are needed at once"
    )
    tls: Tls | None = Field(default=None, description="TLS: own authority, our certificate, an old system's profile")
    timeout: DurationS = Field(default=20.0, description="longest time for one call in all")
    at_once: Annotated[int, Field(ge=1, le=64)] = Field(default=2, description="calls at the same time")
    per_minute: Annotated[int, Field(ge=1, le=60_000)] = Field(default=60, description="calls in a minute")
    max_reply: SizeBytes = Field(default=8 * 1024 * 1024, description="largest reply that is read")
    faults: tuple[FaultRule, ...] = Field(
        default=(), description="SOAP faults that mean the same at every step; the first match counts"
    )
    body_format: Literal["json", "xml"] = Field(
        default="json",
        description="rest: how bodies are written and read; in XML rows of `send` begin with the root element, and a reply is its root's content",
    )
    soap_action: Literal["quoted", "plain", "empty", "content-type", "none"] = Field(
        default="quoted",
        description="how SOAPAction is written: in quotes, without them, empty in quotes, in the Content-Type (as SOAP 1.2 does), or not at all",
    )
    typed_values: Flag = Field(default=False, description="`true` writes the type of every value (`xsi:type`)")
    attachments_as: Literal["base64", "mtom"] = Field(
        default="base64", description="how bytes go in SOAP: inside the envelope, or as parts beside it (MTOM)"
    )
    validate_replies: Flag = Field(
        default=False, description="`true` refuses a SOAP reply that contradicts the WSDL's schemas"
    )
    headers: dict[HeaderName, WithVariables] = Field(
        default={},
        description="rest: headers of every call, such as a version or an `Origin`; ${NAME} may stand in them",
    )
    request_charset: Charset = Field(default="utf-8", description="charset of what we send")
    reply_charset: Charset | None = Field(
        default=None, description="charset of replies, whatever they say themselves; for systems that name a wrong one"
    )

    folder: Folder | None = Field(default=None, description="how packets are exchanged, for `protocol: folder`")
    mail: Mail | None = Field(default=None, description="how mail goes out and comes back, for `protocol: mail`")

    @model_validator(mode="after")
    def _has_its_exchange(self) -> Connection:
        for name, own in (("folder", self.folder), ("mail", self.mail)):
            if (own is not None) != (self.protocol == name):
                code, said = ("missing-key", "`protocol: {name}` needs `{name}`") if own is None else _FOREIGN
                raise PydanticCustomError(code, said, {"name": name})
        if self.protocol in ("folder", "mail"):
            self._exchange_is_possible()
        return self

    @model_validator(mode="after")
    def _fits_the_protocol(self) -> Connection:
        if self.protocol == "soap" and self.wsdl is None:
            raise PydanticCustomError("missing-key", "soap needs `wsdl`")
        if self.protocol == "soap" and self.openapi is not None:
            raise PydanticCustomError("wrong-protocol", "`openapi` belongs to rest; soap has `wsdl`")
        if self.protocol == "soap" and "body_format" in self.model_fields_set:
            raise PydanticCustomError("wrong-protocol", "`body_format` belongs to rest; soap is always XML")
        if self.protocol != "rest" and self.headers:
            raise PydanticCustomError("wrong-protocol", "`headers` of every call belong to rest")
        if self.protocol != "soap":
            if self.wsdl is not None or self.faults:
                raise PydanticCustomError("wrong-protocol", "`wsdl` and `faults` belong to soap")
            for name in _OF_SOAP:
                if name in self.model_fields_set:
                    raise PydanticCustomError("wrong-protocol", "`{name}` belongs to soap", {"name": name})
        check_together(self.securities, self.protocol)
        if self.attachments_as == "mtom" and any(way.kind == "wsse-signature" for way in self.securities):
            raise PydanticCustomError("wrong-protocol", "`attachments_as: mtom` cannot be signed; use base64")
        return self

    def _exchange_is_possible(self) -> None:
        """A folder knows no sign-in; a mail server knows a user name and a password."""
        may = ("basic",) if self.protocol == "mail" else ()
        if any(way.kind not in may for way in self.securities):
            raise PydanticCustomError("wrong-protocol", "this kind of `security` does not exist for this protocol")
        foreign = [name for name in ("openapi", "reply_charset") if getattr(self, name) is not None]
        if self.protocol == "folder" and self.tls is not None:
            foreign.append("tls")
        if foreign:
            raise PydanticCustomError("wrong-protocol", "`{name}` belongs to rest and soap", {"name": foreign[0]})

    @property
    def securities(self) -> tuple[OneSecurity, ...]:
        """The ways to sign in, none, one or several."""
        return securities(self.security)


_FOREIGN = ("wrong-protocol", "`{name}` belongs to `protocol: {name}`")
_OF_SOAP = ("version", "service", "port", "soap_action", "typed_values", "attachments_as", "validate_replies")
