"""A mailbox that is a Maildir on this machine: a program of the mail system puts mail there, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from connectors.base import NotSent

_BAD_ID = ("/", "\\", "\0")


class Maildir:
    """The Maildir at `root`; read mail goes to its folder `archive`."""

    def __init__(self, root: Path, archive: str) -> None:
        self._root = root
        self._archive = root / f".{archive}"

    def fetch(self, at_most: int, largest: int) -> list[tuple[str, bytes | None]]:
        """Mail by name, oldest first; None for one that is larger than `largest` bytes. Raises NotSent."""
        try:
            found = sorted(
                (entry.stat().st_mtime, entry.name, entry.path)
                for folder in ("new", "cur")
                for entry in os.scandir(self._root / folder)
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")
            )[:at_most]
            return [(name, self._read(Path(path), largest)) for _, name, path in found]
        except OSError as error:
            raise NotSent(f"the Maildir cannot be read ({error.strerror or 'unknown'}): check `mail.inbox`") from error

    @staticmethod
    def _read(path: Path, largest: int) -> bytes | None:
        with path.open("rb") as file:
            content = file.read(largest + 1)
        return content if len(content) <= largest else None

    def set_aside(self, name: str) -> bool:
        """Move mail to the archive; False when it is in the mailbox no more. Raises NotSent."""
        if not name or name in (".", "..") or any(sign in name for sign in _BAD_ID):
            raise NotSent("headers.id: names no mail; write `item.id`")
        try:
            for folder in ("cur", "new", "tmp"):
                (self._archive / folder).mkdir(parents=True, exist_ok=True)
            for folder in ("new", "cur"):
                path = self._root / folder / name
                if path.exists():
                    path.rename(self._archive / "cur" / (name if ":2," in name else f"{name}:2,S"))
                    return True
        except OSError as error:
            raise NotSent(f"mail cannot be moved ({error.strerror or 'unknown'}): check our rights there") from error
        return False
