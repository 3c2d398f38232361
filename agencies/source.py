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
from agencies.yaml_tree import MAX_BYTES, Path, Position, Tree, decode, read_tree

__all__ = ["Fault", "FileFaults", "FileModel", "Path", "Position", "Source", "did_you_mean", "load"]

M = TypeVar("M", bound=BaseModel)


class FileModel(BaseModel):
    """Base of every model of a file's part: unknown keys are errors, and what was loaded does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source:
    """One file as read: plain data (dicts, lists, strings) that still knows where each part is written."""

    def __init__(self, file: str, tree: Tree) -> None:
        self.file = file
        self._tree = tree

    @classmethod
    def read(cls, path: pathlib.Path) -> Source:
        """Read a file. Raises `FileFaults` when it cannot be read as YAML at all."""
        try:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise FileFaults([Fault(str(path), 1, 1, "unreadable", f"cannot be read: {reason}")]) from error
        return cls.parse(decode(raw, str(path)), str(path))

    @classmethod
    def parse(cls, text: str, file: str) -> Source:
        """The same for text at hand; `file` is only the name that faults carry."""
        return cls(file, read_tree(text, file))

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
            faults += model_faults.faults_of_model(error, model, self._tree, self.file)
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
        line, column = self.key_position(path) if of_key else self.position(path)
        return Fault(self.file, line, column, code, f"{model_faults.said(path)}: {text}")


def load(path: pathlib.Path, model: type[M]) -> M:
    """The file as `model` (a pydantic model with `extra="forbid"`, see `FileModel`). Raises `FileFaults`."""
    return Source.read(path).typed(model)
