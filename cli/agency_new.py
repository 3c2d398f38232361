"""`okno agency new`: a first agency file from what the agency gives."""

from __future__ import annotations

import pathlib
import re
from typing import Annotated

import typer

from agencies.checking import check_agency_file
from agencies.draft import CannotDraft, Draft, from_agency, from_openapi, from_profile, from_request, from_wsdl
from agencies.source import FileFaults
from cli.agency_files import agency_path
from cli.failure import EXIT_CODES, Failure, plain_failures
from store.home import Home

EPILOG = f"See also: okno agency check. {EXIT_CODES}"
_CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")


def new(
    code: Annotated[str, typer.Argument(help="Short name of the agency: small letters, digits and `-`.")],
    wsdl: Annotated[pathlib.Path | None, typer.Option(help="Its WSDL; what it imports is copied along.")] = None,
    openapi: Annotated[pathlib.Path | None, typer.Option(help="Its OpenAPI description, YAML or JSON.")] = None,
    like: Annotated[
        str | None, typer.Option(help="A profile in config/systems, or an agency that is much like it.")
    ] = None,
    submit: Annotated[
        str | None,
        typer.Option(
            help="The operation, or the request line such as `POST /requests`, that makes a case; alone: there is no description."
        ),
    ] = None,
    out: Annotated[pathlib.Path | None, typer.Option(help="Where to write; else config/agencies/CODE.yaml.")] = None,
) -> None:
    """Write an agency file with the real names of a WSDL or an OpenAPI description, required fields marked.

    What only a person can know stands there as a question, `???`; what was guessed from a name says so. Answer the
    questions, then check.
    """
    with plain_failures():
        home = Home.from_environment()
        path = out or home.config / "agencies" / f"{code}.yaml"
        draft = _draft(home, code, wsdl, openapi, like, submit)
        try:
            draft.write(path)
        except FileExistsError:
            raise Failure(f"{path} is there already. Take another code, or move the file away.") from None
        except OSError as error:
            raise Failure(f"{path} cannot be written: {error.strerror}. Name another place with --out.") from None
    typer.echo(f"Written: {path}")
    _tell_questions(path)


def _draft(
    home: Home,
    code: str,
    wsdl: pathlib.Path | None,
    openapi: pathlib.Path | None,
    like: str | None,
    submit: str | None,
) -> Draft:
    if not _CODE.fullmatch(code):
        raise Failure(f"{code} is no code: write small letters, digits and `-`, beginning with a letter.")
    described = sum(one is not None for one in (wsdl, openapi, like))
    if described > 1 or (described == 0 and submit is None):
        raise Failure(
            "Say what to begin from: exactly one of --wsdl, --openapi and --like. "
            'A system that describes itself nowhere: --submit "POST /tickets", the request that makes a case.'
        )
    try:
        if described == 0 and submit is not None:
            return from_request(code, submit)
        if wsdl is not None:
            return from_wsdl(code, wsdl, submit)
        if openapi is not None:
            return from_openapi(code, openapi, submit)
        model = agency_path(home, like or "")
        return from_profile(code, model) if model.resolve().parent.name == "systems" else from_agency(code, model)
    except CannotDraft as problem:
        raise Failure(str(problem)) from None


def _tell_questions(path: pathlib.Path) -> None:
    try:
        check_agency_file(path)
    except FileFaults as found:
        typer.echo("Only a person can answer:", err=True)
        for one in found.faults:
            typer.echo(f"  {one}", err=True)
    typer.echo(f"Then: okno agency check {path}", err=True)
