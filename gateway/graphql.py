"""GraphQL over HTTP: one endpoint for GET, POST, forms with files and server-sent events, as the GraphQL-over-HTTP
draft says.

Before anything is executed the caller is signed in (or is nobody), the body is counted and checked, the document is
found or learned (`gateway.documents`), and its cost is taken from the caller's allowance (`gateway.allowance`). A
request that is wrong in itself is answered with a 4xx in JSON. `application/graphql-response+json` clients see the
outcome in the status; `application/json` clients get 200 for every well-formed request. A stream ends when the sign-in
that opened it expires. WebSockets go to `gateway.socket`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import OperationType
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from domain.viewer import Viewer
from gateway.allowance import Allowance
from gateway.bodies import Asked, read_asked
from gateway.callers import caller_of
from gateway.document_reader import DocumentReader
from gateway.documents import Documents, RequestErrors, Resolved
from gateway.followers import Followers
from gateway.graphiql import GraphiQL
from gateway.negotiation import Media, negotiate
from gateway.origins import preflight
from gateway.planned import VARY, PlannedAnswers, Public, private_headers
from gateway.public_answers import PublicAnswers
from gateway.refusals import Code, Language, Refusal, as_refusal, bad_request, preferred_language
from gateway.services import Services
from gateway.sign_in import expired
from gateway.socket import Socket, SocketHandler
from gateway.streams import event_transport, until, with_first
from gateway.strict_json import read_json
from gateway.trusted import trust_documents
from gateway.turnstile import Turnstile, too_slow
from schema.context import Context
from schema.faults import Fault
from schema.root import HubSchema
from store.read_versions import ReadVersions

HAS_PAID: Final = "okno.has_paid"
"""In the state of a request's scope: True when its cost is charged already."""


@dataclass(slots=True)
class Visit:
    """What is known about one HTTP request or one socket before its operation runs."""

    connection: HTTPConnection
    language: Language
    viewer: Viewer | None = None
    expires_at: datetime | None = None
    caller: str = ""
    """Whose allowance pays."""
    media: Media = "application/json"
    resolved: Resolved | None = None
    code: str = "OK"
    """How it ended, for those who count: OK, or the code of the first error."""
    form: FormData | None = None
    has_paid: bool = False
    """The short road has charged it already, and could not bring it to its end."""

    @property
    def one_answer(self) -> Media:
        """The type of an answer that is no stream."""
        return "application/json" if self.media == "application/json" else "application/graphql-response+json"


class _Answer(Response):
    """What an operation may add to its response; carries the negotiated type to where the response is made."""

    media: Media = "application/json"


class GraphQLDoor(GraphQL[Context, None]):
    """The ASGI application behind `/graphql`."""

    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = Socket

    def __init__(
        self, schema: HubSchema, services: Services, graphiql: GraphiQL | None, beside: GraphQLDoor | None = None
    ) -> None:
        """`graphiql` is shown to browsers; None in production. What callers may spend and the turns they wait for are those of the door `beside`.

        Raises BadSettings when a trusted document does not fit the schema.
        """
        settings, limits = services.settings, services.settings.limits
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=limits.connection_init_s),
            max_subscriptions_per_connection=limits.subscriptions_per_connection,
            allowed_origins=sorted(settings.origins),
        )
        self.stream_transport_classes_by_protocol = {GRAPHQL_SSE_PROTOCOL: event_transport(limits.keep_alive_s)}
        self.services = services
        own_turns = Turnstile(limits.operations_at_once, limits.operations_waiting, limits.turn_s)
        self.allowance: Allowance = Allowance(settings) if beside is None else beside.allowance
        self.turnstile: Turnstile = own_turns if beside is None else beside.turnstile
        self.known_documents = self._known = schema.documents
        self.followers = Followers(services, schema.plans, self.turnstile)
        reader = DocumentReader(schema.documents, self.allowance)
        self._documents = Documents(schema.documents, settings, reader)
        self.planned = PlannedAnswers(schema.plans, services, self.turnstile)
        self._public_answers = PublicAnswers(ReadVersions(services.database))
        self._graphiql = graphiql
        trust_documents(schema.documents, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        visit = Visit(connection, preferred_language(connection.headers.get("accept-language", "")))
        state = scope.setdefault("state", {})
        visit.has_paid = state.get(HAS_PAID, False)
        state["visit"] = visit
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send), visit)
            return
        try:
            response = await self._answer(Request(scope, receive), visit)
        except Refusal as refusal:
            visit.code = refusal.code.value
            response = refusal.response(visit.language, visit.one_answer)
        except HTTPException as error:
            visit.code = Code.BAD_REQUEST.value
            response = _as_refusal(error).response(visit.language, visit.one_answer)
        try:
            await response(scope, receive, send)
        finally:
            if visit.form is not None:
                await visit.form.close()

    async def _answer(self, request: Request, visit: Visit) -> Response:
        asks_first = preflight(request.headers, self.services.settings.origins) if request.method == "OPTIONS" else None
        if asks_first is not None:
            return asks_first
        if request.method not in {"GET", "POST"}:
            raise _not_this_method("GraphQL отвечает на GET и POST.", "GraphQL answers GET and POST.", "GET, POST")
        accept = request.headers.get("accept", "")
        if self._graphiql is not None and _is_browser(request, accept):
            return self._graphiql.page()
        visit.media = negotiate(accept)
        await self.admit(visit, request.headers.get("authorization"))
        asked = await self._read(request, visit)
        visit.form = asked.form
        try:
            visit.resolved, kind = await self.resolve(visit, asked)
        except RequestErrors as wrong:
            response = await self.process_result(request, ExecutionResult(data=None, errors=[*wrong.errors]))
            return self._one_response(response, visit.one_answer)
        visit.media = negotiate(accept, live=kind is OperationType.SUBSCRIPTION)
        _refuse_misplaced(kind, request.method, visit.media)
        if kind is OperationType.SUBSCRIPTION:
            self.services.leaving.refuse()
        if kind is OperationType.QUERY and visit.media != "text/event-stream":
            context = self.services.context(visit.viewer, visit.language)
            answer = await self.planned.answer(visit.resolved, context, visit.media, self._public(request, visit))
            if answer is not None:
                return answer
        return await self.run(request)

    async def _read(self, request: Request, visit: Visit) -> Asked:
        """The request, paid for by its size; one that cannot be read costs what a wrong document costs. Raises Refusal."""
        pay, limits = partial(self.allowance.charge_body, visit.caller), self.services.settings.limits
        try:
            return await read_asked(request, limits, pay, signed_in=visit.viewer is not None)
        except Refusal as refusal:
            if refusal.code is Code.BAD_REQUEST:
                self.allowance.charge_wrong(visit.caller)
            raise

    async def _serve_socket(self, socket: WebSocket, visit: Visit) -> None:
        try:
            await self.admit(visit, socket.headers.get("authorization"))
        except Refusal as refusal:
            await socket.send_denial_response(refusal.response(visit.language))
            return
        await self.run(socket)

    async def admit(self, visit: Visit, authorization: str | None) -> None:
        """Sign the caller in. Raises Refusal."""
        signed_in = await self.services.sign_in.check(authorization or None)
        visit.viewer = await self.services.viewer(signed_in)
        visit.expires_at = None if signed_in is None else signed_in.expires_at
        visit.caller = caller_of(visit.connection, visit.viewer, self.services.settings.trusted_proxies)

    async def resolve(self, visit: Visit, asked: Asked) -> tuple[Resolved, OperationType]:
        """The document of a request, found or learned and paid for, before any of it is run. Raises Refusal or RequestErrors."""
        resolved = self._documents.known(asked)
        is_known = resolved is not None
        resolved = resolved or await self._documents.read(asked, visit.caller)
        if resolved.learned.errors:
            if is_known:
                self.allowance.charge_wrong(visit.caller)
            raise RequestErrors(self._documents.errors(resolved.learned, visit.language))
        if visit.has_paid:
            return resolved, resolved.learned.operation(resolved.operation_name).kind
        try:
            return resolved, self.allowance.charge(visit.caller, resolved).kind
        except Fault as fault:
            self.allowance.charge_wrong(visit.caller)
            raise as_refusal(fault) from None

    def known(self, asked: Asked) -> Resolved | None:
        """The same document if it is known and right already: nothing is learned and nothing is paid. Raises Refusal."""
        resolved = self._documents.known(asked)
        return None if resolved is None or resolved.learned.errors else resolved

    def _public(self, request: Request, visit: Visit) -> Public | None:
        """Only a trusted document can be public: the questions of strangers would only fill the caches."""
        is_trusted = visit.resolved is not None and self._known.trusted(visit.resolved.document_id) is not None
        if request.method != "GET" or visit.viewer is not None or not is_trusted:
            return None
        return Public(self._public_answers, request.headers.get("if-none-match"))

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        visit = visit_of(request)
        return self.services.context(visit.viewer, visit.language)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        answer = _Answer()
        answer.media = visit_of(request).one_answer
        return answer

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        return False

    def decode_json(self, data: str | bytes) -> object:
        """For frames of a socket; bodies are read by `gateway.bodies`."""
        try:
            return read_json(data, self.services.settings.limits)
        except Refusal as refusal:
            raise json.JSONDecodeError(refusal.en, "", 0) from None

    def encode_json(self, data: object) -> str:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """What `_answer` has read, in Strawberry's form."""
        visit = visit_of(cast("Request", request._request))  # type: ignore[attr-defined]  # noqa: SLF001 - the adapter hides what it adapts
        resolved = cast("Resolved", visit.resolved)
        return GraphQLRequestData(
            query=resolved.text,
            variables=resolved.variables,
            operation_name=resolved.operation_name,
            extensions=resolved.extensions,
            protocol="sse" if visit.media == "text/event-stream" else "http",
        )

    async def execute_operation(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the overridden method
        """In turn and bounded in time; a stream that fails before it begins is an ordinary answer with its own status."""
        async with self.turnstile.turn():
            try:
                async with asyncio.timeout(self.services.settings.limits.operation_s):
                    result = await super().execute_operation(*args, **kwargs)
                    if not isinstance(result, AsyncGenerator):
                        return result
                    first = await anext(result, None)
            except TimeoutError:
                raise too_slow() from None
        if isinstance(first, PreExecutionError):
            await result.aclose()
            return first
        return with_first(first, result)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """A request error has no `data` and a code; an error of execution keeps both as they are."""
        response = await super().process_result(request, result)
        errors = result.errors or []
        if result.data is None and errors and all(error.path is None for error in errors):
            response.pop("data", None)
            for entry in cast("list[dict[str, Any]]", response["errors"]):
                entry["extensions"] = {"code": Code.BAD_REQUEST.value} | (entry.get("extensions") or {})
        if errors:
            visit_of(request).code = str((errors[0].extensions or {}).get("code", Code.BAD_REQUEST.value))
        return response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        media = sub_response.media if isinstance(sub_response, _Answer) else "application/json"
        return self._one_response(response_data, media)

    def _one_response(self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], media: Media) -> Response:
        failed = "data" not in response_data
        status = 400 if failed and media == "application/graphql-response+json" else 200
        return Response(self.encode_json(response_data), status, private_headers(media))

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        visit = visit_of(request)
        events = until(stream(), visit.expires_at, self.services.clock, self._farewell(visit.language))
        return StreamingResponse(events, headers={**headers, "vary": VARY})

    def _farewell(self, language: Language) -> str:
        error = self.encode_json({"errors": [expired().error(language)]})
        return f"event: next\ndata: {error}\n\nevent: complete\ndata: \n\n"


def visit_of(request: Request | WebSocket) -> Visit:
    visit: Visit = request.scope["state"]["visit"]
    return visit


def _is_browser(request: Request, accept: str) -> bool:
    """Whether a person looks at the address, and not a program that asks."""
    asks = {"query", "documentId", "extensions"} & request.query_params.keys()
    return request.method == "GET" and not asks and "text/html" in accept


def _refuse_misplaced(kind: OperationType, method: str, media: Media) -> None:
    """GET changes nothing, and a subscription needs a stream. Raises Refusal."""
    if method == "GET" and kind is not OperationType.QUERY:
        raise _not_this_method(
            "Изменения и подписки отправляйте методом POST.", "Send mutations and subscriptions by POST.", "POST"
        )
    if kind is OperationType.SUBSCRIPTION and media != "text/event-stream":
        raise bad_request(
            "Подписке нужен поток: отправьте её с Accept: text/event-stream или по WebSocket.",
            "A subscription needs a stream: send it with Accept: text/event-stream or over a WebSocket.",
            406,
        )


def _not_this_method(ru: str, en: str, allowed: str) -> Refusal:
    return Refusal(405, Code.BAD_REQUEST, ru, en, {"allow": allowed})


def _as_refusal(error: HTTPException) -> Refusal:
    """What Strawberry says with a status, in our shape. Its texts name operations, never values."""
    return bad_request(
        "Запрос GraphQL не выполнен: нет такой операции. Проверьте query и operationName.",
        "The GraphQL request was not executed: there is no such operation. Check `query` and `operationName`.",
        error.status_code,
    )
