"""Territories: the regions and municipalities a message can be about.

Promises: a territory is known by one code, its OKTMO of eight digits; the codes it has had or will have are aliases
that lead to the same territory; a chain from a territory upwards always ends at a region.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from domain.bilingual import Bilingual

_CODE = re.compile(r"[0-9]{8}")


class TerritoryKind(StrEnum):
    """What a territory is."""

    REGION = "region"
    MUNICIPAL_DISTRICT = "municipal-district"  # муниципальный район, lately often муниципальный округ
    URBAN_OKRUG = "urban-okrug"  # городской округ


@dataclass(frozen=True)
class Point:
    """A place on the earth, WGS 84 degrees. Raises `ValueError` when it is no place."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not -90 <= self.lat <= 90:  # also false for NaN
            raise ValueError(f"lat must be a number from -90 to 90, not {self.lat}")
        if not -180 <= self.lon <= 180:
            raise ValueError(f"lon must be a number from -180 to 180, not {self.lon}")


@dataclass(frozen=True)
class Territory:
    """A region or municipality. Raises `ValueError` when its code is not eight digits."""

    code: str
    name: Bilingual
    kind: TerritoryKind
    parent: str | None
    inner_point: Point
    aliases: tuple[str, ...] = ()
    source: str = ""
    """Where the code comes from; `memory` marks a code that nobody has verified yet."""

    def __post_init__(self) -> None:
        for code in (self.code, *self.aliases):
            if not _CODE.fullmatch(code):
                raise ValueError(f"territory code {code!r} must be the eight digits of an OKTMO")


@dataclass(frozen=True)
class Territories:
    """All territories of an installation. Raises `ValueError` for a code used twice, a missing parent or a circle."""

    all: tuple[Territory, ...]

    def __post_init__(self) -> None:
        owners: dict[str, str] = {}
        for territory in self.all:
            for code in (territory.code, *territory.aliases):
                if code in owners:
                    raise ValueError(f"code {code} belongs to {owners[code]} and to {territory.code}; keep one")
                owners[code] = territory.code
        for territory in self.all:
            if territory.parent is not None and territory.parent not in self._by_code:
                raise ValueError(f"territory {territory.code} has the unknown parent {territory.parent}")
            self.chain(territory.code)

    @cached_property
    def _by_code(self) -> dict[str, Territory]:
        return {territory.code: territory for territory in self.all}

    @cached_property
    def _codes(self) -> dict[str, str]:
        return {code: one.code for one in self.all for code in (one.code, *one.aliases)}

    def __iter__(self) -> Iterator[Territory]:
        return iter(self.all)

    def resolve(self, code_or_alias: str) -> str | None:
        """The code in use for a code or alias, or None when it is unknown."""
        return self._codes.get(code_or_alias)

    def get(self, code_or_alias: str) -> Territory | None:
        """The territory of a code or alias, or None when it is unknown."""
        return self._by_code.get(self._codes.get(code_or_alias, ""))

    def chain(self, code_or_alias: str) -> tuple[str, ...]:
        """The codes from a territory up to its region, itself first; empty when it is unknown."""
        chain: list[str] = []
        territory = self.get(code_or_alias)
        while territory is not None:
            if territory.code in chain:
                raise ValueError(f"territory {territory.code} is its own ancestor")
            chain.append(territory.code)
            territory = self._by_code.get(territory.parent) if territory.parent else None
        return tuple(chain)
