"""One populated database for the properties of a process, and the people who look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import strawberry
from psycopg import sql

from agencies.reference_data import ReferenceData, load_reference_data
from domain.rights import Grant
from domain.viewer import Viewer
from gateway.facts import InstallationFacts
from schema.root import build_schema
from store.changes import ChangeFeed
from store.references import ReferenceSource
from store.registry import sync_registry
from store.unit import Database
from tests.api.hub import Hub
from tests.conftest import sqlalchemy_url
from tests.properties.population import CITIZENS, ISSUER, OFFICIALS, Author, Keep, person_key, populate

MANY = 36
CONNECTED = frozenset({"city-roads", "housing-inspection"})
World = Callable[[Keep, Author], Coroutine[Any, Any, Hub]]


@pytest.fixture(scope="session")
def viewers() -> dict[str, Viewer | None]:
    """Nobody, every citizen and every official."""
    people: dict[str, Viewer | None] = {"nobody": None}
    for name in CITIZENS:
        people[name] = Viewer(person_key(name), ISSUER, name)
    for name, grants in OFFICIALS.items():
        people[name] = Viewer(person_key(name), ISSUER, name, tuple(Grant(*grant) for grant in grants))
    return people


@pytest.fixture(scope="session")
def planned_schema() -> strawberry.Schema:
    return build_schema()


@contextmanager
def _database_url(server_dsn: str, template: str) -> Iterator[str]:
    name = f"okno_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    yield sqlalchemy_url(psycopg.conninfo.make_conninfo(server_dsn, dbname=name))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
async def world(
    server_dsn: str, template_database: str, config_folder: Any, planned_schema: strawberry.Schema
) -> AsyncIterator[World]:
    """Makes hubs, each over a world of its own: all messages, or those that are kept."""
    reference_data: ReferenceData = load_reference_data(config_folder)
    async with AsyncExitStack() as stack:

        async def make(keep: Keep, author: Author) -> Hub:
            database = Database(stack.enter_context(_database_url(server_dsn, template_database)))
            await database.open()
            stack.push_async_callback(database.close)
            async with database.unit() as unit:
                await sync_registry(
                    unit,
                    rubricator=reference_data.rubricator,
                    territories=reference_data.territories,
                    organisations=reference_data.organisations,
                    connected=CONNECTED,
                )
            await populate(database, MANY, keep, author)
            return Hub(
                schema=planned_schema,
                database=database,
                facts=InstallationFacts(reference_data, CONNECTED),
                changes=ChangeFeed(database),
                references=ReferenceSource(database),
            )

        yield make


@pytest.fixture(scope="session")
async def whole(world: World) -> Hub:
    """Everything there is."""
    return await world(lambda _: True, lambda seed: seed.citizen)
