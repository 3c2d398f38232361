"""What every test may ask for: a real PostgreSQL and a fresh, migrated database in it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from store.embedded import EmbeddedServer
from store.migrate import migrate
from store.unit import Database


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The libpq address of a server for this run: `OKNO_TEST_DATABASE_URL` (an external one), else an embedded one of its own."""
    external = os.environ.get("OKNO_TEST_DATABASE_URL")
    if external:
        yield external
        return
    with EmbeddedServer.use(tmp_path_factory.mktemp("postgres")) as server:
        yield server.dsn


def _in_database(dsn: str, database: str) -> str:
    return psycopg.conninfo.make_conninfo(dsn, dbname=database)


def sqlalchemy_url(dsn: str) -> str:
    """The same server and database in SQLAlchemy's form."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    query = "&".join(f"{name}={value}" for name, value in parts.items() if name != "dbname")
    return f"postgresql+psycopg:///{parts['dbname']}?{query}"


@pytest.fixture(scope="session")
def template_database(server_dsn: str) -> Iterator[str]:
    """A migrated, empty database that others are copied from. Each process of a run has its own."""
    name = f"okno_template_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(sqlalchemy_url(_in_database(server_dsn, name)))
    yield name
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(server_dsn: str, template_database: str) -> Iterator[str]:
    """The SQLAlchemy address of a fresh, migrated, empty database; dropped after the test."""
    name = f"okno_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template_database))
        )
    yield sqlalchemy_url(_in_database(server_dsn, name))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open `Database` on a fresh database."""
    database = Database(database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def config_folder() -> Path:
    """The house's own reference data and agency files."""
    return Path(__file__).parent.parent / "config"
