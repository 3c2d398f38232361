"""Whether a PostgreSQL server, ours or somebody else's, can serve Okno: new enough, UTF-8, and able to read Cyrillic.

Under the locale `C` PostgreSQL stores Russian text without complaint, yet `lower()` leaves it alone and pg_trgm finds no letters in it:
search silently finds nothing. That is found here, when a process starts, and not by a citizen.
"""

from dataclasses import dataclass

import psycopg
from psycopg import errors, sql

OLDEST_VERSION = 15
# The extension may be absent, not ours to make, or the server a read-only replica: then search is checked where it is set up.
CANNOT_MAKE_EXTENSION = (
    errors.InsufficientPrivilege,
    errors.UndefinedFile,
    errors.FeatureNotSupported,
    errors.ReadOnlySqlTransaction,
    errors.LockNotAvailable,
    errors.UniqueViolation,
)


class ServerUnfitError(RuntimeError):
    """The database server cannot serve Okno; the text names every fault and its remedy."""


@dataclass(frozen=True)
class ServerFacts:
    """What a server says about itself; `trigrams` is None where pg_trgm cannot be had."""

    version: int
    encoding: str
    locale: str
    lower_reads_cyrillic: bool
    trigrams: int | None


def verify_server(dsn: str) -> ServerFacts:
    """Check the database behind a libpq or SQLAlchemy URL; leaves nothing behind in it.

    Raises `ServerUnfitError` when it is unfit and `psycopg.OperationalError` when it cannot be reached.
    """
    with psycopg.connect(
        dsn.replace("postgresql+psycopg://", "postgresql://", 1), client_encoding="utf8", connect_timeout=10
    ) as connection:
        facts = _read_facts(connection)
        connection.rollback()
    if faults := faults_of(facts):
        raise ServerUnfitError("The database server cannot serve Okno:\n" + "\n".join(f"- {fault}" for fault in faults))
    return facts


def faults_of(facts: ServerFacts) -> list[str]:
    """Every reason why the server is unfit, each with its remedy; empty when it is fit."""
    faults = []
    if facts.version < OLDEST_VERSION:
        faults.append(
            f"it is PostgreSQL {facts.version}, and {OLDEST_VERSION} is the oldest that works. Remedy: upgrade it, or name another in "
            "OKNO_DATABASE_URL."
        )
    if facts.encoding != "UTF8":
        faults.append(f"the database is encoded in {facts.encoding}, not UTF8. {_REMEDY}")
    if not facts.lower_reads_cyrillic:
        faults.append(
            f"under its locale {facts.locale} lower('Ж') is not 'ж', so search would miss Russian words. {_REMEDY}"
        )
    if facts.trigrams == 0:
        faults.append(f"under its locale {facts.locale} pg_trgm finds no letters in Russian words. {_REMEDY}")
    return faults


_REMEDY = (
    "Remedy: make the database anew with CREATE DATABASE okno TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'."
)


def _read_facts(connection: "psycopg.Connection[tuple[object, ...]]") -> ServerFacts:
    row = connection.execute(
        "SELECT current_setting('server_encoding'), datctype FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    encoding, locale = (str(value) for value in row or ("unknown", "unknown"))
    readable = encoding == "UTF8"  # other encodings refuse the very question
    return ServerFacts(
        version=connection.info.server_version // 10000,
        encoding=encoding,
        locale=locale,
        lower_reads_cyrillic=not readable or connection.execute("SELECT lower('Ж') = 'ж'").fetchone() == (True,),
        trigrams=_trigrams(connection) if readable else None,
    )


def _trigrams(connection: "psycopg.Connection[tuple[object, ...]]") -> int | None:
    """How many trigrams pg_trgm sees in a Russian word; makes the extension for the moment of the question where it is missing."""
    where = "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'"
    try:
        if connection.execute(where).fetchone() is None:
            connection.execute("SET LOCAL lock_timeout = '5s'")
            connection.execute("CREATE EXTENSION pg_trgm")
        schema = connection.execute(where).fetchone()
        if schema is None:
            return None
        question = sql.SQL("SELECT cardinality({}.show_trgm('дорога'))").format(sql.Identifier(str(schema[0])))
        answer = connection.execute(question).fetchone()
    except CANNOT_MAKE_EXTENSION:
        return None
    return int(str(answer[0])) if answer else None
