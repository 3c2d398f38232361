"""`okno agency …`: what the agency files say."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from agencies.registry import Registry, variable_texts
from agencies.secrets import Reference
from cli import (
    agency_check,
    agency_desk,
    agency_dry_run,
    agency_fake,
    agency_new,
    agency_probe,
    agency_record,
    agency_show,
)
from cli.configuration import load_agencies
from cli.failure import EXIT_CODES, FAILED, plain_failures
from store.home import Home

app = typer.Typer(no_args_is_help=True, help="The agencies whose own case systems are connected.")
app.command(epilog=agency_new.EPILOG)(agency_new.new)
app.command(epilog=agency_check.CHECK_EPILOG)(agency_check.check)
app.command(epilog=agency_check.EXPLAIN_EPILOG)(agency_check.explain)
app.command(epilog=agency_show.SHOW_EPILOG)(agency_show.show)
app.command(epilog=agency_show.GRADE_EPILOG)(agency_show.grade)
app.command(epilog=agency_show.DOCS_EPILOG)(agency_show.docs)
app.command(epilog=agency_show.REFERENCE_EPILOG)(agency_show.reference)
app.command(epilog=agency_desk.PAUSE_EPILOG)(agency_desk.pause)
app.command(epilog=agency_desk.RESUME_EPILOG)(agency_desk.resume)
app.command(epilog=agency_desk.REPLAY_EPILOG)(agency_desk.replay)
app.command("probe", epilog=agency_probe.EPILOG)(agency_probe.probe_agency)
app.command("record", epilog=agency_record.RECORD_EPILOG)(agency_record.record_agency)
app.command("test", epilog=agency_record.TEST_EPILOG)(agency_record.replay_recordings)
app.command("dry-run", epilog=agency_dry_run.EPILOG)(agency_dry_run.dry_run)
app.command(epilog=agency_fake.EPILOG)(agency_fake.fake)


@app.command("list", epilog=f"{EXIT_CODES} With a fault in any file the exit code is 1.")
def list_agencies(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """List the connected agencies: code, name, protocol, address, what they receive, and every fault of their files.

    Addresses are shown as the files write them: `${NAME}` is the environment variable that will be read.
    """
    with plain_failures():
        registry = load_agencies(Home.from_environment())
    if as_json:
        typer.echo(json.dumps(_document(registry), ensure_ascii=False, indent=2))
    else:
        _print(registry)
    if registry.faults:
        raise typer.Exit(FAILED)


def _document(registry: Registry) -> dict[str, Any]:
    return {
        "agencies": [
            {
                "code": code,
                "name": {"ru": file.agency.name.ru, "en": file.agency.name.en},
                "protocol": file.connection.protocol,
                "address": registry.address_text(code),
                "receives": list(file.agency.receives),
                "unset_variables": _unset_names(registry, code),
            }
            for code in registry.codes
            for file in [registry.agency(code).file]
        ],
        "faults": [
            {"file": one.file, "line": one.line, "column": one.column, "code": one.code, "text": one.text}
            for one in registry.faults
        ],
    }


def _print(registry: Registry) -> None:
    document = _document(registry)
    table = Table()
    for title in ("code", "name", "protocol", "address", "receives", "not set"):
        # A name cut short cannot be copied into a shell.
        table.add_column(title, overflow="fold")
    for one in document["agencies"]:
        table.add_row(
            one["code"],
            one["name"]["en"],
            one["protocol"],
            one["address"],
            ", ".join(one["receives"]),
            ", ".join(one["unset_variables"]),
        )
    console = Console()
    console.print(table)
    for fault in registry.faults:
        typer.echo(str(fault), err=True)
    if registry.faults:
        typer.echo("The agencies of these files are left out until the faults are mended.", err=True)


def _unset_names(registry: Registry, code: str) -> list[str]:
    """The variables that an agency's file names and the environment lacks."""
    file = registry.agency(code).file
    texts = [registry.address_text(code), *(text for _, text in variable_texts(file))]
    return list(dict.fromkeys(name for text in texts for name in Reference(text).unset(os.environ)))
