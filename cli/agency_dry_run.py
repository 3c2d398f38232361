"""`okno agency dry-run`: the exact request, and nobody hears it."""

from __future__ import annotations

import pathlib
import sys
from typing import Annotated

import typer

from adapters.adapter import CannotBuild
from agencies.dry_run import DryRun, NoSuchStep, shown, wire_bytes
from cli.agency_files import agency_path, known_categories
from cli.configuration import agency_environment
from cli.failure import EXIT_CODES, FAILED, Failure, plain_failures
from connectors.base import BadConnection, NotSent, Request
from store.home import Home

EPILOG = f"See also: okno agency probe. {EXIT_CODES} With a failing example the exit code is 1."


def dry_run(
    file: Annotated[str, typer.Argument(help="The agency file, by path or by code.")],
    message: Annotated[
        pathlib.Path | None,
        typer.Option(help="A sample message; else that of the first example, else an invented one."),
    ] = None,
    step: Annotated[
        str, typer.Option(help="Which step to show: submit, look_up, attachment, ask, poll and so on.")
    ] = "submit",
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the very bytes of the wire, secrets included, and nothing else.")
    ] = False,
) -> None:
    """Show the request that would be sent, without sending it, and run the file's examples.

    The request is made by the connector that would carry it. Secrets do not enter it: `‹NAME›` stands where the value of a
    variable would be. Variables that are not set are stood in for, except with --raw.
    """
    with plain_failures():
        home = Home.from_environment()
        run = DryRun(
            agency_path(home, file), raw=raw, environment=agency_environment(), categories=known_categories(home)
        )
        request = _request(run, step, message)
    if raw:
        typer.echo("These bytes hold every secret of the request.", err=True)
        sys.stdout.buffer.write(wire_bytes(request))
        sys.stdout.buffer.flush()
        return
    typer.echo(shown(request, run.file.connection.request_charset))
    failed = False
    for result in run.examples():
        typer.echo(f"{'FAIL' if result.faults else 'ok  '}  {result.name}", err=True)
        for fault in result.faults:
            typer.echo(f"      {fault}", err=True)
        failed = failed or bool(result.faults)
    if failed:
        raise typer.Exit(FAILED)


def _request(run: DryRun, step: str, message: pathlib.Path | None) -> Request:
    try:
        return run.request(step, run.sample(message))
    except NoSuchStep as error:
        raise Failure(f"{run.source.file}: {error}") from None
    except (CannotBuild, NotSent) as error:
        raise Failure(f"{run.source.file}: this message cannot be sent: {error.text}") from None
    except BadConnection as error:
        raise Failure(f"{run.source.file}: {error}") from None
