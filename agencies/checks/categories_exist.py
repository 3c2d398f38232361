"""Categories named in the file exist in the rubricator, and every category the agency receives can be translated.

PASS  receives: [roads/*] with a table that has every `roads/…` or a row "*"
FAIL  receives: [road/*]
FAIL  translate: {kinds: {roads/pothle: "0412"}}
FAIL  receives: [roads/*] with a table that lacks `roads/bridge` and has no "*"
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

from adapters.expressions import ExpressionFault, parse
from agencies.checks.subject import Subject
from agencies.source import Fault, did_you_mean


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    if subject.categories is None:
        return
    received: set[str] = set()
    for number, pattern in enumerate(subject.file.agency.receives):
        matching = _matching(subject.categories, pattern)
        if not matching:
            near = did_you_mean(pattern, subject.categories)
            yield subject.source.fault(
                ("agency", "receives", number), "unknown-category", f"no category of the rubricator is meant.{near}"
            )
        # A branch itself (`roads`) is a heading; messages get its leaves.
        received |= {code for code in matching if "/" in code}
    for table in sorted(_tables_of_categories(subject)):
        yield from _of_table(subject, table, received)


@lru_cache(maxsize=1000)
def _matching(categories: frozenset[str], pattern: str) -> frozenset[str]:
    return frozenset(code for code in categories if fnmatchcase(code, pattern))


def _of_table(subject: Subject, table: str, received: set[str]) -> Iterator[Fault]:
    rows = subject.file.translate.get(table, {})
    for row in rows:
        if row != "*" and row not in (subject.categories or ()):
            near = did_you_mean(row, subject.categories or ())
            yield subject.source.fault(
                ("translate", table, row),
                "unknown-category",
                f"the rubricator has no such category.{near}",
                of_key=True,
            )
    missing = sorted(received - set(rows))
    if missing and "*" not in rows:
        text = f'lacks {", ".join(f"`{code}`" for code in missing[:5])}{" and more" if len(missing) > 5 else ""}; add the rows or a row "*"'
        yield subject.source.fault(("translate", table), "category-not-translated", text)


def _tables_of_categories(subject: Subject) -> set[str]:
    """Tables that a category, and nothing else, goes through."""
    tables: set[str] = set()
    for place in subject.places():
        try:
            expression = parse(place.text)
        except ExpressionFault:
            # Another rule reports it.
            continue
        if [use.steps for use in expression.paths] == [("message", "category")]:
            tables |= {use.literals[0] for use in expression.filters if use.name == "translate" and use.literals}
    return tables & set(subject.file.translate)
