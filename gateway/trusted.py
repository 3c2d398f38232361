"""The table of trusted documents: read once, at the start, and judged whole, so that a portal learns of a wrong document from the server that starts
and not from its citizens.

A table is a JSON file `{"sha256:<64 hexadecimal digits>": "text"}` (what graphql-codegen's client preset writes; the prefix may be missing, as Relay
leaves it out), or a manifest of Apollo's `generate-persisted-query-manifest`. A folder stands for all its tables and for its `.graphql` files, each
trusted by its own text.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from gateway.settings import BadSettings, Settings
from schema.extensions.known_documents import KnownDocuments, Policy
from schema.extensions.masking import public_error
from schema.root import build_schema
from store.home import PROJECT

PORTAL_OPERATIONS = PROJECT / "portal" / "operations"
_MOST_FAULTS = 20

log = logging.getLogger(__name__)


def policy_of(settings: Settings) -> Policy:
    """What the schema tells about itself in this installation."""
    return Policy(introspection=settings.introspection_open, suggestions=settings.in_development)


def check_trusted_documents(settings: Settings) -> None:
    """Before a server starts: whether its table fits its schema. Raises BadSettings."""
    if settings.trusted_only or settings.trusted_documents is not None:
        trust_documents(build_schema(policy_of(settings)).documents, settings)


def trust_documents(known: KnownDocuments, settings: Settings) -> int:
    """Trust the documents of this installation; how many there are. Raises BadSettings with what is wrong and where.

    Where any document is run and nobody named a table, the portal's operations are a convenience: what is wrong with them is logged.
    """
    place = settings.trusted_documents or PORTAL_OPERATIONS
    count, faults = _trust(known, place)
    if not count and not faults:
        faults.append(f"{place}: holds no documents; name a JSON table or a folder with .json or .graphql files")
    if faults and (settings.trusted_only or settings.trusted_documents is not None):
        raise BadSettings(
            "OKNO_TRUSTED_DOCUMENTS: these documents cannot be trusted as they are; mend them or build the table anew:\n"
            + "\n".join(faults[:_MOST_FAULTS])
        )
    for fault in faults[:_MOST_FAULTS]:
        log.warning("a document of the portal does not fit the schema and is not trusted: %s", fault)
    return count


def _trust(known: KnownDocuments, place: Path) -> tuple[int, list[str]]:
    trusted, faults = set(), []
    for path in _files(place):
        try:
            for name, text in _documents(path):
                learned = known.trust(text)
                if learned.errors:
                    faults.append(f"{path}: {name}: {public_error(learned.errors[0], 'en').message}")
                else:
                    trusted.add(learned.digest)
        except _Faulty as fault:
            faults.append(f"{path}: {fault}")
    return len(trusted), faults


class _Faulty(ValueError):
    """A file that is no table."""


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    return sorted(path for path in place.iterdir() if path.suffix in {".json", ".graphql"})


def _documents(path: Path) -> Iterator[tuple[str, str]]:
    """Name and text of each document of a file. Raises _Faulty."""
    try:
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".graphql":
            yield "the document", content
            return
        table = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise _Faulty(f"cannot be read as a table of documents ({type(error).__name__})") from None
    for name, text in _entries(table):
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if name.removeprefix("sha256:") != digest:
            raise _Faulty(
                f"{name[:80]}: is not the SHA-256 of its text, which is sha256:{digest}; let the build write the table"
            )
        yield name, text


def _entries(table: object) -> list[tuple[str, str]]:
    if isinstance(table, dict) and isinstance(table.get("operations"), list):  # Apollo's manifest
        entries = [
            (one.get("id"), one.get("body")) if isinstance(one, dict) else (None, None) for one in table["operations"]
        ]
    elif isinstance(table, dict):
        entries = list(table.items())
    else:
        raise _Faulty('must be one JSON object {"sha256:…": "text of the document"}')
    found = [(name, text) for name, text in entries if isinstance(name, str) and isinstance(text, str)]
    if len(found) != len(entries):
        raise _Faulty("every entry must be the id of a document and its text, both strings")
    return found
