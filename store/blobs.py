"""Citizens' files on disk, each under the digest of its content.

`<folder>/ab/cd/<sha256>` holds a file whose content has that digest; the same content is kept once. Promises: a file
is there whole and flushed to the disk, or not at all, whatever is killed; what is read back is proved by its digest.
Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ABANDONED_AFTER_S = 24 * 3600.0


class BlobMissing(Exception):
    """No file of this digest is on this disk."""


class BlobDamaged(Exception):
    """The file is there, but its content is not what was stored: restore it from a backup."""


class Blobs:
    """The files of one installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arriving = folder / "arriving"

    def prepare(self) -> None:
        """Make the folders, and remove what a killed process left half-written."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._arriving.mkdir(mode=0o700, exist_ok=True)
        for left in self._arriving.iterdir():
            # Another process may be writing one this minute, or have just finished with it.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_S:
                    left.unlink()

    def receive(self) -> ArrivingBlob:
        """A new file to write to. It is gone at the end of its block unless `keep` was called."""
        return ArrivingBlob(self, self._arriving)

    def path(self, sha256: str) -> Path:
        """Where the file of this digest is, if it is there. Raises ValueError for what is no digest."""
        if not _DIGEST.fullmatch(sha256):
            message = "a digest is 64 lower-case hexadecimal characters"
            raise ValueError(message)
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def read(self, sha256: str) -> bytes:
        """The content. Raises BlobMissing or BlobDamaged."""
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(sha256) from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlobDamaged(sha256)
        return content


class ArrivingBlob:
    """A file on its way in: `with blobs.receive() as file: file.write(…); file.keep()`."""

    def __init__(self, blobs: Blobs, folder: Path) -> None:
        self._blobs = blobs
        self._digest = hashlib.sha256()
        number, name = tempfile.mkstemp(dir=folder)
        self._file = os.fdopen(number, "wb")
        self.path = Path(name)
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """The digest of what was written so far."""
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._digest.update(piece)
        self.size_bytes += len(piece)

    def flush(self) -> None:
        """Let others read what was written so far at `path`."""
        self._file.flush()

    def keep(self) -> str:
        """Put the file in its place, safe against a power cut, and give its digest."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        place = self._blobs.path(self.sha256)
        for folder in (place.parent.parent, place.parent):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                _flush_folder(folder.parent)
        # Over an earlier copy too: the content is the same, and a damaged copy is mended.
        self.path.replace(place)
        _flush_folder(place.parent)
        return self.sha256

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """A new name is only as durable as its folder."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
