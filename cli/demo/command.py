"""`okno demo`: everything started, shown, checked and stopped by one command."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.demo.audit import Audit, audit
from cli.demo.board import Board
from cli.demo.citizens import Citizen, signed_in
from cli.demo.flood import Flood, settled, tell
from cli.demo.installation import CREDENTIALS, Installation, database_is_gone, installed, only_demo_in
from cli.demo.samples import load_samples
from cli.demo.story import Story
from cli.failure import EXIT_CODES, FAILED, INTERRUPTED, Failure, plain_failures
from cli.message_table import Row, read_rows
from store.home import PROJECT

USUAL_HOME = Path(".okno/demo")
STORY_PAUSE_S = 2.0
TABLE_WIDTH = 150


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Run through, check the result and stop, instead of staying up.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="With --once: send the messages of this CSV file (text, optional category, lat, lon, territory).",
        ),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(
            help="Folder for everything the demo keeps. Unless said: a fresh one for --once, else .okno/demo."
        ),
    ] = None,
) -> None:
    """Show the whole way of a message: database, gateway, worker and two sample agencies on this machine.

    Citizens send sample messages with photos, the agencies' clerks work on them and answer, and every change is shown as it
    comes home. Then everything stays up for you to try; Ctrl-C stops it.

    With --once it stops by itself and ends with 0 only if, counted at the agencies' own side, no message was lost and none became two cases.
    """
    with plain_failures():
        if file is not None and not once:
            raise Failure("--input goes with --once: okno demo --once --input FILE.csv")
        rows = None if file is None else read_rows(file)
        with _home(home, once=once) as folder, only_demo_in(folder):
            code = asyncio.run(_Run(folder, once, rows).run())
            if code:
                raise typer.Exit(code)


@contextlib.contextmanager
def _home(home: Path | None, *, once: bool) -> Iterator[Path]:
    """The folder of the run. A fresh one is removed after a good run and kept, with its logs, after a bad one."""
    if home is not None or not once:
        yield (home or USUAL_HOME).resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="okno-demo-"))
    try:
        yield folder
    except BaseException:
        typer.echo(f"The logs are in {folder / 'logs'}.", err=True)
        raise
    if asyncio.run(database_is_gone(folder)):
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    """One run of the demo."""

    def __init__(self, home: Path, once: bool, rows: list[Row] | None) -> None:
        self._home = home
        self._once = once
        self._rows = rows
        self._console = Console()
        if not self._console.is_terminal:
            self._console = Console(width=TABLE_WIDTH)
        self._stopping = asyncio.Event()
        self._stays_up = False
        """Everything was shown; being stopped now is the ordinary end."""

    async def run(self) -> int:
        """The exit code. Everything that was started is stopped when this returns or raises."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stopping.set)
        self._console.print("Starting the database, the gateway, the worker and two sample agencies …")
        async with contextlib.AsyncExitStack() as stack:
            starting = asyncio.create_task(stack.enter_async_context(installed(self._home, usual_port=not self._once)))
            if not await self._unless_stopped(starting):
                return INTERRUPTED
            installation = starting.result()
            living = asyncio.create_task(self._live(installation))
            falling = asyncio.create_task(installation.first_to_end())
            try:
                if not await self._unless_stopped(living, falling):
                    return 0 if self._stays_up else INTERRUPTED
                if not living.done():
                    raise falling.result()
                return living.result()
            finally:
                await _cancelled(living, falling)
                self._console.print("Stopping …")

    async def _unless_stopped(self, *tasks: asyncio.Task[object]) -> bool:
        """Wait until one of the tasks is done; False when the person wants to stop before."""
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not any(task.done() for task in tasks):
            await _cancelled(*tasks)
            return False
        await _cancelled(stopping)
        return True

    async def _live(self, installation: Installation) -> int:
        self._console.print(f"Running. The logs are in {installation.logs}")
        if self._rows is not None:
            return await self._flood(installation, self._rows)
        samples = load_samples()
        names = list(dict.fromkeys(sample.citizen for sample in samples))
        key = installation.home / "development-key.json"
        async with signed_in(names, installation.endpoint, key) as citizens:
            with Board(self._console) as board:
                story = Story(samples, citizens, installation.operators, board, 0.0 if self._once else STORY_PAUSE_S)
                numbers = await story.run()
            endpoints = [one.endpoint for one in citizens.values()]
            found = await settled(lambda: audit(numbers, endpoints, installation.operators))
            if not self._console.is_terminal:
                self._console.print(board.table())
            found.print(self._console)
            if self._once:
                return self._verdict(found)
            self._tell_how_to_go_on(installation, citizens[names[0]])
            self._stays_up = True
            await self._stopping.wait()
            return 0

    async def _flood(self, installation: Installation, rows: list[Row]) -> int:
        key = installation.home / "development-key.json"
        async with signed_in(["crowd"], installation.endpoint, key) as citizens:
            flood = Flood(rows, citizens["crowd"].endpoint, installation.operators, self._console)
            found, sending, times = await flood.run()
        tell(self._console, found, sending, times)
        if sending.rejected:
            found.wrong.append("not every row was taken")
        return self._verdict(found)

    def _verdict(self, found: Audit) -> int:
        if found.well:
            self._console.print("All is well: nothing lost, nothing twice.", style="green")
            return 0
        self._console.print("Not all is well; see above.", style="red")
        return FAILED

    def _tell_how_to_go_on(self, installation: Installation, citizen: Citizen) -> None:
        say = partial(self._console.print, markup=False, highlight=False, soft_wrap=True)
        say("")
        say(f"Endpoint   {installation.endpoint}", style="bold")
        say(f"GraphiQL   {installation.endpoint}  (in a browser)")
        say(f"You are    {citizen.name}, for a day. Paste this into GraphiQL's header tab:")
        say(f'{{"Authorization": "Bearer {citizen.endpoint.token}"}}')
        names = sorted(path.stem for path in (PROJECT / "portal" / "operations").glob("*.graphql"))
        say(f"Ready tabs {', '.join(names)}  (portal/operations)")
        for code, operator in installation.operators.items():
            user, password = CREDENTIALS["OPERATOR_USER"], CREDENTIALS["OPERATOR_PASSWORD"]
            say(f"Clerks of {code}: {operator.origin}/operator/  ({user} / {password})")
        say(f"Logs       {installation.logs}")
        say("Ctrl-C stops everything; the messages stay for the next demo in the same folder.", style="bold")


async def _cancelled(*tasks: asyncio.Task[object]) -> None:
    """Cancel and wait: what they hold open is closed when this returns."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


EPILOG = f"Examples: okno demo; okno demo --once; okno demo --once --input messages.csv. {EXIT_CODES}"
