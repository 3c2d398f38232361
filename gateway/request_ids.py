"""The id of a request: the caller's own if it is fit to be logged and repeated, else 32 hexadecimal digits that nobody can guess."""

from __future__ import annotations

import os
import re
from typing import Final

_FIT: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_BYTES: Final = 16
_AT_ONCE: Final = 256


class _Random:
    """Random bytes, asked of the system for many ids at once: each asking costs more than all the rest of an id."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self) -> str:
        if self._at >= len(self._bytes):
            self._bytes, self._at = os.urandom(_BYTES * _AT_ONCE), 0
        start, self._at = self._at, self._at + _BYTES
        return self._bytes[start : self._at].hex()

    def _forget(self) -> None:
        self._bytes = b""
        self._at = 0


_random = _Random()


def request_id(given: str) -> str:
    """`given` is what the caller's `x-request-id` says, empty without one."""
    return given if given and _FIT.fullmatch(given) else _random.take()
