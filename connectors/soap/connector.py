"""The SOAP wire: one WSDL port at one pinned address.

`render` and `send` make the envelope by the same code. A SOAP Fault is a Reply whatever the HTTP status; what is no envelope is Unreadable.
"""

from __future__ import annotations

import asyncio
import difflib
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from connectors.base import Call, NotSent, Reply, Request, Unreadable
from connectors.http import STANDARD_HEADERS, Limits, RawReply, Wire, call_headers, checked_address
from connectors.soap.envelope import write_envelope
from connectors.soap.reply import SoapReply, read_envelope
from connectors.soap.security import Security, http_credentials, security_header
from connectors.soap.wsdl import Operation, Version, load_wsdl

_LARGE_REPLY_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class SoapConnection:
    """How one agency's SOAP service is reached. `address` alone says where; the address inside the WSDL is ignored.

    Times are in seconds; `timeout_s` covers a whole send. `tls` is for agencies with their own CA or a client certificate.
    """

    wsdl: Path
    address: str
    version: Version = "1.1"
    security: Security | None = None
    timeout_s: float = 20.0
    max_reply_bytes: int = 8 * 1024 * 1024
    attempt_window_s: float = 5.0
    service: str | None = None
    port: str | None = None
    validate_reply: bool = False
    tls: ssl.SSLContext | None = field(default=None, repr=False)


class SoapConnector:
    """A connector for one SoapConnection. Without a wire it renders only."""

    def __init__(self, connection: SoapConnection, wire: Wire | None = None) -> None:
        """Reads the WSDL. Raises BadConnection with the field and the remedy."""
        checked_address(connection.address)
        self._connection = connection
        self._wire = wire
        self._limits = Limits(connection.timeout_s, connection.max_reply_bytes, connection.attempt_window_s)
        self._wsdl = load_wsdl(connection.wsdl, connection.version, connection.service, connection.port)

    async def send(self, call: Call) -> Reply:
        """Carry the call. Raises NotSent, Lost or Unreadable."""
        operation = self._operation(call)
        request = self._request(call, operation)
        if self._wire is None:
            raise NotSent("this connector only renders: it was made without a wire", request=request)
        raw = await self._wire.exchange(
            request,
            self._limits,
            safe=call.safe,
            ssl=self._connection.tls,
            # A nonce is good once: a service that saw the first try would take the same bytes for a replay.
            renewed=lambda: self._request(call, operation),
        )
        try:
            read = await self._read(raw, operation)
        except Unreadable as error:
            if raw.status == 401:
                text = "the agency refused the credentials (401): check `security`"
                raise NotSent(text, request=raw.request, status=raw.status, raw=raw.body) from error
            error.request, error.status, error.raw = raw.request, raw.status, raw.body
            raise
        return Reply(raw.status, raw.headers, raw.body, read.tree, raw.request, read.fault)

    def render(self, call: Call) -> Request:
        """The request `send` would put on the wire (with its own nonce, when the password goes as a digest). Raises NotSent."""
        return self._request(call, self._operation(call))

    async def close(self) -> None:
        """Nothing is held beyond the shared session."""

    def _operation(self, call: Call) -> Operation:
        operation = self._wsdl.operations.get(call.operation)
        if operation is None:
            names = list(self._wsdl.operations)
            close = difflib.get_close_matches(call.operation, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(names)}"
            raise NotSent(f"operation {call.operation!r}: the WSDL has no such operation; {hint}")
        if call.path or call.query or call.form or call.files:
            raise NotSent(f"operation {call.operation}: SOAP takes a body only; remove path, query, form and files")
        return operation

    def _request(self, call: Call, operation: Operation) -> Request:
        connection = self._connection
        envelope = write_envelope(
            self._wsdl, operation, connection.version, call.body, security_header(connection.security)
        )
        if connection.version == "1.2":
            action = f'; action="{operation.action}"' if operation.action else ""
            own = {"Content-Type": f"application/soap+xml; charset=utf-8{action}", "Accept": "application/soap+xml"}
        else:
            own = {
                "Content-Type": "text/xml; charset=utf-8",
                "Accept": "text/xml",
                "SOAPAction": f'"{operation.action}"',
            }
        headers = {**STANDARD_HEADERS, **own, **call_headers(call.headers), **http_credentials(connection.security)}
        return Request("POST", connection.address, headers, envelope)

    async def _read(self, raw: RawReply, operation: Operation) -> SoapReply:
        if operation.reply is None and not raw.body.strip() and raw.status < 300:
            return SoapReply(None, None)
        content_type, strict = raw.headers.get("content-type", ""), self._connection.validate_reply
        if len(raw.body) > _LARGE_REPLY_BYTES:
            # A large document takes long enough to hold up every other call of the loop.
            return await asyncio.to_thread(read_envelope, raw.body, content_type, operation, strict=strict)
        return read_envelope(raw.body, content_type, operation, strict=strict)
