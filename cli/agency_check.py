"""`okno agency check` and `okno agency explain`: what is wrong with a file, and what a fault means."""

from __future__ import annotations

import json
import pathlib
from typing import Annotated, Any

import typer

from agencies.fault import Fault, did_you_mean
from agencies.registry import Registry
from agencies.rule_pages import as_text, rule_pages
from cli.agency_files import agency_path, all_agency_paths, known_categories
from cli.configuration import agency_environment
from cli.failure import EXIT_CODES, FAILED, Failure, plain_failures
from store.home import Home

CHECK_EPILOG = f"See also: okno agency explain CODE. {EXIT_CODES} With a fault in any file the exit code is 1."
EXPLAIN_EPILOG = f"See also: okno agency check. {EXIT_CODES}"


def check(
    files: Annotated[list[str] | None, typer.Argument(help="Agency files or profiles, by path or by code.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Check every agency file and profile of OKNO_CONFIG.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Check agency files before anything runs: every fault in one pass, as `file:line:col CODE text`.

    Paths and required elements are compared with the WSDL or OpenAPI description beside the file, and the file's examples
    are run. Nothing is called. Variables that are not set here are told, and are no fault of the file.
    """
    with plain_failures():
        home = Home.from_environment()
        if every == bool(files):
            raise Failure("Name the files to check, or write --all for every file of the installation.")
        paths = all_agency_paths(home) if every else [agency_path(home, one) for one in files or ()]
        categories = known_categories(home)
        faults: list[Fault] = []
        unset: list[Fault] = []
        for path in paths:
            found, remarks = _judged(path, categories)
            faults += found
            unset += remarks
    if as_json:
        typer.echo(json.dumps(_document(paths, faults, unset), ensure_ascii=False, indent=2))
    else:
        _print(paths, faults, unset)
    if faults:
        raise typer.Exit(FAILED)


def _judged(path: pathlib.Path, categories: frozenset[str] | None) -> tuple[list[Fault], list[Fault]]:
    """The faults of one file, and what its environment lacks."""
    registry = Registry.of_files([path], environment=agency_environment(), categories=categories)
    # The variables of a profile are those of its examples: nobody sets them.
    unset = () if path.resolve().parent.name == "systems" else registry.unset_variables()
    return list(registry.faults), list(unset)


def _document(paths: list[pathlib.Path], faults: list[Fault], unset: list[Fault]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in paths],
        "faults": [_plain(one) for one in faults],
        "not_set": [_plain(one) for one in unset],
    }


def _plain(one: Fault) -> dict[str, Any]:
    return {"file": one.file, "line": one.line, "column": one.column, "code": one.code, "text": one.text}


def _print(paths: list[pathlib.Path], faults: list[Fault], unset: list[Fault]) -> None:
    for one in faults:
        typer.echo(str(one))
    for one in unset:
        typer.echo(f"not set here: {one}", err=True)
    if faults:
        codes = sorted({one.code for one in faults})
        typer.echo(f"{_counted(len(faults), 'fault')}. What one means: okno agency explain {codes[0]}", err=True)
    else:
        typer.echo(f"{_counted(len(paths), 'file')} checked, no fault.", err=True)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def explain(
    code: Annotated[str, typer.Argument(help="The code of a fault; without it all codes are listed.")] = "",
) -> None:
    """Say what a fault of an agency file means and why it is one, with an example that passes and one that fails."""
    with plain_failures():
        pages = rule_pages()
        if code and code not in pages:
            raise Failure(f"There is no fault {code}.{did_you_mean(code, pages)} All codes: okno agency explain")
    if code:
        typer.echo(as_text(code, pages[code]))
        return
    for known, page in pages.items():
        typer.echo(f"{known:26} {page.says.strip()}")
