"""GraphQL over WebSocket, `graphql-transport-ws` only: what frames may look like, who is speaking, and when they must
go.

The token comes in `connection_init` as `{"authorization": "Bearer …"}`, because a browser cannot set headers on a
socket; a header works too. A frame that is none closes the socket with 4400, a token that is not believed with 4401,
and so does a token that expires while the socket is open.

A subscription to one stored message is followed without a task of its own (`gateway.followers`); everything else is
executed by graphql-core. Every operation is counted when its first result or its refusal goes out.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError, OperationType
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from gateway.bodies import asked_by
from gateway.documents import RequestErrors
from gateway.followers import Follower
from gateway.operation_times import trusted_name
from gateway.refusals import Code, Refusal
from gateway.streams import with_first
from gateway.turnstile import too_slow
from schema.context import Context

if TYPE_CHECKING:
    from gateway.graphql import GraphQLDoor, Visit

MAX_ID_CHARS = 128

log = logging.getLogger(__name__)

_MAX_REASON_BYTES = 120  # the protocol has room for 123

_SHAPES: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "connection_init": {"payload": (dict, type(None))},
    "ping": {"payload": (dict, type(None))},
    "pong": {"payload": (dict, type(None))},
    "subscribe": {"id": str, "payload": dict},
    "complete": {"id": str},
}
_REQUEST: Mapping[str, tuple[type, ...]] = {
    "query": (str, type(None)),
    "documentId": (str, type(None)),
    "operationName": (str, type(None)),
    "variables": (dict, type(None)),
    "extensions": (dict, type(None)),
}


def frame_fault(frame: object) -> str | None:
    """What is wrong with a frame, or None. The text never repeats the frame."""
    if not isinstance(frame, dict):
        return "A message must be a JSON object"
    kind = frame.get("type")
    shape = _SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return "Unknown message type; see the graphql-transport-ws protocol"
    for name, types in shape.items():
        if not isinstance(frame.get(name), types):
            return f"The member {name} of the message is missing or of a wrong type"
    if kind in {"subscribe", "complete"} and not 0 < len(frame["id"]) <= MAX_ID_CHARS:
        return f"The id must have 1 to {MAX_ID_CHARS} characters"
    if kind == "subscribe":
        for name, types in _REQUEST.items():
            if not isinstance(frame["payload"].get(name), types):
                return f"The member payload.{name} is of a wrong type"
        if not _names_a_document(frame["payload"]):
            return "The payload must have a query, or the documentId of a trusted document"
    return None


def _names_a_document(payload: Mapping[str, Any]) -> bool:
    by_id = payload.get("documentId") is not None or "persistedQuery" in (payload.get("extensions") or {})
    return by_id or payload.get("query") is not None


class Socket(ASGIWebSocketAdapter):
    """Reads frames strictly and closes with a reason that fits."""

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        try:
            while self.ws.application_state != WebSocketState.DISCONNECTED:
                frame = await self.ws.receive()
                if frame["type"] == "websocket.disconnect":
                    return
                text = frame.get("text")
                if not isinstance(text, str):
                    raise NonTextMessageReceived
                try:
                    yield self.view.decode_json(text)
                except json.JSONDecodeError as error:
                    raise NonJsonMessageReceived from error
        except WebSocketDisconnect:
            return

    async def send_text(self, text: str) -> None:
        """One frame. Raises RuntimeError or OSError when the socket is gone."""
        try:
            await self.ws.send({"type": "websocket.send", "text": text})
        except WebSocketDisconnect:
            raise ConnectionResetError from None

    async def close(self, code: int, reason: str) -> None:
        # Two tasks may want to close: the one that met a fault and the one that watches the token.
        if self.ws.application_state == WebSocketState.CONNECTED:
            cut = reason.encode()[:_MAX_REASON_BYTES].decode("utf-8", "ignore")
            await self.ws.close(code=code, reason=cut)


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One open socket."""

    _shared: Context
    _expiry: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as the overridden method
        super().__init__(*args, **options)
        self._followers: dict[str, _Followed] = {}
        self._under_way: dict[str, _Counted] = {}
        """What was not counted yet, by id."""

    @property
    def context(self) -> Context:
        """A context of its own for every operation, though they share the viewer."""
        return dataclasses.replace(self._shared)

    @context.setter
    def context(self, context: Context) -> None:
        self._shared = context

    @property
    def _door(self) -> GraphQLDoor:
        return cast("GraphQLDoor", self.view)

    @property
    def _visit(self) -> Visit:
        visit: Visit = cast("Socket", self.websocket).ws.scope["state"]["visit"]
        return visit

    async def handle(self) -> None:
        with self._door.services.leaving.socket(self):
            await super().handle()

    def running(self) -> list[asyncio.Task[None]]:
        return [one.task for one in self.operations.values() if one.task is not None]

    async def close(self, code: int, reason: str) -> None:
        await self.websocket.close(code, reason)

    async def shutdown(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        for operation_id in list(self._followers):
            self._stop_following(operation_id)
        await super().shutdown()

    async def handle_message(self, message: Message) -> None:
        fault = frame_fault(message)
        if fault is not None:
            await self.handle_invalid_message(fault)
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        payload: Mapping[str, Any] = message.get("payload") or {}
        authorization = next((value for name, value in payload.items() if name.lower() == "authorization"), None)
        if not self.connection_init_received and authorization is not None:
            try:
                await self._door.admit(self._visit, authorization if isinstance(authorization, str) else "?")
            except Refusal as refusal:
                await self.websocket.close(4401 if refusal.code is Code.UNAUTHENTICATED else 1013, refusal.en)
                return
            self._shared = dataclasses.replace(self._shared, viewer=self._visit.viewer)
        expires_at = self._visit.expires_at
        if expires_at is not None and self._expiry is None:
            left_s = (expires_at - self._door.services.clock()).total_seconds()
            self._expiry = asyncio.get_running_loop().call_later(max(left_s, 0.0), self._expire)
        await super().handle_connection_init({**message, "payload": dict(payload)})
        if self.connection_init_timeout_task is not None and self.connection_init_timeout_task.cancelling():
            self.connection_init_timeout_task = None  # there may be thousands of us

    def _expire(self) -> None:
        reason = "The sign-in has expired. Sign in again and reconnect."
        _keep(asyncio.get_running_loop().create_task(self.websocket.close(4401, reason), name="socket expiry"))

    async def handle_task_exception(self, error: Exception) -> None:
        # The text of an error may quote what a citizen wrote.
        log.error("an operation on a socket ended with an unexpected %s", type(error).__name__)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """The same rules as for a request: the document is found or learned and paid for before any of it is run."""
        operation_id = message["id"]
        if operation_id in self._followers:
            await self.websocket.close(4409, f"Subscriber for {operation_id} already exists")
            return
        if not self.connection_acknowledged or operation_id in self.operations:
            await super().handle_subscribe(message)  # which closes the socket
            return
        payload = cast("dict[str, Any]", message["payload"])
        counted = self._under_way[operation_id] = _Counted(time.perf_counter())
        try:
            if len(self.operations) + len(self._followers) >= self._most_operations:
                raise _too_many_operations()
            self._door.services.leaving.refuse()
            resolved, kind = await self._door.resolve(self._visit, asked_by(payload))
        except Refusal as refusal:
            await self._fail(operation_id, [refusal.error(self._visit.language)])
            return
        except RequestErrors as wrong:
            await self._fail(operation_id, [error.formatted for error in wrong.errors])
            return
        payload["query"] = resolved.text
        counted.name = trusted_name(self._door.known_documents, resolved)
        followed = self._door.followers.operation(resolved) if kind is OperationType.SUBSCRIPTION else None
        if followed is None or self._visit.viewer is None:
            await super().handle_subscribe(message)
            return
        follower = Follower(self, operation_id, followed, self._visit.viewer, self._visit.language)
        followed_here = self._followers[operation_id] = _Followed(follower, message)
        followed_here.beginning = asyncio.get_running_loop().create_task(self._follow(follower), name="begin following")

    @property
    def _most_operations(self) -> int:
        return self._door.services.settings.limits.subscriptions_per_connection

    async def _follow(self, follower: Follower) -> None:
        """The first frame; what follows comes when something happens."""
        operation_id, begun = follower.operation_id, False
        followed = self._followers[operation_id]
        try:
            begun = await self._door.followers.begin(follower, followed.message["payload"].get("variables"))
        except Refusal as refusal:
            self._stop_following(operation_id)
            await self._fail(operation_id, [refusal.error(self._visit.language)])
            return
        except Exception as error:  # noqa: BLE001 - the ordinary road meets it again, and tells it masked
            log.warning("a subscription takes the ordinary road after a %s", type(error).__name__)
        if begun:
            followed.beginning = None
            self._count(operation_id, "OK")
        else:
            self._stop_following(operation_id)
            await super().handle_subscribe(followed.message)

    def _stop_following(self, operation_id: str) -> None:
        followed = self._followers.pop(operation_id)
        self._door.followers.end(followed.follower)
        if followed.beginning is not None and followed.beginning is not asyncio.current_task():
            followed.beginning.cancel()

    async def tell(self, operation_id: str, result: str) -> None:
        """One result of what is followed; see `gateway.followers.Line`."""
        text = f'{{"id":{json.dumps(operation_id)},"type":"next","payload":{result}}}'
        await cast("Socket", self.websocket).send_text(text)

    def hand_over(self, operation_id: str) -> None:
        followed = self._followers.pop(operation_id)
        ordinary = super().handle_subscribe(followed.message)
        _keep(asyncio.get_running_loop().create_task(ordinary, name="hand over a subscription"))

    async def cleanup_operation(self, operation_id: str) -> None:
        self._under_way.pop(operation_id, None)
        if operation_id in self._followers:
            self._stop_following(operation_id)
        else:
            await super().cleanup_operation(operation_id)

    def _count(self, operation_id: str, code: str) -> None:
        """Once for each operation."""
        counted = self._under_way.pop(operation_id, None)
        if counted is not None:
            self._door.services.metrics.operation(counted.name, code, time.perf_counter() - counted.began_s)

    async def _fail(self, operation_id: str, errors: list[Any]) -> None:
        self._count(operation_id, _code_of(errors))
        error: Any = {"id": operation_id, "type": "error", "payload": errors}
        await self.send_message(error)

    async def _send_result_stream(
        self, operation: Operation[Context, None], result_source: AsyncGenerator[Any, None]
    ) -> None:
        """The first result in turn and bounded in time, like any operation; what follows it comes when something happens."""
        try:
            async with self._door.turnstile.turn():
                try:
                    async with asyncio.timeout(self._door.services.settings.limits.operation_s):
                        first = await anext(result_source, None)
                except TimeoutError:
                    raise too_slow() from None
        except Refusal as refusal:
            self._count(operation.id, refusal.code.value)
            error: Any = {"id": operation.id, "type": "error", "payload": [refusal.error(self._visit.language)]}
            await operation.send_operation_message(error)
            return
        self._count(operation.id, _code_of([one.formatted for one in getattr(first, "errors", None) or ()]))
        await super()._send_result_stream(operation, with_first(first, result_source))

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """A wrong document is an error of that operation; the others on the socket go on."""
        return None


@dataclass(slots=True)
class _Followed:
    """A subscription that is told by `gateway.followers`."""

    follower: Follower
    message: SubscribeMessage
    """What asked for it."""
    beginning: asyncio.Task[None] | None = None
    """What tells it the first time."""


@dataclass(slots=True)
class _Counted:
    """An operation that is to be counted: when it began, and its name if it is trusted."""

    began_s: float
    name: str | None = None


def _code_of(errors: Sequence[Mapping[str, Any]]) -> str:
    """How an operation with these errors ended, for those who count."""
    return str((errors[0].get("extensions") or {}).get("code", Code.BAD_REQUEST.value)) if errors else "OK"


_closing: set[asyncio.Task[None]] = set()


def _keep(task: asyncio.Task[None]) -> None:
    """The loop itself holds tasks weakly."""
    _closing.add(task)
    task.add_done_callback(_closing.discard)


def _too_many_operations() -> Refusal:
    return Refusal(
        429,
        Code.TOO_MANY_REQUESTS,
        "На этом соединении открыто слишком много подписок. Закройте ненужные или откройте другое соединение.",
        "This connection has too many open subscriptions. Complete those you do not need, or open another connection.",
    )
