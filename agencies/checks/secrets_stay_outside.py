"""Secrets stand in the environment and never in a file, which is committed, copied and mailed.

PASS  password: ${CITY_ROADS_PASSWORD}
FAIL  password: hunter2
FAIL  password: prefix-${CITY_ROADS_PASSWORD}
FAIL  address: https://user:word@agency.example/soap
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agencies import model
from agencies.checks.subject import Subject
from agencies.secrets import Reference
from agencies.source import Fault, Path

_SECRET_KEYS = ("password", "token", "key", "client_secret")
_LOGIN_IN_ADDRESS = re.compile(r"://[^/@]*@")


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for path, text in _secrets(subject.file):
        if not Reference(text).is_whole:
            yield subject.source.fault(
                path,
                "secret-in-file",
                "a secret is written `${NAME}` and nothing else; its value belongs in the environment",
            )
    for path, text in _addresses(subject.file.connection):
        if _LOGIN_IN_ADDRESS.search(text):
            yield subject.source.fault(path, "secret-in-file", "an address holds no user and password; use `security`")


def _secrets(file: model.AgencyFile) -> Iterator[tuple[Path, str]]:
    for key in _SECRET_KEYS:
        text = getattr(file.connection.security, key, None)
        if isinstance(text, str):
            yield ("connection", "security", key), text
    if file.status is not None and file.status.webhook is not None:
        yield ("status", "webhook", "signature", "secret"), file.status.webhook.signature.secret


def _addresses(connection: model.Connection) -> Iterator[tuple[Path, str]]:
    address = connection.address
    if isinstance(address, str):
        yield ("connection", "address"), address
    else:
        yield ("connection", "address", "sandbox"), address.sandbox
        yield ("connection", "address", "production"), address.production
