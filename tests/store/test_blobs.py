"""Files on disk: whole and under their digest, or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

import pytest

from store.blobs import BlobDamaged, BlobMissing, Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    blobs = Blobs(tmp_path / "attachments")
    blobs.prepare()
    return blobs


def _store(blobs: Blobs, content: bytes) -> str:
    with blobs.receive() as file:
        file.write(content[:3])
        file.write(content[3:])
        assert file.size_bytes == len(content)
        return file.keep()


def _arriving(blobs: Blobs) -> list[Path]:
    return list((blobs.folder / "arriving").iterdir())


def test_what_was_kept_is_read_back(blobs: Blobs) -> None:
    digest = _store(blobs, b"photo")
    assert digest == hashlib.sha256(b"photo").hexdigest()
    assert blobs.read(digest) == b"photo"
    assert blobs.path(digest) == blobs.folder / digest[:2] / digest[2:4] / digest


def test_the_same_content_is_kept_once(blobs: Blobs) -> None:
    assert _store(blobs, b"photo") == _store(blobs, b"photo")
    assert len([path for path in blobs.folder.rglob("*") if path.is_file()]) == 1


def test_what_is_not_kept_leaves_nothing(blobs: Blobs) -> None:
    with blobs.receive() as file:
        file.write(b"photo")
    with contextlib.suppress(ZeroDivisionError), blobs.receive() as file:
        file.write(b"photo")
        raise ZeroDivisionError
    assert _arriving(blobs) == []
    with pytest.raises(BlobMissing):
        blobs.read(hashlib.sha256(b"photo").hexdigest())


def test_a_damaged_file_is_never_handed_out_and_is_mended_by_the_same_content(blobs: Blobs) -> None:
    digest = _store(blobs, b"photo")
    blobs.path(digest).write_bytes(b"ph")
    with pytest.raises(BlobDamaged):
        blobs.read(digest)
    _store(blobs, b"photo")
    assert blobs.read(digest) == b"photo"


def test_what_is_no_digest_is_no_path(blobs: Blobs) -> None:
    for name in ("../../etc/passwd", "A" * 64, "a" * 63, ""):
        with pytest.raises(ValueError, match="64 lower-case"):
            blobs.read(name)


def test_what_a_killed_process_left_is_removed_after_a_day(blobs: Blobs) -> None:
    old, young = blobs.folder / "arriving" / "old", blobs.folder / "arriving" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 100_000,) * 2)
    blobs.prepare()
    assert _arriving(blobs) == [young]


def test_only_the_owner_reads_citizens_files(blobs: Blobs) -> None:
    digest = _store(blobs, b"photo")
    assert blobs.path(digest).stat().st_mode & 0o077 == 0
    assert blobs.folder.stat().st_mode & 0o077 == 0
