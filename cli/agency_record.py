"""`okno agency record` and `okno agency test`: what the sandbox really answers, kept and replayed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Annotated

import typer

from adapters.adapter import CannotBuild
from adapters.context import MessageContext
from agencies.dry_run import CASE_ID, invented_message
from agencies.recordings import Bench, Replayed, record, replay
from agencies.registry import Registry
from agencies.rehearsal import NotRehearsed
from agencies.scrubbing import CannotScrub
from cli.agency_files import agency_path, all_agency_paths, known_categories, registry_of
from cli.configuration import agency_environment
from cli.failure import EXIT_CODES, FAILED, Failure, plain_failures
from connectors.base import BadConnection, Connector, ConnectorError
from connectors.http import open_session
from store.home import Home

RECORD_EPILOG = f"See also: okno agency test. {EXIT_CODES}"
TEST_EPILOG = f"See also: okno agency record. {EXIT_CODES} When a recording does not hold the exit code is 1."
_ON_A_CASE = ("attachment", "add_comment", "set_priority", "withdraw", "reopen")
_STRANGE = "Яма… «глубокая» — 5 м² <b>&amp; ещё & «цитата» 🕳"


def record_agency(
    file: Annotated[str, typer.Argument(help="The agency file, by path or by code.")],
    writes: Annotated[
        bool, typer.Option("--writes", help="Make, repeat and withdraw invented cases too. Sandbox only.")
    ] = False,
) -> None:
    """Call the agency's sandbox with invented messages and keep what it answers, scrubbed, in CODE/recordings beside the file.

    Without --writes only reads are made. Recordings hold no login, no secret and no words of others; look at them before
    you commit them.
    """
    with plain_failures():
        home = Home.from_environment()
        path = agency_path(home, file)
        environment = agency_environment()
        if writes and environment == "production":
            raise Failure("--writes makes cases, and this is production mode. Unset OKNO_MODE to use the sandbox.")
        bench = Bench(path, environment, known_categories(home))
        registry = registry_of(home, path)
        failed = asyncio.run(_record(bench, registry, writes=writes))
    if failed:
        raise typer.Exit(FAILED)


async def _record(bench: Bench, registry: Registry, *, writes: bool) -> bool:
    failed = False
    async with open_session() as session:
        try:
            connector = registry.connector(bench.run.file.agency.code, session)
        except BadConnection as error:
            raise Failure(str(error)) from None
        async for told, is_good in _cases(bench, registry, connector, writes=writes):
            typer.echo(told)
            failed = failed or not is_good
        await connector.close()
    return failed


async def _cases(
    bench: Bench, registry: Registry, connector: Connector, *, writes: bool
) -> AsyncIterator[tuple[str, bool]]:
    """Each case told in a line, and whether it was kept."""
    case_id = CASE_ID
    for step, case, message in _wishes(bench, writes=writes):
        try:
            path, comes_to, reply = await record(bench, registry, connector, step, case, message, case_id)
        except (ConnectorError, CannotBuild) as error:
            yield f"{step} {case}: not kept: {error.text}", False
            continue
        except (CannotScrub, NotRehearsed) as error:
            yield f"{step} {case}: not kept: {error}", False
            continue
        yield f"{step} {case}: {comes_to}   {path.name}", True
        if (step, case) == ("submit", "ordinary"):
            case_id = bench.adapter.read_submit(reply, message).case_id or case_id


def _wishes(bench: Bench, *, writes: bool) -> Iterator[tuple[str, str, MessageContext]]:
    """Step, case and message of every call, in their order."""
    usual = replace(invented_message(bench.run.file), reference=_new_reference())
    known = bench.run.steps
    wishes: list[tuple[str, str, MessageContext]] = []
    if writes:
        wishes += [(one.name, "ordinary", usual) for one in bench.run.file.before]
        wishes.append(("upload", "ordinary", usual))
        messages = dict(_messages(usual))
        wishes += [("submit", case, message) for case, message in messages.items()]
        wishes += [(step, "ordinary", usual) for step in _ON_A_CASE]
        # The ordinary one was sent twice, and may be there twice.
        wishes.append(("look_up", "found", messages["strange-signs"]))
    wishes.append(("look_up", "not-found", replace(usual, reference=_new_reference())))
    wishes.append(("ask", "known" if writes else "unknown", usual))
    if not _hands_out_once(bench):
        wishes.append(("poll", "first-page", usual))
    yield from (one for one in wishes if one[0] in known)


def _messages(usual: MessageContext) -> list[tuple[str, MessageContext]]:
    return [
        ("ordinary", usual),
        ("repeated", usual),
        ("strange-signs", replace(usual, reference=_new_reference(), subject=_STRANGE, text=f"{_STRANGE}\n{_STRANGE}")),
        ("longest-text", replace(usual, reference=_new_reference(), text="Длинное слово. " * 600)),
        (
            "no-place",
            replace(usual, reference=_new_reference(), latitude=None, longitude=None, address=None, territory=None),
        ),
    ]


def _new_reference() -> str:
    """Not a real number of ours: years of messages begin with 26, the sandbox sees 00."""
    digits = f"{secrets.randbelow(10**9):09d}"
    return f"00-{digits[:4]}-{digits[4:8]}-{digits[8]}"


def _hands_out_once(bench: Bench) -> bool:
    poll = bench.run.file.status.poll if bench.run.file.status is not None else None
    return poll is not None and (poll.hands_out_once or poll.acknowledge is not None)


def replay_recordings(
    files: Annotated[
        list[str] | None, typer.Argument(help="Agency files, by path or by code; without any, all.")
    ] = None,
) -> None:
    """Replay the recordings of agency files without a network: is the request still the same, does the reply still mean the same?"""
    failed = count = 0
    with plain_failures():
        home = Home.from_environment()
        for path in [agency_path(home, one) for one in files] if files else all_agency_paths(home):
            bench = Bench(path, agency_environment(), known_categories(home))
            for one in asyncio.run(_replayed(bench)):
                count += 1
                failed += bool(one.problems)
                typer.echo(f"{'FAIL' if one.problems else 'ok  '}  {one.path.parent.parent.name}/{one.path.name}")
                for problem in one.problems:
                    typer.echo(f"      {problem}")
    typer.echo(f"{count} recordings, {failed} do not hold.", err=True)
    if failed:
        raise typer.Exit(FAILED)


async def _replayed(bench: Bench) -> list[Replayed]:
    return [one async for one in replay(bench)]
