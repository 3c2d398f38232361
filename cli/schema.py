"""`okno schema …`: whether a change of the schema breaks documents in use."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.failure import EXIT_CODES, FAILED, Failure, plain_failures
from store.home import PROJECT

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from schema.check.finding import Finding

OPERATIONS = PROJECT / "portal" / "operations"
SCHEMA_FILE = PROJECT / "schema.graphql"
_GIT_WITHIN_S = 30

app = typer.Typer(no_args_is_help=True, help="The schema as clients see it.")


@app.command("check", epilog=f"Example: okno schema check --against origin/main. {EXIT_CODES}")
def check(
    documents: Annotated[
        list[Path] | None,
        typer.Option(
            help="A .graphql file, a table of trusted documents (.json) or a folder of them; repeat for several. portal/operations unless said."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|REVISION",
            help="The schema that clients know now: a file, or a git revision whose schema.graphql is taken; HEAD unless said.",
        ),
    ] = None,
) -> None:
    """Check that documents in use fit the schema of the code, and that nothing they use was broken or has run out.

    Errors fail: a document that does not fit, a breaking change that touches one, a deprecated field after its last day, a schema.graphql that is not
    the code's. Deprecated fields in use before their day are warnings; breaking changes that touch no document are notes.
    """
    with plain_failures():
        findings = _findings(documents or [OPERATIONS], against)
    for finding in findings:
        typer.echo(str(finding))
    counts = [(name, sum(finding.severity == name for finding in findings)) for name in ("error", "warning", "note")]
    typer.echo(", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts))
    if counts[0][1]:
        raise typer.Exit(FAILED)


def _findings(paths: list[Path], against: str | None) -> list[Finding]:
    # Building the schema takes half a second that other commands need not wait for.
    from graphql import build_schema

    from schema.check.compatibility import breaking_changes
    from schema.check.deprecations import badly_deprecated, deprecated_uses
    from schema.check.documents import UnreadableDocuments, invalid_documents, read_documents
    from schema.export import schema_text

    try:
        documents = read_documents([_shown(path) for path in paths])
    except UnreadableDocuments as fault:
        raise Failure(str(fault)) from None
    text = schema_text()
    new = build_schema(text)
    today = datetime.now(UTC).date()
    findings = [*_stale(text), *invalid_documents(new, documents)]
    findings += [*badly_deprecated(new), *deprecated_uses(new, documents, today)]
    old = _old_schema(against)
    return findings if old is None else [*findings, *breaking_changes(old, new, documents)]


def _shown(path: Path) -> Path:
    """The path as it is best read in a report: relative to where the person is."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def _stale(text: str) -> list[Finding]:
    from schema.check.finding import Finding, Severity

    if not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text(encoding="utf-8") == text:
        return []
    remedy = "it is not the schema of the code any more. Write it anew with `make schema`."
    return [Finding(Severity.ERROR, f"{_shown(SCHEMA_FILE)}:1", remedy)]


def _old_schema(against: str | None) -> GraphQLSchema | None:
    """The schema to compare with. None, said on stderr, when nobody named one and there is no git history to take it from."""
    from graphql import GraphQLError, build_schema

    text = _file_or_revision(against)
    if text is None:
        typer.echo(
            "No git history here: the comparison with an older schema is skipped. Name one with --against.", err=True
        )
        return None
    try:
        return build_schema(text)
    except GraphQLError as fault:
        raise Failure(f"--against: {against or 'HEAD'} holds no schema: {fault.message}") from None


def _file_or_revision(against: str | None) -> str | None:
    if against is not None and Path(against).is_file():
        return Path(against).read_text(encoding="utf-8")
    git, revision = shutil.which("git"), against or "HEAD"
    told = None
    if git is not None and not revision.startswith("-"):
        command = [git, "-C", str(PROJECT), "show", f"{revision}:{SCHEMA_FILE.name}"]
        # An argument list without a shell; a revision that looks like an option was refused above.
        told = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_WITHIN_S, check=False)  # noqa: S603
    if told is not None and told.returncode == 0:
        return told.stdout
    if against is None:
        return None
    raise Failure(f"--against: {against} is neither a file nor a git revision with a {SCHEMA_FILE.name}.")
