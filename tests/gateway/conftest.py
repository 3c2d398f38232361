"""A gateway that really listens: uvicorn in a thread of its own, on a free port of 127.0.0.1, with a database of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aiohttp
import psycopg
import pytest
import uvicorn
from joserfc.jwk import OKPKey
from psycopg import sql
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.serving import uvicorn_options
from gateway.settings import Settings
from schema.root import HubSchema
from store.home import Home
from tests.conftest import _in_database, sqlalchemy_url
from tests.gateway.tiny_schema import tiny_schema, tiny_table
from tests.gateway.tokens import ISSUER, bearer, claims, new_key, sign, write_keys


@dataclass(frozen=True)
class Running:
    """A gateway that listens, and the key its issuer signs with."""

    address: str
    app: Starlette
    home: Home
    key: OKPKey

    def signed_in(self, subject: str = "citizen-1") -> dict[str, str]:
        return bearer(sign(self.key, claims(sub=subject)))


@contextlib.contextmanager
def run_gateway(home: Home, settings: Settings, schema: HubSchema | None) -> Iterator[tuple[str, Starlette]]:
    """A gateway in a thread; its address and application."""
    app = create_app(home, settings, schema)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    options = uvicorn_options(settings) | {"factory": False, "log_config": None, "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="gateway")
    thread.start()
    try:
        until = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), "the gateway did not start"
            assert time.monotonic() < until
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.fixture(scope="session")
def gateway_database(server_dsn: str, template_database: str) -> Iterator[str]:
    """One database for all the tests of the door."""
    name = f"okno_gateway_{uuid4().hex[:8]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template_database))
        )
    yield sqlalchemy_url(_in_database(server_dsn, name))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def gateway_home(gateway_database: str, config_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"), config_folder, gateway_database)


@pytest.fixture(scope="session")
def running(gateway_home: Home) -> Iterator[Running]:
    """A gateway in development with an issuer of its own and the tiny schema."""
    key = new_key()
    keys = gateway_home.folder / "issuer.json"
    write_keys(keys, key)
    settings = Settings(token_issuer=ISSUER, token_keys=str(keys), trusted_documents=tiny_table(gateway_home.folder))
    with run_gateway(gateway_home, settings, tiny_schema()) as (address, app):
        yield Running(address, app, gateway_home, key)


@pytest.fixture
async def client(running: Running) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client of the gateway."""
    async with aiohttp.ClientSession(running.address) as session:
        yield session
