"""Brings a database to the newest schema. Safe to call from every process at start-up: one migrates, the others wait and find nothing to do."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from store.unit import driver_url

_LOCK = 0x0C40  # any fixed number; it names our migrations among a server's advisory locks


def migration_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made in code so that it is right wherever the package lies."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def migrate(url: str) -> None:
    """Apply what is missing, in one transaction, under a lock that makes concurrent callers wait."""
    engine = create_engine(driver_url(url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        head = ScriptDirectory.from_config(migration_config()).get_current_head()
        if MigrationContext.configure(connection).get_current_revision() != head:
            command.upgrade(migration_config(connection), "head")
    engine.dispose()


def revisions() -> list[str]:
    """The names of all migrations, the oldest first; the last one is the schema this program was written for."""
    scripts = ScriptDirectory.from_config(migration_config())
    return [script.revision for script in scripts.walk_revisions()][::-1]
