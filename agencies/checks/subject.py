"""What a rule gets to see, and where the expressions of a file stand.

Promises: every expression that the file writes is visited once, with the path it is written at and the names it may use.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

from agencies import model
from agencies.build_sending import PATH_EXPRESSION
from agencies.checks.scopes import Names, scope_at, with_own_names
from agencies.model_security import credential_names
from agencies.model_walk import Mark, Marked, marked
from agencies.source import Path, Source

__all__ = ["Names", "Place", "Subject"]


@dataclass(frozen=True)
class Subject:
    """One agency file under judgement. `folder` is the one it stands in; `categories` None means: do not judge categories."""

    source: Source
    file: model.AgencyFile
    folder: pathlib.Path
    categories: frozenset[str] | None = None

    def marked(self) -> tuple[Marked, ...]:
        """Every expression, request line, secret and text with variables of the file."""
        if "_marked" not in self.__dict__:
            object.__setattr__(self, "_marked", tuple(marked(self.file)))
        found: tuple[Marked, ...] = self.__dict__["_marked"]
        return found

    def places(self) -> tuple[Place, ...]:
        """Every expression of the file."""
        # Kept beside the fields: a dozen rules ask for it.
        if "_places" not in self.__dict__:
            object.__setattr__(self, "_places", tuple(_places(self)))
        found: tuple[Place, ...] = self.__dict__["_places"]
        return found

    def below(self, path: Path, name: str) -> pathlib.Path | None:
        """The real path of a file that the value at `path` names; None for one that lies not beside the naming file or below."""
        named_in = self.source.folder_of(path)
        folders: dict[pathlib.Path, pathlib.Path] = self.__dict__.setdefault("_folders", {})
        # Where a folder really is takes as long to find out as a sample to read.
        folder = folders.get(named_in) or folders.setdefault(named_in, named_in.resolve())
        found = (folder / name).resolve()
        return found if found.is_relative_to(folder) else None


@dataclass(frozen=True, slots=True)
class Place:
    """One expression: where it stands, its text, and what it may name. `of_reply`: any other root is a field of the reply."""

    path: Path
    text: str
    names: Names
    of_reply: bool = False

    @property
    def step(self) -> str:
        """The top key it stands under: `submit`, `status`, …"""
        return str(self.path[0])


def _places(subject: Subject) -> Iterator[Place]:
    credentials = credential_names(subject.file.connection.security)
    logging_in = {name: says for name, says in credentials.items() if name != "token"}
    made: dict[tuple[int, Path], Names] = {}
    for one in subject.marked():
        if one.mark is Mark.EXPRESSION:
            texts = [one.text]
        elif one.mark is Mark.REQUEST:
            texts = [match.group(1) for match in PATH_EXPRESSION.finditer(one.text)]
        else:
            continue
        scope = scope_at(one.path)
        is_login = one.path[:2] == ("connection", "security")
        # The rows of a table may name the same: there are as many answers as scopes, and these live as long as the program.
        place = id(scope), one.path[: 2 if is_login else 1]
        if place not in made:
            known = logging_in if is_login else credentials
            names = scope.names if scope.of_reply or not known else {**scope.names, "credentials": known}
            made[place] = with_own_names(names, subject.file, str(one.path[0]))
        for text in texts:
            yield Place(one.path, text, made[place], scope.of_reply)
