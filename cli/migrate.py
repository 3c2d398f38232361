"""`okno migrate`: the database brought to the form this version needs."""

from __future__ import annotations

import typer

from cli.failure import EXIT_CODES, plain_failures
from store.home import Home


def migrate() -> None:
    """Bring the database up to date and check that the server is fit. Every process does so at its start; this does only that."""
    with plain_failures():
        home = Home.from_environment()
        with home.database_url():
            where = "named by OKNO_DATABASE_URL" if home.external_database_url else f"in {home.folder / 'postgres'}"
            typer.echo(f"The database {where} is up to date.")


EPILOG = EXIT_CODES
