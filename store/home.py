"""Where an installation keeps its things, read from the environment once, at the start of a process.

`OKNO_HOME` (default `.okno` in the current folder) holds the embedded database, attachments and the development key; `OKNO_CONFIG` (default `config`)
holds the reference data and agency files; `OKNO_DATABASE_URL` names an external PostgreSQL, and without it the embedded one is used.
`OKNO_PUBLIC_ADDRESS` and `OKNO_LINK_KEY` are for links to files. What an operator may set about reading is in `Reading`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from domain.file_link import FileLinks
from store.embedded import EmbeddedServer
from store.migrate import migrate
from store.reading import STATEMENT_TIMEOUT_S
from store.replicas import LAG_S
from store.server_check import verify_server
from store.unit import Database, driver_url

PROJECT = Path(__file__).resolve().parent.parent
POOL_SIZE = 10
_KEY_BYTES = 32


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


def _public_address(value: str) -> str | None:
    """An address that others reach: a scheme, a host, perhaps a port and a path. Raises BadHome."""
    if not value:
        return None
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or parts.username or not value.isascii() or not value.isprintable():
        raise BadHome(
            "OKNO_PUBLIC_ADDRESS: write the address of the hub as others reach it, such as https://hub.example"
        )
    return value.rstrip("/")


def _link_secret(value: str) -> str | None:
    """Raises BadHome."""
    if value and (len(value) < 32 or not value.isascii() or not value.isprintable()):
        raise BadHome("OKNO_LINK_KEY: must have 32 ASCII characters or more, such as `openssl rand -hex 32` prints")
    return value or None


def _kept_key(path: Path) -> bytes:
    """The key in a file that only its owner may read. Whoever comes first makes it, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        number, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise BadHome(f"{path}: is not a key of {_KEY_BYTES} bytes; remove it, and links sent so far end at once")
    return key


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation, and its database."""

    folder: Path
    config: Path
    external_database_url: str | None
    reading: Reading = field(default_factory=Reading)
    public_address: str | None = None
    """`OKNO_PUBLIC_ADDRESS`: where the public reaches the hub; without one there are no links to files."""
    link_secret: str | None = field(default=None, repr=False)
    """`OKNO_LINK_KEY`: what links to files are signed with; without one a key of the installation's own."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """Raises BadHome."""
        return cls(
            folder=Path(environment.get("OKNO_HOME") or ".okno").resolve(),
            config=Path(environment.get("OKNO_CONFIG") or PROJECT / "config").resolve(),
            external_database_url=environment.get("OKNO_DATABASE_URL") or None,
            reading=Reading.from_environment(environment),
            public_address=_public_address(environment.get("OKNO_PUBLIC_ADDRESS", "").strip()),
            link_secret=_link_secret(environment.get("OKNO_LINK_KEY", "").strip()),
        )

    def file_links(self) -> FileLinks:
        """Makes and reads links to files. The key is made at the first call of any process and stays; all of them must see the same."""
        if self.link_secret is not None:
            return FileLinks(hashlib.sha256(self.link_secret.encode()).digest(), self.public_address)
        return FileLinks(_kept_key(self.folder / "link-key"), self.public_address)

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
