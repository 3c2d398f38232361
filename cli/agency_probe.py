"""`okno agency probe`: safe questions to the agency's system, with remedies."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agencies.dry_run import invented_message
from agencies.probe import Finding, Verdict, probe
from agencies.registry import Registry
from cli.agency_files import agency_path, registry_of
from cli.failure import EXIT_CODES, FAILED, plain_failures
from connectors.http import open_session
from store.home import Home

EPILOG = f"See also: okno agency record. {EXIT_CODES} With a bad finding the exit code is 1."


def probe_agency(file: Annotated[str, typer.Argument(help="The agency file, by path or by code.")]) -> None:
    """Ask the agency's system what can be asked safely: name, connection, certificates, clock, login, one read.

    Nothing is made or changed there. In production mode the real system is asked, otherwise the sandbox.
    """
    with plain_failures():
        home = Home.from_environment()
        registry = registry_of(home, agency_path(home, file))
        findings = asyncio.run(_findings(registry))
    table = Table()
    for title in ("question", "", "answer", "remedy"):
        table.add_column(title, overflow="fold")
    for one in findings:
        table.add_row(one.question, one.verdict.value, one.said, one.remedy)
    Console().print(table)
    if any(one.verdict is Verdict.BAD for one in findings):
        raise typer.Exit(FAILED)


async def _findings(registry: Registry) -> list[Finding]:
    (code,) = registry.codes
    async with open_session() as session:
        return [one async for one in probe(registry, code, session, invented_message(registry.agency(code).file))]
