"""The machine's side of the road agency: `POST /soap` from bytes to bytes, and the WSDL with its XSD for whoever asks.

A request is handled on the event loop, one after another, as the old system it stands for does; what it says is on the
disk before the reply is sent.
"""

from datetime import UTC, datetime

from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.fakes.city_roads.contract import Contract, action_of
from tests.fakes.city_roads.envelope import CONTENT_TYPE, SoapFault, read_request, written_reply
from tests.fakes.city_roads.ledger import Ledger
from tests.fakes.city_roads.operations import Operations, busy
from tests.fakes.city_roads.security import Account, check_token
from tests.fakes.faults import Faults, Reply, Shape

LARGEST_REQUEST_BYTES = 40 * 1024 * 1024


class Service:
    """The SOAP endpoint."""

    def __init__(self, ledger: Ledger, faults: Faults, account: Account) -> None:
        """Load the contract; `faults` may tell it to refuse a login."""
        self._ledger = ledger
        self._faults = faults
        self._account = account
        self._contract = Contract()
        self._operations = Operations(ledger)

    def routes(self) -> list[Route]:
        """Every route of the machine's side."""
        return [
            Route("/soap", self.soap, methods=["POST"]),
            Route("/soap", self.description, methods=["GET"]),
            Route("/cases.xsd", self.types, methods=["GET"]),
        ]

    async def soap(self, request: HttpRequest) -> Response:
        """One SOAP call."""
        if not _is_utf8_xml(request.headers.get("content-type", "")) or "content-encoding" in request.headers:
            return PlainTextResponse(f"Content-Type must be {CONTENT_TYPE}, without Content-Encoding", 415)
        body = await _whole_body(request)
        if body is None:
            return PlainTextResponse(f"A request may have {LARGEST_REQUEST_BYTES} bytes at most", 413)
        try:
            return Response(self._answer(body, request.headers.get("soapaction")), media_type=CONTENT_TYPE)
        except SoapFault as fault:
            return Response(fault.written(), status_code=500, media_type=CONTENT_TYPE)

    async def description(self, request: HttpRequest) -> Response:
        """`GET /soap?wsdl`."""
        if "wsdl" not in {name.lower() for name in request.query_params}:
            return PlainTextResponse("POST a SOAP 1.1 envelope here, or ask for ?wsdl", 405, {"Allow": "POST"})
        return Response(self._contract.wsdl(str(request.url.replace(query=""))), media_type=CONTENT_TYPE)

    async def types(self, _: HttpRequest) -> Response:
        """The XSD, where the WSDL's relative import finds it."""
        return Response(self._contract.xsd, media_type=CONTENT_TYPE)

    def _answer(self, body: bytes, action: str | None) -> bytes:
        request = read_request(body)
        if self._faults.refuses_login(request.operation, "POST /soap"):
            raise SoapFault.failed_authentication()
        check_token(request.security, self._account, self._ledger.use_nonce, datetime.now(UTC))
        wanted = action_of(request.operation)
        if action is None or action.strip().strip('"') != wanted:
            raise SoapFault.client(f'The SOAPAction header must be "{wanted}" for this Body')
        self._contract.check(request.payload)
        return written_reply(self._operations.run(request.payload))


async def _whole_body(request: HttpRequest) -> bytes | None:
    """The body, or None when it is too large; the rest of such a body is read and dropped, so that the reply arrives."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= LARGEST_REQUEST_BYTES:
            parts.append(part)
    return b"".join(parts) if size <= LARGEST_REQUEST_BYTES else None


def _is_utf8_xml(content_type: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    return kind == "text/xml" and charsets in ([], ["utf-8"])


def _ok_with_error(_: str) -> Reply:
    return Reply(200, CONTENT_TYPE, SoapFault.server("Internal error 0x80004005").written())


def _busy(operation: str) -> Reply:
    try:
        return Reply(200, CONTENT_TYPE, written_reply(busy(operation)))
    except SoapFault as fault:
        return Reply(500, CONTENT_TYPE, fault.written())


SHAPE = Shape(ok_with_error=_ok_with_error, busy=_busy)
"""How this agency words its errors."""
