"""Where an installation keeps its things, read from the environment once, at the start of a process.

`OKNO_HOME` (default `.okno` in the current folder) holds the embedded database, attachments and the development key; `OKNO_CONFIG` (default `config`)
holds the reference data and agency files; `OKNO_DATABASE_URL` names an external PostgreSQL, and without it the embedded one is used.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from store.embedded import EmbeddedServer
from store.migrate import migrate
from store.server_check import verify_server
from store.unit import driver_url

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation, and its database."""

    folder: Path
    config: Path
    external_database_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        return cls(
            folder=Path(environment.get("OKNO_HOME") or ".okno").resolve(),
            config=Path(environment.get("OKNO_CONFIG") or PROJECT / "config").resolve(),
            external_database_url=environment.get("OKNO_DATABASE_URL") or None,
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
