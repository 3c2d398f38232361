"""`okno agency show`, `grade`, `docs` and `reference`: what a file says, how good it is, and the pages made from it."""

from __future__ import annotations

import pathlib
from enum import StrEnum
from typing import Annotated, Literal

import typer

from agencies.checking import check_agency_file
from agencies.effective import effective_text
from agencies.grade import Grade, judge
from agencies.helpline import helpline_page
from agencies.reference import reference_text, schema_text
from agencies.rubricator_file import load_rubricator
from agencies.source import FileFaults
from cli.agency_files import agency_path, all_agency_paths, known_categories
from cli.failure import EXIT_CODES, FAILED, Failure, plain_failures
from store.home import PROJECT, Home

SHOW_EPILOG = f"See also: okno agency check. {EXIT_CODES}"
GRADE_EPILOG = f"See also: okno agency record. {EXIT_CODES} Below --at-least the exit code is 1."
DOCS_EPILOG = f"See also: okno agency show. {EXIT_CODES}"
REFERENCE_EPILOG = EXIT_CODES


class _Language(StrEnum):
    RU = "ru"
    EN = "en"


def show(file: Annotated[str, typer.Argument(help="The agency file or profile, by path or by code.")]) -> None:
    """Print the file as it works: its profile laid under it and every default filled in, each told from where it comes."""
    with plain_failures():
        home = Home.from_environment()
        source, model = check_agency_file(agency_path(home, file), known_categories(home))
    typer.echo(effective_text(source, model), nl=False)


def grade(
    files: Annotated[
        list[str] | None, typer.Argument(help="Agency files, by path or by code; without any, all.")
    ] = None,
    at_least: Annotated[Grade, typer.Option(help="Fail below this grade.")] = Grade.NONE,
) -> None:
    """Compute bronze, silver or gold from each file and what lies beside it, and list what is missing for more."""
    below = False
    with plain_failures():
        home = Home.from_environment()
        paths = [agency_path(home, one) for one in files] if files else all_agency_paths(home)
        for path in paths:
            source, model = check_agency_file(path, known_categories(home))
            judgement = judge(source, model)
            typer.echo(f"{model.agency.code}: {judgement.grade}")
            for rule in judgement.missing:
                typer.echo(f"  for {rule.grade}: {rule.says} ({rule.name})")
            below = below or list(Grade).index(judgement.grade) < list(Grade).index(at_least)
    if below:
        raise typer.Exit(FAILED)


def docs(
    file: Annotated[str, typer.Argument(help="The agency file, by path or by code.")],
    lang: Annotated[_Language, typer.Option(help="Language of the page.")] = _Language.RU,
    out: Annotated[pathlib.Path | None, typer.Option(help="Write to this file instead of printing.")] = None,
) -> None:
    """Write a page about the agency for those who talk with citizens: what it gets, what its states mean, what one can ask for."""
    with plain_failures():
        home = Home.from_environment()
        _, model = check_agency_file(agency_path(home, file), known_categories(home))
        language: Literal["ru", "en"] = "ru" if lang is _Language.RU else "en"
        page = helpline_page(model, language, _category_names(home, language))
        if out is None:
            typer.echo(page, nl=False)
            return
        try:
            out.write_text(page, encoding="utf-8")
        except OSError as error:
            raise Failure(f"{out} cannot be written: {error.strerror}. Name another place with --out.") from None


def _category_names(home: Home, language: Literal["ru", "en"]) -> dict[str, str]:
    try:
        categories = load_rubricator(home.config / "rubricator.yaml").categories
    except FileFaults:
        return {}
    return {one.code: getattr(one.name, language) for one in categories}


def reference(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when a file is not what would be written.")
    ] = False,
) -> None:
    """Write docs/reference/agency-file.md and config/agency.schema.json from the models of the language."""
    texts = {"docs/reference/agency-file.md": reference_text(), "config/agency.schema.json": schema_text()}
    different = []
    for name, text in texts.items():
        path = PROJECT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        different.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in different:
        typer.echo(f"{name} is not up to date: okno agency reference" if check else f"Written: {name}")
    if check and different:
        raise typer.Exit(FAILED)
