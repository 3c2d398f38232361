"""GraphQL over HTTP: one endpoint for GET, POST, forms with files and server-sent events, as the GraphQL-over-HTTP
draft says.

Before anything is executed the caller is signed in (or is nobody), the body is counted and checked, and a request that
is wrong in itself is answered with a 4xx in JSON. `application/graphql-response+json` clients see the outcome in the
status; `application/json` clients get 200 for every well-formed request. A stream ends when the sign-in that opened it
expires. WebSockets go to `gateway.socket`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from domain.viewer import Viewer
from gateway.bodies import read_asked
from gateway.documents import refuse_ambiguous
from gateway.graphiql import GraphiQL
from gateway.refusals import Code, Language, Refusal, bad_request, preferred_language
from gateway.services import Services
from gateway.sign_in import expired
from gateway.socket import Socket, SocketHandler
from gateway.strict_json import read_json
from schema.context import Context

Media = Literal["application/json", "application/graphql-response+json", "text/event-stream"]

OPERATION_S = 30.0


@dataclass(slots=True)
class Visit:
    """What is known about one HTTP request or one socket before its operation runs."""

    language: Language
    viewer: Viewer | None = None
    expires_at: datetime | None = None
    media: Media = "application/json"
    forms: list[FormData] = field(default_factory=list)


class _Answer(Response):
    """What an operation may add to its response; carries the negotiated type to where the response is made."""

    media: Media = "application/json"


class GraphQLDoor(GraphQL[Context, None]):
    """The ASGI application behind `/graphql`."""

    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = Socket

    def __init__(self, schema: BaseSchema, services: Services, graphiql: GraphiQL | None) -> None:
        """`graphiql` is shown to browsers; None in production."""
        limits = services.settings.limits
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=limits.connection_init_s),
            max_subscriptions_per_connection=limits.subscriptions_per_connection,
        )
        self.services = services
        self._graphiql = graphiql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        visit = Visit(preferred_language(connection.headers.get("accept-language", "")))
        scope.setdefault("state", {})["visit"] = visit
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send), visit)
            return
        try:
            response = await self._answer(Request(scope, receive), visit)
        except Refusal as refusal:
            response = refusal.response(visit.language)
        except HTTPException as error:
            response = _as_refusal(error).response(visit.language)
        try:
            await response(scope, receive, send)
        finally:
            for form in visit.forms:
                await form.close()

    async def _answer(self, request: Request, visit: Visit) -> Response:
        if request.method not in {"GET", "POST"}:
            raise Refusal(
                405,
                Code.BAD_REQUEST,
                "GraphQL отвечает на GET и POST.",
                "GraphQL answers GET and POST.",
                {"allow": "GET, POST"},
            )
        accept = request.headers.get("accept", "")
        is_browser = request.method == "GET" and "query" not in request.query_params and "text/html" in accept
        if self._graphiql is not None and is_browser:
            return self._graphiql.page()
        visit.media = negotiate(accept)
        await self.admit(visit, request.headers.get("authorization"))
        return await self.run(request)

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

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        visit = visit_of(request)
        return self.services.context(visit.viewer, visit.language)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        answer = _Answer()
        answer.media = visit_of(request).media
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
        inner = cast("Request", request._request)  # type: ignore[attr-defined]  # noqa: SLF001 - the adapter hides what it adapts
        visit = visit_of(inner)
        asked = await read_asked(inner, self.services.settings.limits, signed_in=visit.viewer is not None)
        visit.forms.append(asked.form)
        refuse_ambiguous(asked.query, asked.operation_name)
        return GraphQLRequestData(
            query=asked.query,
            variables=asked.variables,
            operation_name=asked.operation_name,
            extensions=asked.extensions,
            protocol="sse" if visit.media == "text/event-stream" else "http",
        )

    async def execute_operation(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the overridden method
        """Bounded in time; a stream that fails before it begins is an ordinary answer with its own status."""
        try:
            async with asyncio.timeout(OPERATION_S):
                result = await super().execute_operation(*args, **kwargs)
                if not isinstance(result, AsyncGenerator):
                    return result
                first = await anext(result, None)
        except TimeoutError:
            raise Refusal(
                503,
                Code.UNAVAILABLE,
                "Запрос выполнялся слишком долго и остановлен. Попросите меньше полей или повторите позже.",
                "The operation took too long and was stopped. Ask for fewer fields or try again later.",
            ) from None
        if isinstance(first, PreExecutionError):
            await result.aclose()
            return first
        return _with_first(first, result)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """A request error has no `data` and a code; an error of execution keeps both as they are."""
        response = await super().process_result(request, result)
        errors = result.errors or []
        if result.data is None and errors and all(error.path is None for error in errors):
            response.pop("data", None)
            for entry in cast("list[dict[str, Any]]", response["errors"]):
                entry["extensions"] = {"code": Code.BAD_REQUEST.value} | (entry.get("extensions") or {})
        return response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        media = sub_response.media if isinstance(sub_response, _Answer) else "application/json"
        failed = "data" not in response_data
        if media == "text/event-stream":
            media = "application/graphql-response+json"
        status = 400 if failed and media == "application/graphql-response+json" else 200
        headers = {"vary": "Accept, Accept-Language, Authorization", "cache-control": "no-store"}
        # The charset is named because older clients guess it.
        return Response(self.encode_json(response_data), status, headers, media_type=f"{media}; charset=utf-8")

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        visit = visit_of(request)
        events = until(stream(), visit.expires_at, self.services.clock, self._farewell(visit.language))
        return StreamingResponse(events, headers={**headers, "vary": "Accept, Accept-Language, Authorization"})

    def _farewell(self, language: Language) -> str:
        error = self.encode_json({"errors": [expired().error(language)]})
        return f"event: next\r\ndata: {error}\r\n\r\nevent: complete\r\ndata: \r\n\r\n"


def visit_of(request: Request | WebSocket) -> Visit:
    visit: Visit = request.scope["state"]["visit"]
    return visit


def negotiate(accept: str) -> Media:
    """The type to answer with. Without an Accept header it is `application/json`, as older clients expect. Raises Refusal (406)."""
    offers: dict[str, float] = {}
    for part in accept[:1000].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        offers[name] = float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 0.0
    wanted = {name for name, weight in offers.items() if name and weight > 0}
    if not accept.strip():
        return "application/json"
    if "text/event-stream" in wanted:
        return "text/event-stream"
    response, plain = "application/graphql-response+json", "application/json"
    if response in wanted and offers[response] >= offers.get(plain, 0.0):
        return "application/graphql-response+json"
    if wanted & {plain, "application/*", "*/*"}:
        return "application/json"
    raise Refusal(
        406,
        Code.BAD_REQUEST,
        f"Ответить можно как {response}, {plain} или text/event-stream. Назовите один из них в Accept.",
        f"The answer can be {response}, {plain} or text/event-stream. Name one of them in Accept.",
    )


async def until(
    events: AsyncIterator[str], expires_at: datetime | None, clock: Callable[[], datetime], farewell: str
) -> AsyncGenerator[str, None]:
    """The events until the sign-in expires, then the farewell."""
    try:
        while True:
            # Each wait has its own timeout: one around the whole loop would cancel whoever reads us.
            left_s = None if expires_at is None else (expires_at - clock()).total_seconds()
            try:
                event = await asyncio.wait_for(anext(events), None if left_s is None else max(left_s, 0.0))
            except StopAsyncIteration:
                return
            except TimeoutError:
                yield farewell
                return
            yield event
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _with_first(first: object, rest: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    try:
        if first is not None:
            yield first
            async for result in rest:
                yield result
    finally:
        await rest.aclose()


def _as_refusal(error: HTTPException) -> Refusal:
    """What Strawberry says with a status, in our shape. Its texts name operations, never values."""
    if isinstance(error.__cause__, InvalidOperationTypeError):
        return Refusal(
            405,
            Code.BAD_REQUEST,
            "Изменения отправляйте методом POST, а подписки — с Accept: text/event-stream или по WebSocket.",
            "Send mutations by POST, and subscriptions with Accept: text/event-stream or over a WebSocket.",
            {"allow": "POST"},
        )
    return bad_request(
        "Запрос GraphQL не выполнен: нет такой операции. Проверьте query и operationName.",
        "The GraphQL request was not executed: there is no such operation. Check `query` and `operationName`.",
        error.status_code,
    )
