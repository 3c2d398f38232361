"""Which territory a point lies in, from the outlines in `config/territories/*.geojson`.

Promises: one point has one answer, on every machine: where outlines overlap or touch, the smaller territory wins, then
the lower code. A point outside every outline is None. Nothing is read after loading.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from domain.territory import Point, Territories

_LARGEST_FILE_BYTES = 50_000_000


class BadOutlines(ValueError):
    """A GeoJSON file that cannot be used. The text names the file, the feature and the remedy."""


@dataclass(frozen=True)
class _Outline:
    code: str
    area: float  # in square degrees: only compared
    geometry: BaseGeometry


class TerritoryIndex:
    """Points to territory codes, and any code of a territory to the one in use."""

    def __init__(self, outlines: Iterable[_Outline], codes: dict[str, str]) -> None:
        # The order is the rule for overlaps and borders: the first of several candidates wins.
        self._outlines = sorted(outlines, key=lambda outline: (outline.area, outline.code))
        self._codes = codes
        self._tree = shapely.STRtree([outline.geometry for outline in self._outlines])

    @classmethod
    def load(cls, folder: Path, territories: Territories | None = None) -> TerritoryIndex:
        """Read every `*.geojson` of a folder. Raises `BadOutlines`.

        Each feature's `properties.oktmo` is the code it answers with; with `territories` it may be any of their codes or
        aliases, must be known, and `resolve` knows all of them too.
        """
        codes = {}
        if territories is not None:
            codes = {code: one.code for one in territories for code in (one.code, *one.aliases)}
        outlines: dict[str, _Outline] = {}
        for path in sorted(folder.glob("*.geojson")):
            for outline in _read(path, codes if territories is not None else None):
                if outline.code in outlines:
                    raise BadOutlines(f"{path}: territory {outline.code} has a second outline; use one MultiPolygon")
                outlines[outline.code] = outline
                codes.setdefault(outline.code, outline.code)
        return cls(outlines.values(), codes)

    @property
    def codes_with_outlines(self) -> frozenset[str]:
        """The territories that `at` can answer with."""
        return frozenset(outline.code for outline in self._outlines)

    def at(self, lat: float, lon: float) -> str | None:
        """The territory of a WGS 84 point in degrees, or None outside all. Raises `ValueError` when it is no place."""
        place = Point(lat, lon)
        candidates = self._tree.query(shapely.Point(place.lon, place.lat), predicate="intersects")
        return self._outlines[int(candidates.min())].code if len(candidates) else None

    def resolve(self, code_or_alias: str) -> str | None:
        """The code in use for a code or alias, or None when it is unknown."""
        return self._codes.get(code_or_alias)


def _read(path: Path, known: dict[str, str] | None) -> Iterable[_Outline]:
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise BadOutlines(f"{path}: is larger than {_LARGEST_FILE_BYTES:,} bytes; simplify the outlines")
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        numbered = list(enumerate(features, 1))
    except (ValueError, KeyError, TypeError) as error:
        raise BadOutlines(f"{path}: is not a GeoJSON FeatureCollection; export it as one") from error
    for number, feature in numbered:
        yield _outline(feature, f"{path}: feature {number}", known)


def _outline(feature: Any, where: str, known: dict[str, str] | None) -> _Outline:  # noqa: ANN401 - JSON from a file
    try:
        written = feature["properties"]["oktmo"]
        geometry = shape(feature["geometry"])
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        raise BadOutlines(f"{where}: needs `properties.oktmo` and a Polygon or MultiPolygon `geometry`") from error
    code = written if known is None else known.get(written)
    if not isinstance(code, str):
        raise BadOutlines(f"{where}: the code {written!r} is not in territories.yaml; add the territory there")
    if geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty or not geometry.is_valid:
        raise BadOutlines(f"{where}: territory {code} needs a valid Polygon or MultiPolygon; repair its outline")
    west, south, east, north = geometry.bounds
    if not all(map(math.isfinite, geometry.bounds)) or west < -180 or east > 180 or south < -90 or north > 90:
        raise BadOutlines(f"{where}: territory {code} must be in WGS 84 degrees, longitude before latitude")
    shapely.prepare(geometry)
    return _Outline(code, geometry.area, geometry)
