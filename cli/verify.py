"""`okno verify`: what the database says twice, compared with itself; and mended."""

from __future__ import annotations

import json
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from cli.failure import EXIT_CODES, plain_failures
from store.home import Home
from store.statistics import verifying
from store.statistics.verifying import Verdict
from store.unit import libpq_address

EPILOG = f"Nobody who writes or reads waits for it; a million messages take about a minute. {EXIT_CODES}"


def verify(
    mend: Annotated[
        bool, typer.Option("--mend", help="Make the read models and flat trees anew first; then compare.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare counts, trees and histories with what they follow from, in one snapshot. Ends with 1 when something differs."""
    with (
        plain_failures(),
        Home.from_environment().database_url() as url,
        psycopg.connect(libpq_address(url), application_name="okno verify") as connection,
    ):
        if mend:
            verifying.mend(connection)
        verdicts = verifying.verify(connection)
    if as_json:
        typer.echo(json.dumps([_document(one) for one in verdicts], ensure_ascii=False, indent=2))
    else:
        _print(verdicts)
    if not all(one.holds for one in verdicts):
        raise typer.Exit(1)


def _print(verdicts: list[Verdict]) -> None:
    table = Table()
    for title in ("check", "what must hold", "differences"):
        table.add_column(title, overflow="fold")
    for one in verdicts:
        table.add_row(one.check.name, one.check.promise, str(one.differences or "none"))
    Console().print(table)
    for one in verdicts:
        if one.holds:
            continue
        typer.echo(f"\n{one.check.name}: {one.differences} differences")
        for example in one.examples:
            typer.echo(f"  {example}")
        if one.differences > len(one.examples):
            typer.echo(f"  … and {one.differences - len(one.examples)} more")
        typer.echo(f"  What to do: {one.check.remedy}.")


def _document(one: Verdict) -> dict[str, object]:
    return {
        "check": one.check.name,
        "promise": one.check.promise,
        "differences": one.differences,
        "examples": list(one.examples),
        "remedy": None if one.holds else one.check.remedy,
    }
