"""Reads one agency file and judges it: its YAML, its profile, its shape, the rules, its examples.

Promises: every fault that can be found comes in one pass; a question that is still open is one fault and hides its echoes.
"""

from __future__ import annotations

import pathlib
from collections.abc import Collection

from agencies import model
from agencies.checks import Subject, check
from agencies.open_questions import open_questions, without_echoes
from agencies.profiles import read_agency
from agencies.source import Fault, FileFaults, Source

EXAMPLE_FAILS = "example-fails"


def check_agency_file(path: pathlib.Path, categories: Collection[str] | None = None) -> tuple[Source, model.AgencyFile]:
    """A file that passed every check. `categories` are the rubricator's codes; without them categories are not judged. Raises FileFaults."""
    source, file, failed = read_checked(path, categories)
    if failed:
        raise FileFaults(failed)
    return source, file


def read_checked(
    path: pathlib.Path, categories: Collection[str] | None = None
) -> tuple[Source, model.AgencyFile, tuple[Fault, ...]]:
    """The same, where nothing may be wrong but examples, whose faults are given back. Raises FileFaults."""
    source = read_agency(path)
    questions = open_questions(source)
    try:
        file = source.typed(model.AgencyFile)
        # A profile is judged as the agency of its own examples, whose categories are invented.
        known = frozenset(categories) if categories is not None and path.parent.name != "systems" else None
        faults = check(Subject(source, file, path.parent, known))
    except FileFaults as found:
        raise FileFaults(without_echoes(found.faults, questions)) from None
    failed = tuple(one for one in faults if one.code == EXAMPLE_FAILS)
    if questions or len(failed) < len(faults):
        raise FileFaults(without_echoes(faults, questions))
    return source, file, failed
