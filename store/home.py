"""Where an installation keeps its things, read from the environment once, at the start of a process.

`OKNO_HOME` (default `.okno` in the current folder) holds the embedded database, attachments and the development key; `OKNO_CONFIG` (default `config`)
holds the reference data and agency files; `OKNO_DATABASE_URL` names an external PostgreSQL, and without it the embedded one is used. What an
operator may set about reading is in `Reading`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from store.embedded import EmbeddedServer
from store.migrate import migrate
from store.reading import STATEMENT_TIMEOUT_S
from store.replicas import LAG_S
from store.server_check import verify_server
from store.unit import Database, driver_url

PROJECT = Path(__file__).resolve().parent.parent
POOL_SIZE = 10


class BadHome(ValueError):
    """A variable about the database makes no sense. The text names it with the remedy, and repeats no password."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a process reads: from which replicas, and within which limits."""

    urls: tuple[str, ...] = ()
    """Read replicas, `OKNO_DATABASE_READ_URL`, separated by commas; without them the primary serves every read."""
    timeout_s: float = STATEMENT_TIMEOUT_S
    """`OKNO_READ_TIMEOUT_S`: the server stops a read after so long."""
    lag_s: float = LAG_S
    """`OKNO_REPLICA_LAG_S`: a replica further behind serves nobody."""
    pool_size: int = POOL_SIZE
    """`OKNO_DATABASE_CONNECTIONS`: connections of a process to write with, and as many to read with from each server."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Reading:
        """Raises BadHome."""
        urls = tuple(one.strip() for one in environment.get("OKNO_DATABASE_READ_URL", "").split(",") if one.strip())
        for url in urls:
            try:
                backend = make_url(url).get_backend_name()
            except ArgumentError:
                backend = ""
            if backend not in {"postgresql", "postgres"}:
                raise BadHome(
                    "OKNO_DATABASE_READ_URL: write addresses as postgresql://user:password@host/database, separated by commas"
                )
        return cls(
            urls,
            _number(environment, "OKNO_READ_TIMEOUT_S", STATEMENT_TIMEOUT_S, 0.1, 25),
            _number(environment, "OKNO_REPLICA_LAG_S", LAG_S, 0.1, 3600),
            round(_number(environment, "OKNO_DATABASE_CONNECTIONS", POOL_SIZE, 2, 500)),
        )


def _number(environment: Mapping[str, str], name: str, usual: float, least: float, most: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = most + 1
    if not least <= value <= most:
        raise BadHome(f"{name}: write a number from {least:g} to {most:g}")
    return value


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation, and its database."""

    folder: Path
    config: Path
    external_database_url: str | None
    reading: Reading = field(default_factory=Reading)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """Raises BadHome."""
        return cls(
            folder=Path(environment.get("OKNO_HOME") or ".okno").resolve(),
            config=Path(environment.get("OKNO_CONFIG") or PROJECT / "config").resolve(),
            external_database_url=environment.get("OKNO_DATABASE_URL") or None,
            reading=Reading.from_environment(environment),
        )

    @property
    def attachments(self) -> Path:
        return self.folder / "attachments"

    @property
    def development_key(self) -> Path:
        """The private key (JWK) that `okno token` signs with; its public half is trusted in development only."""
        return self.folder / "development-key.json"

    @contextlib.contextmanager
    def database_url(self) -> Iterator[str]:
        """The address of a running, checked and migrated database. The embedded server stays up, and comes back if killed, while the block lasts."""
        if self.external_database_url is not None:
            verify_server(self.external_database_url)
            migrate(self.external_database_url)
            yield driver_url(self.external_database_url)
            return
        with EmbeddedServer.use(self.folder / "postgres") as server:
            migrate(server.url)
            with server.watched():
                yield server.url

    def database(self, url: str, application: str) -> Database:
        """What a process that serves people works with; `url` is what `database_url` gave."""
        reading = self.reading
        return Database(
            url,
            pool_size=reading.pool_size,
            application=application,
            read_urls=reading.urls,
            read_timeout_s=reading.timeout_s,
            replica_lag_s=reading.lag_s,
        )
