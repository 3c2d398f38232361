"""Takes packets from `in`: whole ones only, each judged by what its own document and its receipts say of files and hashes.

A packet is a folder or a zip with the document in it, or a lone XML file. What is still being written is left alone; what stays broken for
long is given with its `problem`, so that a person sees it. Links are not followed, and no more than the limit is read.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from connectors.base import Tree
from connectors.folder.document import NotADocument, at, listed, read_document, text_of
from connectors.folder.rules import ALGORITHMS, FolderConnection, digests
from connectors.folder.writing import sent_hashes

_PASSED_OVER = (".tmp", ".part", ".partial", "~")
_MOST_FILES = 500
_LONGEST_DIGEST = 200


class _NotWhole(Exception):
    """Something of the packet is missing or wrong; the text says what and holds no content."""


def read_packets(connection: FolderConnection, now_s: float | None = None) -> list[Tree]:
    """The packets that are ready, oldest first, at most `at_most` and `max_packet_bytes` together. Raises OSError."""
    now_s = time.time() if now_s is None else now_s
    found: list[Tree] = []
    bytes_read = 0
    for moment, path in sorted(_entries(connection)):
        if now_s - moment < connection.settles_s:
            continue
        item = _item(connection, path, moment, is_late=now_s - moment >= connection.gives_up_after_s)
        if item is None:
            continue
        size = sum(int(str(file["size_bytes"])) for file in _files_of(item))
        if found and bytes_read + size > connection.max_packet_bytes:
            break
        bytes_read += size
        found.append(item)
        if len(found) >= connection.at_most:
            break
    return found


def _files_of(item: Mapping[str, Tree]) -> Iterator[Mapping[str, Tree]]:
    files = item["files"]
    for file in files if isinstance(files, list) else ():
        if isinstance(file, Mapping):
            yield file


def _entries(connection: FolderConnection) -> Iterator[tuple[float, Path]]:
    """Every entry that may be a packet, with the latest change in it."""
    with os.scandir(connection.root / connection.incoming) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower().endswith(_PASSED_OVER):
                continue
            if entry.is_symlink():
                continue
            is_packet = entry.is_dir(follow_symlinks=False) or entry.name.lower().endswith((".zip", ".xml"))
            if is_packet:
                yield _changed(entry), Path(entry.path)


def _changed(entry: os.DirEntry[str]) -> float:
    latest = entry.stat(follow_symlinks=False).st_mtime
    if entry.is_dir(follow_symlinks=False):
        with os.scandir(entry.path) as inside:
            latest = max([latest, *(one.stat(follow_symlinks=False).st_mtime for one in inside)])
    return latest


def _item(connection: FolderConnection, path: Path, moment: float, *, is_late: bool) -> dict[str, Tree] | None:
    """The packet, None while it is not whole."""
    item: dict[str, Tree] = {
        "packet": path.name,
        "received_at": datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds"),
        "files": [],
    }
    try:
        contents = _contents(connection, path)
        raw = _document_of(connection, contents)
        item["files"] = [
            {"name": name, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
            if content is not raw
        ]
        document = read_document(raw)
        item["document"] = document
        _check_listed(connection, document, contents)
    except (_NotWhole, NotADocument) as problem:
        if not is_late:
            return None
        item["problem"] = str(problem)
        return item
    _judge_receipt(connection, document, item)
    return item


def _document_of(connection: FolderConnection, contents: Mapping[str, bytes]) -> bytes:
    """The file of the document's name, else the only XML file. Raises _NotWhole."""
    named = [content for name, content in contents.items() if name.casefold() == connection.document.casefold()]
    others = [content for name, content in contents.items() if name.lower().endswith(".xml")]
    if not named and len(others) != 1:
        raise _NotWhole(f"there is no {connection.document} in it")
    return (named or others)[0]


def _contents(connection: FolderConnection, path: Path) -> dict[str, bytes]:
    """The files of a packet by name. Raises _NotWhole."""
    try:
        if path.is_dir():
            return _of_folder(connection, path)
        if path.stat().st_size > connection.max_packet_bytes:
            raise _NotWhole(_too_large(connection))
        if path.suffix.lower() == ".xml":
            return {connection.document: path.read_bytes()}
        return _of_zip(connection, path.read_bytes())
    except OSError as error:
        raise _NotWhole(f"it cannot be read ({error.strerror or 'unknown'})") from error


def _of_folder(connection: FolderConnection, path: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = connection.max_packet_bytes
    for entry in sorted(path.iterdir()):
        if entry.is_symlink() or not entry.is_file():
            raise _NotWhole("it holds something that is no file")
        left -= entry.stat().st_size
        if left < 0 or len(contents) >= _MOST_FILES:
            raise _NotWhole(_too_large(connection))
        contents[entry.name] = entry.read_bytes()
    return contents


def _of_zip(connection: FolderConnection, raw: bytes) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = connection.max_packet_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for info in archive.infolist()[: _MOST_FILES + 1]:
                if info.is_dir():
                    continue
                # A name is only a name here: nothing is unpacked to the disk.
                name = info.filename.replace("\\", "/").rpartition("/")[2]
                with archive.open(info) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0 or len(contents) >= _MOST_FILES or name in contents:
                    raise _NotWhole(_too_large(connection))
                contents[name] = content
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        # What zipfile raises for half an archive, an encrypted one and an unknown packing.
        raise _NotWhole("it is no zip, or half of one") from error
    return contents


def _too_large(connection: FolderConnection) -> str:
    return (
        f"it holds more than {connection.max_packet_bytes} bytes (`max_reply`), {_MOST_FILES} files, or one name twice"
    )


def _check_listed(connection: FolderConnection, document: Tree, contents: Mapping[str, bytes]) -> None:
    rule = connection.files
    if rule is None:
        return
    present = {name.casefold(): content for name, content in contents.items()}
    for one in listed(document, rule.at):
        name = text_of(at(one, rule.name))
        content = present.get(name.casefold()) if name is not None else None
        if content is None:
            raise _NotWhole("a file that its document lists is missing")
        digest = text_of(at(one, rule.digest)) if rule.digest is not None else None
        if digest is not None and _compared(digests(content), digest, rule.algorithm) == "wrong":
            raise _NotWhole("a file is not what its document lists: the hash is another")


def _judge_receipt(connection: FolderConnection, document: Tree, item: dict[str, Tree]) -> None:
    """`hashes`: whether what they say they received is what we sent."""
    rule = connection.receipts
    about = text_of(at(document, rule.packet)) if rule is not None else None
    told = listed(document, rule.at) if rule is not None else []
    if rule is None or about is None or not told:
        return
    ours = sent_hashes(connection, about)
    if ours is None:
        item["hashes"] = "unknown"
        return
    algorithm = rule.algorithm
    if algorithm is not None and "@" in algorithm:
        algorithm = text_of(at(document, algorithm))
    results = set()
    for one in told:
        name, digest = text_of(at(one, rule.name)), text_of(at(one, rule.digest))
        known = ours.get(name.casefold()) if name is not None else None
        results.add("wrong" if known is None or digest is None else _compared(known, digest, algorithm))
    item["hashes"] = next((word for word in ("wrong", "unchecked") if word in results), "right")
    if item["hashes"] == "wrong":
        item["problem"] = "the receipt names other hashes than those of what was sent"


def _compared(known: Mapping[str, str], digest: str, algorithm: str | None) -> str:
    """`right`, `wrong`, or `unchecked` where nobody says by which algorithm or it cannot be computed here."""
    digest = digest.strip().lower()[:_LONGEST_DIGEST]
    if algorithm is None:
        return "right" if digest in known.values() else "unchecked"
    name = "".join(sign for sign in algorithm.lower() if sign.isalnum())
    computed = next((known.get(one) for one in ALGORITHMS if one == name), None)
    return "unchecked" if computed is None else "right" if computed == digest else "wrong"
