"""`config/territories/territories.yaml`: its shape, and the `Territories` it means.

Promises: every code and alias is used once, every parent is known, and a fault says where.
"""

from __future__ import annotations

import pathlib
from typing import Annotated

from pydantic import Field

from agencies.file_words import BilingualFile, Oktmo
from agencies.source import Fault, FileFaults, FileModel, Path, Source, did_you_mean
from domain.territory import Point, Territories, Territory, TerritoryKind


class TerritoryFile(FileModel):
    """One region or municipality. `point` is a place inside: latitude, longitude."""

    code: Oktmo
    name: BilingualFile
    kind: TerritoryKind
    parent: Oktmo | None = None
    point: tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
    aliases: tuple[Oktmo, ...] = ()
    source: Annotated[str, Field(min_length=1)]

    def territory(self) -> Territory:
        """The domain's word for it."""
        return Territory(
            self.code, self.name.bilingual(), self.kind, self.parent, Point(*self.point), self.aliases, self.source
        )


class TerritoriesFile(FileModel):
    """The whole file; a parent stands above its children."""

    territories: Annotated[tuple[TerritoryFile, ...], Field(min_length=1)]


def load_territories(path: pathlib.Path) -> Territories:
    """The territories. Raises `FileFaults`."""
    source = Source.read(path)
    file = source.typed(TerritoriesFile)
    faults: list[Fault] = []
    owners: dict[str, str] = {}
    for place, territory in enumerate(file.territories):
        at: Path = ("territories", place)
        for where, code in _codes(at, territory):
            if code in owners:
                faults.append(source.fault(where, "repeated-code", f"{code} already belongs to {owners[code]}"))
            owners.setdefault(code, territory.code)
        above = [other.code for other in file.territories[:place]]
        if territory.parent is not None and territory.parent not in above:
            text = f"no territory above has the code {territory.parent}.{did_you_mean(territory.parent, above)}"
            faults.append(source.fault((*at, "parent"), "unknown-territory", text))
    if faults:
        raise FileFaults(faults)
    return Territories(tuple(territory.territory() for territory in file.territories))


def _codes(at: Path, territory: TerritoryFile) -> list[tuple[Path, str]]:
    aliases: list[tuple[Path, str]] = [((*at, "aliases", n), alias) for n, alias in enumerate(territory.aliases)]
    return [((*at, "code"), territory.code), *aliases]
