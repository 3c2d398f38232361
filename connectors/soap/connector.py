"""The SOAP wire: one WSDL port at one pinned address.

`render` and `send` make the envelope by the same code. A SOAP Fault is a Reply whatever the HTTP status; what is no envelope is Unreadable.
"""

from __future__ import annotations

import asyncio
import difflib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from connectors.base import BadConnection, Call, NotSent, Reply, Request, Unreadable
from connectors.credentials import check_filled, filled
from connectors.http import STANDARD_HEADERS, Limits, RawReply, Wire, call_headers
from connectors.reaching import Reach
from connectors.security.gate import REFUSED, Gate, Unauthorised, Way, deadline_in
from connectors.security.grant import Grant
from connectors.soap import mtom
from connectors.soap.dialect import Dialect, content_headers
from connectors.soap.envelope import write_envelope
from connectors.soap.reply import SoapReply, read_envelope
from connectors.soap.schemas import Schemas
from connectors.soap.security import UsernameToken, security_header, token_elements
from connectors.soap.signature import EnvelopeSignature, Signer, Verifier
from connectors.soap.wsdl import Operation, Version, load_wsdl

_LARGE_REPLY_BYTES = 512 * 1024

SoapWay: TypeAlias = Way | UsernameToken | EnvelopeSignature
"""One way to say who we are: any of HTTP's, or one inside the envelope."""


@dataclass(frozen=True, slots=True)
class SoapConnection:
    """How one agency's SOAP service is reached. `address` alone says where; the address inside the WSDL is ignored.

    Times are in seconds; `timeout_s` covers a whole send. `tls` is for agencies with their own CA or a client certificate.
    `also_at` are addresses to be tried when the first cannot be reached. Without `private` a host name that leads into a private network
    is refused.
    """

    wsdl: Path
    address: str
    version: Version = "1.1"
    security: SoapWay | Sequence[SoapWay] | None = None
    timeout_s: float = 20.0
    max_reply_bytes: int = 8 * 1024 * 1024
    attempt_window_s: float = 5.0
    service: str | None = None
    port: str | None = None
    validate_reply: bool = False
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    also_at: tuple[str, ...] = ()
    private: bool = False
    dialect: Dialect = field(default_factory=Dialect)


class SoapConnector:
    """A connector for one SoapConnection. Without a wire it renders only."""

    def __init__(self, connection: SoapConnection, wire: Wire | None = None) -> None:
        """Reads the WSDL. Raises BadConnection with the field and the remedy."""
        self._connection = connection
        self._wire = wire
        self._limits = Limits(connection.timeout_s, connection.max_reply_bytes, connection.attempt_window_s)
        tls, private = connection.tls, connection.private
        self._reach = Reach((connection.address, *connection.also_at), self._limits, tls=tls, private=private)
        self._wsdl = load_wsdl(connection.wsdl, connection.version, connection.service, connection.port)
        self._schemas = Schemas(connection.wsdl) if connection.validate_reply else None
        ways = connection.security or ()
        ways = ways if isinstance(ways, Sequence) else (ways,)
        self._token = next((way for way in ways if isinstance(way, UsernameToken)), None)
        signature = next((way for way in ways if isinstance(way, EnvelopeSignature)), None)
        others = [way for way in ways if not isinstance(way, UsernameToken | EnvelopeSignature)]
        if len(others) + (self._token is not None) + (signature is not None) != len(ways):
            raise BadConnection("security: only one user name and one signature can stand in an envelope")
        self._signer = Signer(signature) if signature is not None else None
        trusted = signature.replies_signed_by if signature is not None else None
        self._verifier = Verifier(trusted) if trusted is not None else None
        if self._signer is not None and connection.dialect.mtom:
            raise BadConnection("attachments_as: mtom cannot be signed; use base64")
        self._gate = Gate(others, self._limits, wire=wire, carry=self._carry, tls=tls, private=private)

    async def send(self, call: Call) -> Reply:
        """Carry the call. Raises NotSent, Lost or Unreadable."""
        self._check(call)
        if self._wire is None:
            raise NotSent("this connector only renders: it was made without a wire", request=self.render(call))
        deadline = deadline_in(self._limits)
        try:
            return await self._gate.carried(lambda grant: self._carry(call, grant, deadline), deadline)
        except NotSent as error:
            if error.request is None:
                with suppress(NotSent):
                    error.request = self.render(call)
            raise

    def render(self, call: Call) -> Request:
        """The request `send` would put on the wire (with its own nonce, when the password goes as a digest). Raises NotSent.

        What a login brings is left out or shown by its name.
        """
        self._check(call)
        return self._request(call, self._operation(call), self._gate.known, self._reach.address)

    async def close(self) -> None:
        """End a login under way; the shared session stays."""
        await self._gate.close()

    def _check(self, call: Call) -> None:
        self._operation(call)
        if call.path or call.query or call.form or call.files:
            raise NotSent(f"operation {call.operation}: SOAP takes a body only; remove path, query, form and files")
        check_filled(call, self._gate.names)

    def _operation(self, call: Call) -> Operation:
        operation = self._wsdl.operations.get(call.operation)
        if operation is None:
            names = list(self._wsdl.operations)
            close = difflib.get_close_matches(call.operation, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(names)}"
            raise NotSent(f"operation {call.operation!r}: the WSDL has no such operation; {hint}")
        return operation

    def _request(self, call: Call, operation: Operation, grant: Grant, address: str) -> Request:
        connection = self._connection
        if grant.credentials:
            call = filled(call, grant.credentials)
        elements = token_elements(self._token) + (self._signer.elements() if self._signer is not None else "")
        dialect, beside = connection.dialect, list[bytes]()
        envelope = write_envelope(
            self._wsdl,
            operation,
            connection.version,
            call.body,
            security_header(elements),
            typed_values=dialect.typed_values,
            charset=dialect.request_charset,
            beside=beside if dialect.mtom else None,
        )
        if self._signer is not None:
            envelope = self._signer.signed(envelope, dialect.request_charset)
        own = content_headers(dialect, connection.version, operation.action)
        if beside:
            envelope, own["Content-Type"] = mtom.written(envelope, beside, own["Content-Type"])
        headers = {**STANDARD_HEADERS, **own, **call_headers(call.headers), **grant.all_headers}
        secrets = grant.secrets + (self._token.secrets() if self._token is not None else ())
        return Request("POST", grant.added_to(address), headers, envelope, secrets)

    async def _carry(self, call: Call, grant: Grant, deadline: float) -> Reply:
        """One request, signed in. Raises Unauthorised for a 401 that is no envelope."""
        if self._wire is None:
            raise NotSent("this connector only renders: it was made without a wire")
        operation = self._operation(call)
        raw = await self._reach.exchange(
            self._wire,
            lambda address: self._request(call, operation, grant, address),
            deadline,
            safe=call.safe,
            # A nonce is good once: a service that saw the first try would take the same bytes for a replay.
            always_renew=True,
        )
        try:
            read = await self._read(raw, operation)
        except Unreadable as error:
            if raw.status == 401:
                raise Unauthorised(REFUSED, request=raw.request, status=raw.status, raw=raw.body) from error
            error.request, error.status, error.raw = raw.request, raw.status, raw.body
            raise
        return Reply(raw.status, raw.headers, raw.body, read.tree, raw.request, read.fault, raw.cookies)

    async def _read(self, raw: RawReply, operation: Operation) -> SoapReply:
        if operation.reply is None and not raw.body.strip() and raw.status < 300:
            return SoapReply(None, None)
        read = partial(
            read_envelope,
            raw.body,
            raw.headers.get("content-type", ""),
            operation,
            strict=self._schemas is not None,
            schemas=self._schemas,
            charset=self._connection.dialect.reply_charset,
            verifier=self._verifier,
        )
        # A large document takes long enough to hold up every other call of the loop.
        return await asyncio.to_thread(read) if len(raw.body) > _LARGE_REPLY_BYTES else read()
