"""The one YAML loader for every file under `config/`.

Promises: every scalar arrives as a string (so `0412` and `NO` stay text) and the model types it; one pass reports every
fault it can see, each with file, line and column; what makes YAML surprising is refused (anchors, aliases, tags,
directives, duplicate keys, several documents, tabs, byte order marks, > 1 MB, > 40 levels). A caller with further
checks asks its `Source` for the place of a path and makes its own `Fault` there:

    source = Source.read(path)
    file = source.typed(AgencyFile)
    faults.append(source.fault(("submit", "send", "case.Kind"), "unknown-element", "the WSDL has no `case.Kind`"))
"""

from __future__ import annotations

import pathlib
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agencies import model_faults
from agencies.fault import Fault, FileFaults, did_you_mean
from agencies.yaml_tree import MAX_BYTES, Elsewhere, Path, Position, Tree, decode, read_tree

__all__ = ["Fault", "FileFaults", "FileModel", "Path", "Position", "Source", "did_you_mean", "load", "raw_of"]

M = TypeVar("M", bound=BaseModel)
_MOST_FILES_BYTES = 65_536
"""Most files are smaller."""


class FileModel(BaseModel):
    """Base of every model of a file's part: unknown keys are errors, and what was loaded does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source:
    """One file as read: plain data (dicts, lists, strings) that still knows where each part is written."""

    def __init__(self, file: str, tree: Tree, text: str | None = None) -> None:
        self.file = file
        self._tree = tree
        self._text = text

    @classmethod
    def read(cls, path: pathlib.Path) -> Source:
        """Read a file. Raises `FileFaults` when it cannot be read as YAML at all."""
        return cls.parse(decode(raw_of(path), str(path)), str(path))

    @classmethod
    def parse(cls, text: str, file: str) -> Source:
        """The same for text at hand; `file` is only the name that faults carry."""
        return cls(file, read_tree(text, file), text)

    def may_hold(self, words: str) -> bool:
        """False only where the words certainly stand nowhere in the file: a cheap look before a walk."""
        return self._text is None or words in self._text

    @property
    def tree(self) -> Tree:
        """The data with every place in it."""
        return self._tree

    @property
    def data(self) -> object:
        """Dicts, lists and strings. `faults` may be non-empty: `typed` refuses then, a direct reader must look."""
        return self._tree.data

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was refused in the YAML itself and still left the rest readable."""
        return tuple(self._tree.faults)

    def typed(self, model: type[M]) -> M:
        """The data as `model`. Raises `FileFaults` with the faults of the YAML and of the model together."""
        faults = list(self._tree.faults)
        try:
            loaded = model.model_validate(self._tree.data)
        except ValidationError as error:
            # What YAML refused already has no sound value: the model's word on it would be an echo.
            places = {(one.line, one.column) for one in faults}
            found = model_faults.faults_of_model(error, model, self._tree, self.file)
            faults += [one for one in found if one.file != self.file or (one.line, one.column) not in places]
            raise FileFaults(faults) from error
        if faults:
            raise FileFaults(faults)
        return loaded

    def position(self, path: Path) -> Position:
        """Where the value at `path` begins; for a path the file lacks, its nearest parent. Never raises."""
        return model_faults.position(self._tree, path)

    def key_position(self, path: Path) -> Position:
        """Where the key at the end of `path` is written; for a list item, where the item begins."""
        return model_faults.position(self._tree, path, of_key=True)

    def at(self, path: Path) -> object:
        """The data at `path`. Raises `KeyError`, `IndexError` or `TypeError` when it is not there."""
        return model_faults.at(self._tree.data, path)

    def fault(self, path: Path, code: str, text: str, *, of_key: bool = False) -> Fault:
        """A fault of the value at `path` (or of its key), said as `` `path`: text``."""
        place = self.key_position(path) if of_key else self.position(path)
        return model_faults.fault_at(place, self.file, code, f"{model_faults.said(path)}: {text}")

    def folder_of(self, path: Path) -> pathlib.Path:
        """The folder of the file that says what stands at `path`: names of further files are meant from there."""
        place = self.position(path)
        return pathlib.Path(place.file if isinstance(place, Elsewhere) else self.file).parent


def raw_of(path: pathlib.Path) -> bytes:
    """The bytes of a file; of one that is too large one byte more than may be. Raises `FileFaults`."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_FILES_BYTES)
            # Room for the largest file costs more than to read an ordinary one.
            return raw + stream.read(MAX_BYTES + 1 - len(raw)) if len(raw) == _MOST_FILES_BYTES else raw
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FileFaults([Fault(str(path), 1, 1, "unreadable", f"cannot be read: {reason}")]) from error


def load(path: pathlib.Path, model: type[M]) -> M:
    """The file as `model` (a pydantic model with `extra="forbid"`, see `FileModel`). Raises `FileFaults`."""
    return Source.read(path).typed(model)
