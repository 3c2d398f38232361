"""`okno role …`: who works where, and as what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from cli.development_key import ISSUER
from cli.failure import EXIT_CODES, Failure, plain_failures
from domain.rights import RIGHTS, Role
from store.home import Home
from store.people import person_id
from store.role_grants import GrantLine, all_grants, end_grant, grant_role
from store.unit import Database

app = typer.Typer(no_args_is_help=True, help="Roles: who works at which organisation, and as what.")

_Result = TypeVar("_Result")


@app.command(epilog=f"Example: okno role grant --subject boris --role executor --organisation city-roads. {EXIT_CODES}")
def grant(
    subject: Annotated[str, typer.Option(help="The person: the name their issuer knows them by (the token's `sub`).")],
    role: Annotated[Role, typer.Option(help="What they do there.")],
    organisation: Annotated[
        str, typer.Option(help="The organisation's code; the role holds for everything below it too.")
    ],
    issuer: Annotated[str, typer.Option(help="Who vouches for the person (the token's `iss`).")] = ISSUER,
) -> None:
    """Give somebody a role at an organisation. It works within a few seconds, and until `okno role end`."""

    async def give(database: Database) -> UUID:
        person = await person_id(database, issuer, subject)
        try:
            async with database.unit() as unit:
                return await grant_role(unit, person, role, organisation)
        except LookupError:
            raise Failure(
                f"There is no organisation {organisation!r}. Its code stands in config/organisations.yaml; a new one is known after the "
                "gateway or the worker has started once."
            ) from None

    if not 0 < len(subject) <= 255 or not subject.isprintable():
        raise typer.BadParameter("--subject: write a name of 1 to 255 printable characters.")
    grant_id = _with_database(give)
    reads = ", ".join(sorted(right.value.replace("_", " ") for right in RIGHTS[role])) or "nothing beyond their own"
    typer.echo(f"{grant_id}  {subject} is {role.value} at {organisation} and below; reads: {reads}")


@app.command("list", epilog=EXIT_CODES)
def list_roles(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List every role that was ever granted, newest first."""
    lines = _with_database(all_grants)
    if as_json:
        typer.echo(json.dumps([_document(line) for line in lines], ensure_ascii=False, indent=2))
        return
    table = Table()
    for title in ("id", "subject", "issuer", "role", "organisation", "from", "until"):
        table.add_column(title, overflow="fold")
    for line in lines:
        table.add_row(*(value or "" for value in _document(line).values()))
    Console().print(table)


@app.command(epilog=EXIT_CODES)
def end(
    grant_id: Annotated[UUID, typer.Argument(metavar="ID", help="The grant, as `okno role list` names it.")],
) -> None:
    """End a role now. Running processes notice within a few seconds; the grant itself stays on record."""

    async def stop(database: Database) -> None:
        async with database.unit() as unit:
            if not await end_grant(unit, grant_id):
                raise Failure(f"No role {grant_id} is in force. See `okno role list`.")

    _with_database(stop)
    typer.echo(f"The role {grant_id} has ended.")


def _with_database(act: Callable[[Database], Awaitable[_Result]]) -> _Result:
    async def run(url: str) -> _Result:
        database = Database(url, pool_size=1, application="okno role")
        await database.open()
        try:
            return await act(database)
        finally:
            await database.close()

    with plain_failures(), Home.from_environment().database_url() as url:
        return asyncio.run(run(url))


def _document(line: GrantLine) -> dict[str, str | None]:
    return {
        "id": str(line.id),
        "subject": line.subject,
        "issuer": line.issuer,
        "role": line.role.value,
        "organisation": line.organisation,
        "begins_at": line.begins_at.isoformat(timespec="seconds"),
        "ends_at": None if line.ends_at is None else line.ends_at.isoformat(timespec="seconds"),
    }
