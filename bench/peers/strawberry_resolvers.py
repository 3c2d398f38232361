"""Peer: plain Strawberry, as its documentation shows it: types, resolvers, dataloaders on asyncpg, parsed and validated documents kept."""

from __future__ import annotations

from uuid import UUID

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from bench.peers.loaders import Loaders
from bench.peers.serving import lifespan_with, open_pool, run
from bench.peers.types import Query


class Door(GraphQL[Loaders, None]):
    """Whoever calls says who they are: signing in is no part of the comparison."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Loaders:
        person = request.headers.get("x-person")
        return Loaders(request.app.state.opened, UUID(person) if person else None)


def main() -> None:
    """Serve."""
    schema = strawberry.Schema(
        Query, extensions=[lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)]
    )
    app = Starlette(lifespan=lifespan_with(open_pool))
    app.mount("/", Door(schema, graphql_ide=None))
    run(app)


if __name__ == "__main__":
    main()
