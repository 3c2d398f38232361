"""How one folder is exchanged: names, what makes a packet whole, and where documents list their files and hashes. Plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

ALGORITHMS: Final[Mapping[str, str]] = {"sha256": "sha256", "sha512": "sha512", "sha1": "sha1", "md5": "md5"}
"""Hashes that can be computed here. ГОСТ Р 34.11 is not among them: such a hash is kept and not compared."""


@dataclass(frozen=True, slots=True)
class FileList:
    """Where a document lists the files of its own packet; paths are dotted and by local names, `@name` is an attribute."""

    at: str
    name: str
    digest: str | None = None
    algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiptHashes:
    """Where a receipt lists the hashes of what they received of ours; `packet` is the path of our packet's name in it.

    `algorithm` is a name, or the path of an attribute that names it.
    """

    packet: str
    at: str
    name: str
    digest: str
    algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class FolderConnection:
    """How one agency's folder is used. Times are in seconds.

    A packet is read when nothing in it changed for `settles_s` and everything its document lists is there; one that is still not whole after
    `gives_up_after_s` is shown with its problem. `envelope` is an ini file that routers of such packets want.
    """

    root: Path
    out: str = "out"
    incoming: str = "in"
    archive: str = "archive"
    document: str = "document.xml"
    packs_as: Literal["folder", "zip"] = "folder"
    charset: str = "utf-8"
    settles_s: float = 30.0
    gives_up_after_s: float = 3600.0
    files: FileList | None = None
    receipts: ReceiptHashes | None = None
    envelope: str | None = None
    envelope_files: str | None = None
    timeout_s: float = 20.0
    max_packet_bytes: int = 8 * 1024 * 1024
    at_most: int = 100


def digests(content: bytes) -> dict[str, str]:
    """Every hash that a receipt may name, in lower-case hex."""
    return {name: hashlib.new(one, content, usedforsecurity=False).hexdigest() for name, one in ALGORITHMS.items()}
