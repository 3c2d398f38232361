"""Secrets stand in the environment and never in a file, which is committed, copied and mailed.

PASS  password: ${CITY_ROADS_PASSWORD}
FAIL  password: hunter2
FAIL  password: prefix-${CITY_ROADS_PASSWORD}
FAIL  address: https://user:word@agency.example/soap
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agencies.checks.subject import Subject
from agencies.model_walk import Mark
from agencies.secrets import Reference
from agencies.source import Fault, Path

_LOGIN_IN_ADDRESS = re.compile(r"://[^/@]*@")


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for path, text in _secrets(subject):
        if not Reference(text).is_whole:
            yield subject.source.fault(
                path,
                "secret-in-file",
                "a secret is written `${NAME}` and nothing else; its value belongs in the environment",
            )
    for path, text in _addresses(subject):
        if _LOGIN_IN_ADDRESS.search(text):
            yield subject.source.fault(path, "secret-in-file", "an address holds no user and password; use `security`")


def _secrets(subject: Subject) -> Iterator[tuple[Path, str]]:
    for one in subject.marked():
        if one.mark is Mark.SECRET or one.path == ("status", "webhook", "signature", "secret"):
            yield one.path, one.text


def _addresses(subject: Subject) -> Iterator[tuple[Path, str]]:
    for one in subject.marked():
        if one.path[:2] == ("connection", "address") or one.path[-1] == "token_address":
            yield one.path, one.text
