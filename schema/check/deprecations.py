"""Deprecations that end: each names what to use instead and a day, `until 2027-06-30`, up to which the old thing stays.

Promises: a document that still uses a deprecated thing is a warning up to that day and an error after it; a deprecation without a day is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
)

from schema.check.documents import Document
from schema.check.finding import Finding, Severity
from schema.check.uses import uses_of

_UNTIL = re.compile(r"\buntil (\d{4}-\d{2}-\d{2})\b")
_INSTEAD = re.compile(r"\buse\b", re.IGNORECASE)
_EXAMPLE = "`Use statusSince instead; until 2027-06-30.`"


def deprecated_parts(schema: GraphQLSchema) -> dict[str, str]:
    """The coordinates of everything deprecated, and the reasons."""
    return {coordinate: reason for coordinate, reason in _parts(schema) if reason is not None}


def last_day(reason: str) -> date | None:
    """The day that a reason names, if it names a real one."""
    found = _UNTIL.search(reason)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def badly_deprecated(schema: GraphQLSchema) -> list[Finding]:
    """Deprecations that do not say until when, or what to use instead."""
    return [
        Finding(
            Severity.ERROR,
            None,
            f"{coordinate} is deprecated without {missing}. Write both into `deprecation_reason`, such as {_EXAMPLE}",
        )
        for coordinate, reason in deprecated_parts(schema).items()
        for missing in _missing(reason)
    ]


def deprecated_uses(schema: GraphQLSchema, documents: Iterable[Document], today: date) -> list[Finding]:
    """Documents that use what is deprecated: warnings, and errors once the day has passed."""
    reasons = deprecated_parts(schema)
    return list(
        dict.fromkeys(finding for document in documents for finding in _of_document(schema, document, reasons, today))
    )


def _of_document(
    schema: GraphQLSchema, document: Document, reasons: Mapping[str, str], today: date
) -> Iterator[Finding]:
    try:
        uses = uses_of(schema, document)
    except GraphQLSyntaxError:
        return  # told elsewhere
    for use in uses:
        reason = reasons.get(use.coordinate)
        if reason is None or not use.is_certain:
            continue
        until = last_day(reason)
        if until is not None and until < today:
            yield Finding(Severity.ERROR, use.place, f"{use.coordinate} was to be used until {until} only. {reason}")
        else:
            yield Finding(Severity.WARNING, use.place, f"{use.coordinate} is deprecated. {reason}")


def _missing(reason: str) -> Iterator[str]:
    if last_day(reason) is None:
        yield "a last day"
    if not _INSTEAD.search(reason):
        yield "a word on what to use instead"


def _parts(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field.deprecation_reason
                for argument, definition in field.args.items():
                    yield f"{name}.{field_name}({argument}:)", definition.deprecation_reason
        elif isinstance(kind, GraphQLInputObjectType):
            for field_name, given in kind.fields.items():
                yield f"{name}.{field_name}", given.deprecation_reason
        elif isinstance(kind, GraphQLEnumType):
            for value_name, value in kind.values.items():
                yield f"{name}.{value_name}", value.deprecation_reason
