"""Puts packets into `out`: whole or not at all, and each name once.

A packet is built beside its place under a name that nobody reads, forced to the disk and renamed. What was put there is written down in
`archive/sent`, so that a repeat is known after the other side has taken the packet, and so that a receipt's hashes can be compared.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors.base import NotSent
from connectors.folder.rules import FolderConnection, digests

_PACKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BAD_IN_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]|^\.|^ | $')
_LONGEST_NAME_BYTES = 200
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet to be put there: its files by name, the document among them."""

    name: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """What tells this packet from another of the same name."""
        told = [(name, hashlib.sha256(content).hexdigest()) for name, content in sorted(self.files.items())]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def check_packet(packet: Packet) -> None:
    """Raises NotSent for names that lead elsewhere or that no system can keep."""
    if not _PACKET.fullmatch(packet.name):
        raise NotSent("headers.packet: must be letters, digits, `.`, `_` and `-` of ASCII; `message.id` is such a name")
    taken: set[str] = set()
    for name in packet.files:
        if not name or _BAD_IN_NAME.search(name) or len(name.encode("utf-8", "replace")) > _LONGEST_NAME_BYTES:
            raise NotSent("files: a name that is empty, too long or could lead to another folder; add `| plain_name`")
        if name.casefold() in taken:
            raise NotSent("files: two files of the packet have one name; put `item.number` into it")
        taken.add(name.casefold())


def put(connection: FolderConnection, packet: Packet) -> str:
    """`made`, `there` (the same packet was put there before) or `taken` (another one has its name). Raises NotSent."""
    check_packet(packet)
    try:
        return _put(connection, packet)
    except OSError as error:
        raise NotSent(
            f"the folder cannot be written ({error.strerror or 'unknown'}): check `address` and its rights"
        ) from error


def _put(connection: FolderConnection, packet: Packet) -> str:
    out = connection.root / connection.out
    place = out / (packet.name + (".zip" if connection.packs_as == "zip" else ""))
    # Its name begins with a dot: whoever fetches packets passes it over.
    building = out / f".{packet.name}.part"
    record = sent_record(connection, packet.name)
    known = _known(record)
    if known is not None:
        if known.get("digest") != packet.digest:
            return "taken"
        if building.exists():
            # Written down, and then the power went: the packet is whole and only its name is missing.
            building.replace(place)
            _to_disk(out)
            return "made"
        return "there"
    if place.exists():
        return "taken"
    _remove(building)
    if connection.packs_as == "zip":
        _write(building, _zipped(packet))
    else:
        building.mkdir()
        for name, content in packet.files.items():
            _write(building / name, content)
        _to_disk(building)
    _write_record(record, packet)
    building.replace(place)
    _to_disk(out)
    return "made"


def sent_record(connection: FolderConnection, name: str) -> Path:
    """Where a packet of ours is written down."""
    return connection.root / connection.archive / "sent" / f"{name}.json"


def sent_hashes(connection: FolderConnection, name: str) -> dict[str, dict[str, str]] | None:
    """The hashes of a packet of ours, by file name in small letters; None for a packet we never put there."""
    if not _PACKET.fullmatch(name):
        return None
    # Some write identifiers in capital letters.
    known = _known(sent_record(connection, name)) or _known(sent_record(connection, name.lower()))
    files = known.get("files") if known is not None else None
    return {str(file).casefold(): dict(found) for file, found in files.items()} if isinstance(files, dict) else None


def _known(record: Path) -> dict[str, object] | None:
    try:
        found = json.loads(record.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        # Half a record: the power went before the packet had its name.
        return None
    return found if isinstance(found, dict) else None


def _write_record(record: Path, packet: Packet) -> None:
    record.parent.mkdir(parents=True, exist_ok=True)
    told = {"digest": packet.digest, "files": {name: digests(content) for name, content in packet.files.items()}}
    building = record.with_suffix(".part")
    _write(building, json.dumps(told, ensure_ascii=False).encode())
    building.replace(record)
    _to_disk(record.parent)


def _zipped(packet: Packet) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in packet.files.items():
            # No time in it: the same packet is the same bytes.
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(building: Path) -> None:
    if building.is_dir():
        shutil.rmtree(building)
    else:
        building.unlink(missing_ok=True)


def set_aside(connection: FolderConnection, name: str) -> bool:
    """Move a packet that was taken from `in` to `archive/in`; False when it is not in `in` any more. Raises NotSent."""
    if "/" in name or "\\" in name or "\0" in name or name in ("", ".", ".."):
        raise NotSent("headers.packet: names no packet of `in`; write `item.packet`")
    place = connection.root / connection.incoming / name
    kept = connection.root / connection.archive / "in"
    try:
        kept.mkdir(parents=True, exist_ok=True)
        target = kept / name
        number = 1
        while os.path.lexists(target):
            number += 1
            target = kept / f"{name}~{number}"
        place.rename(target)
        _to_disk(kept)
    except FileNotFoundError:
        return False
    except OSError as error:
        remedy = "`archive` must lie on the disk of `in`, and we need the right to write there"
        raise NotSent(f"a packet cannot be moved ({error.strerror or 'unknown'}): {remedy}") from error
    return True
