"""The HTTP door of the hub: `create_app` puts its routes together; `gateway.services` opens what they work with.

`/graphql` (GET, POST, server-sent events, WebSocket), `/agencies/{code}/events` (webhooks), `/files/{token}` (files
behind links), `/health` (the process lives), `/ready` (a request would be served), `/metrics` (for operators).
Whatever goes wrong, the answer is JSON of one shape.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from gateway.access_log import AccessLog
from gateway.doorstep import Doorstep
from gateway.federation import with_federation
from gateway.files import serve_file
from gateway.graphiql import GraphiQL
from gateway.graphql import GraphQLDoor
from gateway.metrics_page import Siblings, metrics
from gateway.operation_times import OperationTimes
from gateway.own_writes import OwnWrites
from gateway.readiness import Readiness
from gateway.refusals import Code, Refusal, preferred_language
from gateway.rendering import rendered_lists
from gateway.services import open_services
from gateway.settings import Settings
from gateway.short_road import ROAD, ShortRoad
from gateway.trusted import policy_of
from gateway.webhooks import receive_events
from schema.lemmas import load_dictionary
from schema.root import HubSchema, build_schema
from store.home import Home


def create_app(
    home: Home | None = None,
    settings: Settings | None = None,
    schema: HubSchema | None = None,
    siblings: Siblings | None = None,
    access: AccessLog | None = None,
) -> Starlette:
    """The ASGI application, from the environment unless told otherwise. Raises BadSettings."""
    access = access or AccessLog()
    home = home or Home.from_environment()
    settings = settings or Settings.from_environment()
    siblings = siblings or Siblings(0, None)
    graphiql = GraphiQL() if settings.in_development else None

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        # uvicorn's own line for each request holds the query string, and with it a citizen's words.
        logging.getLogger("uvicorn.access").disabled = True
        async with open_services(home, settings) as services:
            await asyncio.to_thread(load_dictionary)
            app.state.services = services
            app.state.readiness = Readiness(services.database, services.leaving)
            served = schema or build_schema(policy_of(settings))
            app.state.documents = served.documents
            door = GraphQLDoor(served, services, graphiql)
            app.state.door = with_federation(door)
            services.metrics.watch(served.plans.plan_cache_info, door.allowance.buckets)
            app.state.siblings = siblings
            lists = rendered_lists(served, services.database, wanted=settings.rendered_lists)
            async with lists, siblings.told(services.metrics.text):
                try:
                    yield {ROAD: ShortRoad(door, served.documents, access)}
                finally:
                    access.flush()

    routes: list[BaseRoute] = [
        Route("/graphql", OwnWrites(OperationTimes(_ToDoor()))),
        WebSocketRoute("/graphql", OwnWrites(_ToDoor())),
        Route("/agencies/{code}/events", receive_events, methods=["POST"]),
        Route("/files/{token}", serve_file, methods=["GET"]),
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", metrics),
    ]
    if graphiql is not None:
        routes.append(graphiql.files())
    return Starlette(
        routes=routes,
        middleware=[Middleware(Doorstep, access=access, origins=settings.origins)],
        exception_handlers={HTTPException: _not_routed, Refusal: _refused},
        lifespan=lifespan,
    )


class _ToDoor:
    """The door exists once the application has started."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].state.door(scope, receive, send)


async def health(request: Request) -> Response:
    """`GET /health`: the process lives. Says nothing about anybody else."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """`GET /ready`: 200 when a request would be served, 503 with the reason when not."""
    fault = await request.app.state.readiness.fault()
    if fault is not None:
        raise Refusal(503, Code.UNAVAILABLE, fault.ru, fault.en, {"retry-after": "5"})
    faults = len(request.app.state.services.registry.faults)
    # A faulty file takes nobody down; whoever looks after the hub should see it all the same.
    return JSONResponse({"status": "ready", **({"agency_file_faults": faults} if faults else {})})


async def _not_routed(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, in our shape."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = (error.headers if isinstance(error, HTTPException) else None) or {}
    texts = {
        404: ("Такого адреса нет. GraphQL живёт на /graphql.", "There is no such address. GraphQL lives at /graphql."),
        405: ("Этот метод здесь не принимается.", "This method is not taken here."),
    }
    ru, en = texts.get(status, ("Запрос не принят.", "The request is not taken."))
    refusal = Refusal(status, Code.BAD_REQUEST, ru, en, headers)
    return refusal.response(preferred_language(request.headers.get("accept-language", "")))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return error.response(preferred_language(request.headers.get("accept-language", "")))
