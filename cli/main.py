"""`okno`: every command under one name. Each command is a file beside this one."""

from __future__ import annotations

import typer

from cli import agency, migrate, role, schema, serve, submit, token, verify, work
from cli.demo import command as demo
from cli.failure import EXIT_CODES

app = typer.Typer(
    name="okno",
    help="Okno: one GraphQL endpoint for citizens' messages; behind it every agency's own case system.",
    epilog=f"Start here: okno demo. {EXIT_CODES}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=demo.EPILOG)(demo.demo)
app.command(epilog=serve.EPILOG)(serve.serve)
app.command(epilog=work.EPILOG)(work.work)
app.command(epilog=token.EPILOG)(token.token)
app.command(epilog=submit.EPILOG)(submit.submit)
app.command(epilog=migrate.EPILOG)(migrate.migrate)
app.command(epilog=verify.EPILOG)(verify.verify)
app.add_typer(agency.app, name="agency")
app.add_typer(schema.app, name="schema")
app.add_typer(role.app, name="role")


def run() -> None:
    """The entry point of the `okno` program."""
    app()


if __name__ == "__main__":
    run()
