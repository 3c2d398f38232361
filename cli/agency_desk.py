"""`okno agency pause`, `resume` and `replay`: what an operator does to a connected agency while it works."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from cli.failure import EXIT_CODES, Failure, plain_failures
from store import pauses
from store.home import Home
from store.pauses import DIRECTIONS, Direction
from store.unit import Database, Unit

PAUSE_EPILOG = f"See also: okno agency resume. {EXIT_CODES}"
RESUME_EPILOG = EXIT_CODES
REPLAY_EPILOG = f"Example: okno agency replay city-roads --since 2h --dry-run. {EXIT_CODES}"

_AGO = re.compile(r"(\d{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_Result = TypeVar("_Result")


class _Which(StrEnum):
    SENDING = "sending"
    READING = "reading"
    BOTH = "both"


def pause(
    code: Annotated[str, typer.Argument(help="The agency; without it the pauses are listed.")] = "",
    direction: Annotated[
        _Which, typer.Option(help="What rests: our deliveries, our reading of its feeds, or both.")
    ] = _Which.BOTH,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks next.")] = "",
) -> None:
    """Leave an agency alone until `okno agency resume`. Messages wait, nothing is lost; webhooks are taken as ever.

    It works from the next turn of the agency on, within seconds; calls under way are finished.
    """

    async def act(unit: Unit) -> None:
        try:
            await pauses.pause(unit, code, _directions(direction), reason.strip())
        except LookupError:
            raise Failure(f"There is no organisation {code}. Its code stands in config/organisations.yaml.") from None

    if not code:
        _list()
        return
    with plain_failures():
        if not reason.strip():
            raise Failure("Say why with --reason: whoever finds the agency paused will want to know.")
        _in_unit(act)
    typer.echo(f"{code}: {_named(_directions(direction))} paused. Go on with: okno agency resume {code}")


def _list() -> None:
    with plain_failures():
        lines = _in_unit(pauses.all_pauses)
    for one in lines:
        typer.echo(f"{one.organisation}: {one.direction} paused since {one.since:%Y-%m-%d %H:%M} UTC: {one.reason}")
    if not lines:
        typer.echo("No agency is paused.")


def resume(
    code: Annotated[str, typer.Argument(help="The agency.")],
    direction: Annotated[_Which, typer.Option(help="What goes on.")] = _Which.BOTH,
) -> None:
    """End a pause: what waited is sent and read, in its order."""

    async def act(unit: Unit) -> list[Direction]:
        return await pauses.resume(unit, code, _directions(direction))

    with plain_failures():
        ended = _in_unit(act)
        if not ended:
            raise Failure(f"{code} is not paused. What is: okno agency pause")
    typer.echo(f"{code}: {_named(ended)} goes on.")


def replay(
    code: Annotated[str, typer.Argument(help="The agency.")],
    since: Annotated[str, typer.Option(help="From when on: `2h`, `3d`, or a time such as 2026-01-31T09:00.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much it is.")] = False,
) -> None:
    """Read again what the agency sent since then, by its file as it is now, after a mapping was mended.

    Every body was stored before it was read. What was applied already changes nothing a second time.
    """
    with plain_failures():
        begin = _moment(since)
        if dry_run:
            found = _in_unit(lambda unit: pauses.count_bodies(unit, code, begin))
            typer.echo(
                f"{code}: {found.polls} from feeds and {found.webhooks} from webhooks since {begin:%Y-%m-%d %H:%M} UTC"
                f" would be read again; {found.broken} of them could not be read before."
            )
            return
        count = _in_unit(lambda unit: pauses.read_again(unit, code, begin))
    typer.echo(f"{code}: {count} bodies since {begin:%Y-%m-%d %H:%M} UTC are read again by the next turn.")


def _directions(which: _Which) -> tuple[Direction, ...]:
    return tuple(one for one in DIRECTIONS if which in (_Which.BOTH, one))


def _named(directions: tuple[Direction, ...] | list[Direction]) -> str:
    return " and ".join(directions)


def _moment(text: str) -> datetime:
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Failure("--since: write `30m`, `2h`, `3d`, or a time such as 2026-01-31T09:00 (UTC).") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_unit(act: Callable[[Unit], Awaitable[_Result]]) -> _Result:
    async def run(url: str) -> _Result:
        database = Database(url, pool_size=1, application="okno agency")
        await database.open()
        try:
            async with database.unit() as unit:
                return await act(unit)
        finally:
            await database.close()

    with Home.from_environment().database_url() as url:
        return asyncio.run(run(url))
