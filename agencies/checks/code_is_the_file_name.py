"""The code of an agency is the name of its file, so that two files cannot claim one agency.

PASS  config/agencies/city-roads.yaml with `code: city-roads`
FAIL  config/agencies/city-roads.yaml with `code: roads`
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from agencies.checks.subject import Subject
from agencies.source import Fault


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    name = pathlib.PurePath(subject.source.file).stem
    if subject.file.agency.code != name:
        yield subject.source.fault(("agency", "code"), "not-the-file-name", f"must be `{name}`, the name of the file")
