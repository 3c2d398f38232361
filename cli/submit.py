"""`okno submit`: the messages of a CSV file, sent through the real endpoint."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from cli.endpoint import open_endpoint
from cli.failure import EXIT_CODES, FAILED, Failure, plain_failures
from cli.message_table import Row, read_rows
from cli.progress import progress_bar
from cli.sending import Sending

_MOST_TOLD = 50


def submit(
    file: Annotated[
        Path,
        typer.Option("--from", help="CSV file with the columns text and, optionally, category, lat, lon, territory."),
    ],
    url: Annotated[
        str, typer.Option(envvar="OKNO_URL", help="Where the GraphQL endpoint is.")
    ] = "http://127.0.0.1:8000/graphql",
    token: Annotated[
        str | None,
        typer.Option(envvar="OKNO_TOKEN", help="Bearer token of the sender; in development `okno token` makes one."),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="How many messages are sent at the same time.")] = 8,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with every row instead of a summary.")
    ] = False,
) -> None:
    """Send the messages of a CSV file.

    Each row has an idempotency key made from the file's name and the row, so running the command again, also after mending
    some rows, sends no message twice. Rows that are not taken are reported with their line and the endpoint's own words; the
    others go through.
    """
    with plain_failures():
        rows = read_rows(file)
        if not token:
            raise Failure(
                "There is no token. Give --token or OKNO_TOKEN; in development: export OKNO_TOKEN=$(okno token --subject NAME)."
            )
        sending = Sending()
        try:
            asyncio.run(_send(sending, rows, url, token, at_once))
        except Failure as failure:
            done = len(sending.accepted) + len(sending.rejected)
            raise Failure(
                f"{failure}\n{done} of {len(rows)} rows were sent. Run the same command again: nothing is sent twice."
            ) from None
    sending.accepted.sort(key=lambda one: one.line)
    sending.rejected.sort(key=lambda one: one.line)
    if as_json:
        typer.echo(_document(sending, len(rows)))
    else:
        _tell(sending, len(rows))
    if sending.rejected:
        raise typer.Exit(FAILED)


async def _send(sending: Sending, rows: list[Row], url: str, token: str, at_once: int) -> None:
    with progress_bar() as bar:
        task = bar.add_task("sending", total=len(rows))
        async with open_endpoint(url, token, at_once=at_once) as endpoint:
            await sending.send(endpoint, rows, at_once, lambda: bar.advance(task))


def _document(sending: Sending, rows: int) -> str:
    return json.dumps(
        {
            "rows": rows,
            "accepted": [
                {"line": one.line, "reference": one.reference, "status": one.status, "organisation": one.organisation}
                for one in sending.accepted
            ],
            "rejected": [
                {"line": one.line, "code": one.code, "field": one.field, "message": one.message}
                for one in sending.rejected
            ],
        },
        ensure_ascii=False,
        indent=2,
    )


def _tell(sending: Sending, rows: int) -> None:
    for one in sending.rejected[:_MOST_TOLD]:
        typer.echo(str(one), err=True)
    if len(sending.rejected) > _MOST_TOLD:
        typer.echo(f"… and {len(sending.rejected) - _MOST_TOLD} more; --json lists them all.", err=True)
    typer.echo(f"{rows} rows: {len(sending.accepted)} accepted, {len(sending.rejected)} not.")


EPILOG = f"Example: okno submit --from messages.csv. {EXIT_CODES} With a row that was not taken the exit code is 1."
