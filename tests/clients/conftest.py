"""One gateway in development and one in production for all clients, each with a database and a citizen's messages."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.clients.serving import Served, served
from tests.conftest import _in_database, sqlalchemy_url

ANNAS_MESSAGES = 5


@pytest.fixture(scope="session")
def clients_database(server_dsn: str, template_database: str) -> Iterator[str]:
    """The SQLAlchemy address of one database for all the tests of clients."""
    name = f"okno_clients_{uuid4().hex[:8]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template_database))
        )
    yield sqlalchemy_url(_in_database(server_dsn, name))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def gateway(clients_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway in development."""
    with served(clients_database, tmp_path_factory.mktemp("development")) as running:
        yield running


@pytest.fixture(scope="session")
def production(clients_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway in production, over the same database; its settings are the defaults of production."""
    with served(clients_database, tmp_path_factory.mktemp("production"), OKNO_MODE="production") as running:
        yield running


@pytest.fixture(scope="session")
def learning(clients_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway in development with automatic persisted queries."""
    with served(clients_database, tmp_path_factory.mktemp("learning"), OKNO_APQ="on") as running:
        yield running


@pytest.fixture
def citizen(gateway: Served) -> tuple[str, list[str]]:
    """A new person with five messages: their subject, and the references, newest first."""
    subject = f"anna-{uuid4().hex[:8]}"
    references = [gateway.submit(subject, f"Яма номер {number}.") for number in range(ANNAS_MESSAGES)]
    return subject, references[::-1]
