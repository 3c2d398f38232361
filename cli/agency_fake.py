"""`okno agency fake`: a stand-in of one agency's system, made from its file, to try the file against."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
from typing import Annotated

import typer

from agencies.connecting import addresses
from agencies.fake.fake import Fake
from agencies.fake.faults import KINDS, NoSuchFault
from agencies.fake.serving import running
from agencies.fake.values import Values
from agencies.fake.wires import CannotFake
from agencies.model import AgencyFile
from agencies.registry import check_agency_file, variable_texts
from agencies.secrets import Reference
from cli.agency_files import agency_path, known_categories
from cli.failure import EXIT_CODES, Failure, plain_failures
from connectors.base import BadConnection
from store.home import Home

EPILOG = f"Faults: {', '.join(KINDS)}. See also: okno agency check. {EXIT_CODES}"


def fake(
    file: Annotated[str, typer.Argument(help="The agency file or profile, by path or by code.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the system; 0 takes a free one.")] = 0,
    control_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the knobs; 0 takes a free one.")] = 0,
    fault: Annotated[
        list[str] | None, typer.Option(help="Fault to be on from the start, as NAME or NAME:TIMES; may be repeated.")
    ] = None,
    webhook: Annotated[str | None, typer.Option(help="Where the system posts its changes.")] = None,
) -> None:
    """Serve a stand-in of an agency's system on 127.0.0.1 until Ctrl-C: it takes what the file sends and answers what the file reads.

    It remembers cases in memory and forgets them when it ends. The second address is for knobs: `GET /` says which, faults are switched on with
    `POST /faults {"name": …, "times": …}`, cases moved with `POST /cases/NUMBER/move {"status": "answered", "answer": …}`.
    """
    with plain_failures():
        home = Home.from_environment()
        path = agency_path(home, file)
        source, agency = check_agency_file(path, known_categories(home))
        folder = source.folder_of(("connection", "wsdl")) or path.parent
        try:
            asyncio.run(
                _serve(agency, folder, known_categories(home) or frozenset(), port, control_port, fault or [], webhook)
            )
        except (BadConnection, CannotFake, NoSuchFault) as problem:
            raise Failure(str(problem)) from None
        except OSError as problem:
            raise Failure(
                f"The port cannot be used: {problem.strerror}. Choose another with --port or --control-port."
            ) from None


async def _serve(
    agency: AgencyFile,
    folder: pathlib.Path,
    categories: frozenset[str],
    port: int,
    control_port: int,
    faults: list[str],
    webhook: str | None,
) -> None:
    values = Values(os.environ)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    serving = running(agency, folder, values.reveal, categories=categories, port=port, control_port=control_port)
    async with serving as stand_in:
        for wish in faults:
            _switch_on(stand_in, wish)
        if webhook is not None:
            stand_in.hooks.point_at(webhook)
        for line in _told(agency, stand_in, values):
            typer.echo(line)
        await ended.wait()


def _switch_on(stand_in: Fake, wish: str) -> None:
    name, _, times = wish.partition(":")
    if times and not times.isdecimal():
        raise NoSuchFault(f"--fault {wish}: write NAME or NAME:TIMES, such as lost_reply:1")
    stand_in.system.faults.switch_on(name, times=int(times) if times else None)


def _told(agency: AgencyFile, stand_in: Fake, values: Values) -> list[str]:
    """What whoever started it must know: where it is, and what to set so that the hub finds it."""
    address = addresses(agency.connection, "sandbox")[0]
    names = Reference(address).names
    lines = [f"{agency.agency.code}: {stand_in.address}", f"knobs: {stand_in.control}"]
    if address == "".join(f"${{{name}}}" for name in names[:1]):
        lines.append(f"export {names[0]}={stand_in.address}")
    else:
        lines.append(
            f"# the file names its address itself: write `address: {stand_in.address}` into a copy to try it here"
        )
    named = [name for _, text in variable_texts(agency) for name in Reference(text).names]
    lines += [f"export {name}={values.of(name)}" for name in dict.fromkeys(named) if values.is_made_up(name)]
    return lines
