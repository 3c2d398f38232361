"""`okno token`: a bearer token for trying things out. Development only."""

from __future__ import annotations

import os
import re
from typing import Annotated

import typer

from cli.development_key import AUDIENCE, ISSUER, LONGEST_LIFE_S, development_key, issue_token
from cli.failure import EXIT_CODES, Failure, plain_failures
from store.home import Home

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


def duration_s(text: str) -> int:
    """Seconds of `90s`, `30m`, `8h` or `2d`; at most 31 days, which is the longest life the gateway believes."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text.strip())
    if match is None:
        raise typer.BadParameter("write a whole number and a unit: 90s, 30m, 8h or 2d")
    seconds = int(match[1]) * _UNITS_S[match[2]]
    if seconds > LONGEST_LIFE_S:
        raise typer.BadParameter("the gateway believes no token that lives longer than 31 days; ask for 31d or less")
    return seconds


def token(
    subject: Annotated[str, typer.Option(help="Whose token it is: the name the hub will know the person by.")],
    expires_in: Annotated[
        int, typer.Option(parser=duration_s, metavar="TIME", help="90s, 30m, 8h, 2d; 31d at most.")
    ] = "8h",  # type: ignore[assignment]
    issuer: Annotated[
        str, typer.Option(help="The `iss` of the token. The gateway believes this key under the default name only.")
    ] = ISSUER,
) -> None:
    """Print a bearer token for SUBJECT, signed with this installation's development key. Nothing else goes to stdout."""
    with plain_failures():
        if os.environ.get("OKNO_MODE") == "production":
            raise Failure(
                "`okno token` is for development, and OKNO_MODE is production. Take a token from the issuer named in OKNO_TOKEN_ISSUER, "
                "or set OKNO_MODE=development on a machine that serves nobody."
            )
        if not 0 < len(subject) <= 255 or not subject.isprintable():
            raise Failure("--subject: write a name of 1 to 255 printable characters.")
        key = development_key(Home.from_environment().development_key)
        audience = os.environ.get("OKNO_TOKEN_AUDIENCE") or AUDIENCE
        typer.echo(issue_token(key, subject, expires_in, issuer=issuer, audience=audience))


EPILOG = f"Example: export OKNO_TOKEN=$(okno token --subject anna). {EXIT_CODES}"
