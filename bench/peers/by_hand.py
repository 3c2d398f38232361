"""Peer: the floor. An endpoint for each operation binds the values, runs the very statement of the hub's plan on asyncpg and passes the bytes on.

No GraphQL, no token, no limits. The statements and values are noted when it starts; a request finds its values by who asks and for what.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers.serving import open_pool, run
from bench.read.kept import Kept, open_kept
from bench.read.operations import Operation, operations
from bench.read.rendered import known_shapes
from bench.read.statements import Planner, Statement, statements_of
from store.renderings import RenderedShapes
from store.unit import Database

_Key = tuple[str, str]


class Endpoint:
    """One operation: `POST /R1` with its variables as JSON."""

    def __init__(self, operation: Operation, ran: list[Statement]) -> None:
        self._text = ran[0].text
        asked = zip(operation.asks, ran, strict=True)
        self._values = {(ask.person_key, _named(dict(ask.variables))): one.values for ask, one in asked}

    async def answer(self, request: Request) -> Response:
        variables = json.loads(await request.body())
        values = self._values[request.headers["x-person"], _named(variables)]
        found = await request.app.state.pool.fetchval(self._text, *values)
        return Response(b'{"data":' + found + b"}", media_type="application/json")


def _named(variables: dict[str, Any]) -> str:
    """Which row a request is about."""
    named: str = variables.get("reference") or variables.get("code") or ""
    return named


async def _bytes_as_they_come(connection: asyncpg.Connection) -> None:
    """Texts as bytes, so that nobody decodes and encodes what is passed on."""
    await connection.set_type_codec("text", schema="pg_catalog", encoder=str.encode, decoder=bytes, format="binary")


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.pool = await open_pool(_bytes_as_they_come)
    yield
    await app.state.pool.close()


async def _shapes(kept: Kept) -> RenderedShapes:
    database = Database(kept.server.url, application="okno bench")
    try:
        return await known_shapes(database)
    finally:
        await database.close()


def main() -> None:
    """Note the statements, then serve."""
    with open_kept(int(os.environ["BENCH_MESSAGES"]), print) as kept:
        codes = os.environ["BENCH_OPERATIONS"].split(",")
        planner = Planner(asyncio.run(_shapes(kept)))
        wanted = [one for one in operations(kept) if one.code in codes]
        endpoints = [Endpoint(one, asyncio.run(statements_of(one, planner))) for one in wanted]
        routes = [Route(f"/{one.code}", do.answer, methods=["POST"]) for one, do in zip(wanted, endpoints, strict=True)]
        run(Starlette(routes=routes, lifespan=_lifespan))


if __name__ == "__main__":
    main()
