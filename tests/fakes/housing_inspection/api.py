"""The machine's side of the housing inspection: OAuth2 client credentials and `/api/v1`, as `openapi.yaml` describes it."""

import base64
import binascii
import hashlib
import re
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote_plus

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from tests.fakes.faults import Faults, Reply, Shape
from tests.fakes.housing_inspection.case_rules import KINDS
from tests.fakes.housing_inspection.incoming import NewRequest, Withdrawal
from tests.fakes.housing_inspection.ledger import Ledger
from tests.fakes.housing_inspection.replies import Refusal, invalid, read_json, read_up_to

FILE_LIMIT_BYTES = 8 * 1024 * 1024
_FORM_ROOM_BYTES = 64 * 1024
_CURSOR = re.compile(r"^([0-9]{1,18})\.([0-9a-f]{8})$")

_OPERATIONS = [
    ("issueToken", re.compile(r"^POST /oauth/token$")),
    ("createRequest", re.compile(r"^POST /api/v1/requests$")),
    ("findRequests", re.compile(r"^GET /api/v1/requests$")),
    ("readRequest", re.compile(r"^GET /api/v1/requests/[^/]+$")),
    ("addFile", re.compile(r"^POST /api/v1/requests/[^/]+/files$")),
    ("withdrawRequest", re.compile(r"^POST /api/v1/requests/[^/]+/withdrawal$")),
    ("listChanges", re.compile(r"^GET /api/v1/changes$")),
]

Endpoint = Callable[[Request], Awaitable[Response]]


def operation_of(scope: Scope) -> str:
    """The operationId of a call; empty for a path that is none."""
    line = f"{scope['method']} {scope['path']}"
    return next((name for name, pattern in _OPERATIONS if pattern.match(line)), "")


SHAPE = Shape(
    ok_with_error=lambda _: Reply(
        200, "application/json", b'{"error":{"code":"internal","message":"The request was not processed.","fields":[]}}'
    ),
    busy=lambda _: Reply(
        503,
        "application/json",
        b'{"error":{"code":"busy","message":"Too many requests now; come back later.","fields":[]}}',
        {"Retry-After": "1"},
    ),
    operation_of=operation_of,
)


class Api:
    """The endpoints; `routes()` puts them where they belong."""

    def __init__(
        self, ledger: Ledger, faults: Faults, client_id: str, client_secret: str, token_lifetime_s: int
    ) -> None:
        """`faults` is asked before credentials are checked."""
        self._ledger = ledger
        self._faults = faults
        self._client = (client_id.encode(), client_secret.encode())
        self._token_lifetime_s = token_lifetime_s

    def routes(self) -> list[Route]:
        """Every machine route."""
        guarded: list[tuple[str, str, Endpoint]] = [
            ("POST", "/api/v1/requests", self.create),
            ("GET", "/api/v1/requests", self.find),
            ("GET", "/api/v1/requests/{id}", self.read),
            ("POST", "/api/v1/requests/{id}/files", self.add_file),
            ("POST", "/api/v1/requests/{id}/withdrawal", self.withdraw),
            ("GET", "/api/v1/changes", self.changes),
        ]
        return [
            Route("/oauth/token", self.issue_token, methods=["POST"]),
            *(Route(path, self._signed_in(endpoint), methods=[method]) for method, path, endpoint in guarded),
        ]

    async def issue_token(self, request: Request) -> Response:
        """OAuth2 client credentials (RFC 6749, 4.4)."""
        body = await read_up_to(request, _FORM_ROOM_BYTES)
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        shown = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if self._refuses_login(request) or not self._is_client(*shown):
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        token = secrets.token_urlsafe(32)
        self._ledger.keep_token(_sha256(token.encode()), time.time() + self._token_lifetime_s)
        issued = {"access_token": token, "token_type": "Bearer", "expires_in": self._token_lifetime_s}
        return JSONResponse(issued, headers={"Cache-Control": "no-store"})

    async def create(self, request: Request) -> Response:
        """Make a case, or name the first one with the same external_id."""
        wish = await read_json(request, NewRequest)
        if wish.kind not in KINDS:
            fields = [{"field": "kind", "problem": f"unknown; one of {', '.join(sorted(KINDS))}"}]
            raise Refusal(422, "unknown_kind", "kind: there is no such kind of request.", fields=fields)
        case_id, made = self._ledger.create(wish)
        if not made:
            raise Refusal(409, "already_exists", "external_id: there is a request with it already.", id=case_id)
        return JSONResponse({"id": case_id, "external_id": wish.external_id, "state": "new"}, 201)

    async def find(self, request: Request) -> Response:
        """Cases with an external_id: none or one."""
        wish = _query(request, {"external_id"})
        if not wish.get("external_id"):
            raise invalid([{"field": "external_id", "problem": "required"}])
        return JSONResponse({"items": self._ledger.found_by(wish["external_id"])})

    async def read(self, request: Request) -> Response:
        """One case as it stands now."""
        return JSONResponse(self._ledger.as_it_stands(self._known_case(request)))

    async def add_file(self, request: Request) -> Response:
        """Attach a file, told apart from the case's other files by its SHA-256."""
        case_id = self._known_case(request)
        sent = await _read_form(request)
        if _sha256(sent.content) != sent.sha256:
            raise invalid([{"field": "sha256", "problem": "is not the SHA-256 of the file's content"}])
        file_id, made = self._ledger.add_file(case_id, sent.name, sent.content_type, sent.content, sent.sha256)
        if not made:
            raise Refusal(409, "already_exists", "file: the request has this content already.", id=file_id)
        return JSONResponse({"file_id": file_id}, 201)

    async def withdraw(self, request: Request) -> Response:
        """Withdraw a case that is still open."""
        case_id = self._known_case(request)
        wish = await read_json(request, Withdrawal)
        state = self._ledger.state_of(case_id)
        if state == "withdrawn":
            raise Refusal(409, "already_exists", "The request is withdrawn already.", id=case_id)
        if state in {"done", "rejected"}:
            raise Refusal(409, "already_answered", "The request is answered; it cannot be withdrawn.", id=case_id)
        self._ledger.change([case_id], "withdrawn", wish.reason)
        return JSONResponse({"state": "withdrawn"})

    async def changes(self, request: Request) -> Response:
        """One page of the feed."""
        wish = _query(request, {"cursor", "limit"})
        limit = wish.get("limit", "100")
        if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= 200:
            raise invalid([{"field": "limit", "problem": "must be a number from 1 to 200"}])
        after = self._position(wish["cursor"]) if "cursor" in wish else 0
        page = self._ledger.changes_after(after, int(limit) + 1)
        shown = page[: int(limit)]
        return JSONResponse(
            {
                "items": [item for _, item in shown],
                "next_cursor": _cursor(shown[-1][0] if shown else after),
                "has_more": len(page) > len(shown),
            }
        )

    def _signed_in(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            works = kind.lower() == "bearer" and self._ledger.token_works(_sha256(token.strip().encode()))
            if self._refuses_login(request) or not works:
                raise Refusal(401, "token_expired", "The access token is missing, unknown or over; ask for a new one.")
            return await endpoint(request)

        return guarded

    def _refuses_login(self, request: Request) -> bool:
        return self._faults.refuses_login(operation_of(request.scope), f"{request.method} {request.url.path}")

    def _is_client(self, client_id: str, client_secret: str) -> bool:
        right_id = secrets.compare_digest(client_id.encode(), self._client[0])
        return secrets.compare_digest(client_secret.encode(), self._client[1]) and right_id

    def _known_case(self, request: Request) -> str:
        case_id: str = request.path_params["id"]
        if self._ledger.state_of(case_id) is None:
            raise Refusal(404, "not_found", "id: there is no such request.")
        return case_id

    def _position(self, cursor: str) -> int:
        try:
            found = _CURSOR.match(base64.urlsafe_b64decode(cursor.encode()).decode("ascii"))
        except (binascii.Error, UnicodeError):
            found = None
        if found is None or found[2] != _seal(int(found[1])) or int(found[1]) > self._ledger.last_change():
            raise Refusal(400, "bad_cursor", "cursor: not one of ours; send a next_cursor back as it was, or none.")
        return int(found[1])


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(shown, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError):
        return None
    return unquote_plus(user), unquote_plus(password)


def _query(request: Request, known: set[str]) -> dict[str, str]:
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise invalid([{"field": name, "problem": "there is no such parameter"} for name in unknown])
    return dict(request.query_params)


@dataclass(frozen=True)
class _SentFile:
    name: str
    content_type: str
    content: bytes
    sha256: str


async def _read_form(request: Request) -> _SentFile:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refusal(415, "unsupported_media_type", "Send the file as multipart/form-data.")
    try:
        form = await MultiPartParser(request.headers, _limited(request), max_files=1, max_fields=1).parse()
    except MultiPartException as problem:
        raise Refusal(400, "bad_form", f"The form cannot be read: {problem.message}") from None
    try:
        return await _sent_file(form)
    finally:
        await form.close()


async def _sent_file(form: FormData) -> _SentFile:
    file, claimed = form.get("file"), form.get("sha256")
    unknown = sorted(set(form) - {"file", "sha256"})
    problems = [{"field": name, "problem": "there is no such field"} for name in unknown]
    if not isinstance(file, UploadFile) or not file.filename or not file.size:
        problems.append({"field": "file", "problem": "required, a file with a name and at least one byte"})
    if not isinstance(claimed, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", claimed):
        problems.append({"field": "sha256", "problem": "required, 64 hexadecimal digits"})
    if problems:
        raise invalid(problems)
    assert isinstance(file, UploadFile)
    assert isinstance(claimed, str)
    content = await file.read()
    if len(content) > FILE_LIMIT_BYTES:
        raise _too_large()
    content_type = file.content_type or "application/octet-stream"
    return _SentFile(file.filename or "", content_type, content, claimed.lower())


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    """The body's parts; a body that is too large is read to its end (many clients see a reply only then) and refused."""
    seen_bytes = 0
    async for part in request.stream():
        seen_bytes += len(part)
        if seen_bytes <= FILE_LIMIT_BYTES + _FORM_ROOM_BYTES:
            yield part
    if seen_bytes > FILE_LIMIT_BYTES + _FORM_ROOM_BYTES:
        raise _too_large()


def _too_large() -> Refusal:
    return Refusal(413, "too_large", f"file: larger than {FILE_LIMIT_BYTES} bytes.")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"{position}.{_seal(position)}".encode()).decode()


def _seal(position: int) -> str:
    return hashlib.blake2s(f"housing-inspection {position}".encode(), digest_size=4).hexdigest()
