"""Failures that are nobody's bug: each becomes one text with a remedy on stderr and an exit code, never a traceback.

Exit codes of every command: 0 all went well, 1 it did not (the text says what and what to do), 2 the command line itself is wrong, 130 interrupted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import typer
from sqlalchemy.exc import OperationalError

from agencies.fault import FileFaults
from agencies.registry import UnsetVariable
from store.embedded import EmbeddedServerError
from store.home import BadHome
from store.server_check import ServerUnfitError

FAILED = 1
INTERRUPTED = 130

EXIT_CODES = (
    "Exit codes: 0 all went well; 1 it did not, and the text says what to do; 2 wrong options; 130 interrupted."
)


class Failure(Exception):
    """Something outside the program is wrong. The text names it and the remedy."""


@contextlib.contextmanager
def plain_failures() -> Iterator[None]:
    """Turn the failures a command may expect into a text and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (Failure, BadHome, EmbeddedServerError, ServerUnfitError, UnsetVariable) as failure:
        raise _ended(str(failure)) from None
    except FileFaults as faults:
        raise _ended(f"{faults}\nMend the files named above and start again.") from None
    except (psycopg.OperationalError, OperationalError) as error:
        # The server's own words may hold the address; the driver never puts the password into them.
        words = str(error.orig if isinstance(error, OperationalError) else error).strip()
        raise _ended(
            f"The database does not answer: {words}\n"
            "Check that it runs and that OKNO_DATABASE_URL is right; without that variable the embedded database is used."
        ) from None


def _ended(text: str) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(FAILED)
