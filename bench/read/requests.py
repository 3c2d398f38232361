"""Prepared requests on disk, so that the client makes none of them while it measures: each one's length, then its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_LENGTH_BYTES = 4


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(_LENGTH_BYTES, "big") + request)


def read_requests(path: Path) -> list[bytes]:
    """Raises ValueError for a file that is cut off."""
    whole, at, requests = path.read_bytes(), 0, []
    while at < len(whole):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(whole[at:start], "big")
        if at > len(whole):
            message = f"{path} is cut off"
            raise ValueError(message)
        requests.append(whole[start:at])
    return requests
