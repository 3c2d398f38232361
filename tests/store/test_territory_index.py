"""A point to its territory: one answer for every point, none outside, and clear words for files that cannot be used."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from domain.bilingual import Bilingual
from domain.territory import Point, Territories, Territory, TerritoryKind
from store.territory_index import BadOutlines, TerritoryIndex

CONFIG = Path(__file__).parents[2] / "config" / "territories"
SQUARE = [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [0.0, 0.0]]


def feature(oktmo: object, ring: list[list[float]], kind: str = "Polygon") -> dict[str, object]:
    coordinates: list[object] = [ring] if kind == "Polygon" else [[ring]]
    return {
        "type": "Feature",
        "properties": {"oktmo": oktmo},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def square(left: float, bottom: float, side: float) -> list[list[float]]:
    return [[left + x * side / 10, bottom + y * side / 10] for x, y in SQUARE]


def write(folder: Path, *features: dict[str, object], name: str = "a.geojson") -> Path:
    (folder / name).write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), "utf-8")
    return folder


@pytest.fixture(scope="module")
def kaluga() -> TerritoryIndex:
    return TerritoryIndex.load(CONFIG)


def test_the_centre_of_kaluga_and_of_obninsk_are_in_their_cities(kaluga: TerritoryIndex) -> None:
    assert kaluga.at(54.5136, 36.2614) == "29701000"
    assert kaluga.at(55.0968, 36.6101) == "29715000"
    assert len(kaluga.codes_with_outlines) == 26


@pytest.mark.parametrize(("lat", "lon"), [(51.7304, 36.1926), (55.7558, 37.6173), (0.0, 0.0), (36.26, 54.51)])
def test_a_point_outside_every_outline_is_in_no_territory(kaluga: TerritoryIndex, lat: float, lon: float) -> None:
    assert kaluga.at(lat, lon) is None


@pytest.mark.parametrize(("lat", "lon"), [(91.0, 0.0), (0.0, 181.0), (math.nan, 36.0), (54.0, math.inf)])
def test_a_point_that_is_no_place_is_an_error(kaluga: TerritoryIndex, lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match="must be a number from"):
        kaluga.at(lat, lon)


def test_on_a_common_border_the_answer_does_not_depend_on_the_order_of_the_file(tmp_path: Path) -> None:
    west, east = feature("10000001", square(0, 0, 10)), feature("10000002", square(10, 0, 10))
    for number, features in enumerate([(west, east), (east, west)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        index = TerritoryIndex.load(write(folder, *features))
        assert index.at(5.0, 10.0) == "10000001"  # on the border of equals the lower code wins
        assert (index.at(5.0, 9.99), index.at(5.0, 10.01)) == ("10000001", "10000002")
        assert index.at(0.0, 0.0) == "10000001"  # a corner belongs to its territory


def test_a_town_inside_a_district_wins_over_it(tmp_path: Path) -> None:
    district, town = feature("10000001", square(0, 0, 10)), feature("10000009", square(4, 4, 1), "MultiPolygon")
    index = TerritoryIndex.load(write(tmp_path, district, town))
    assert index.at(4.5, 4.5) == "10000009"
    assert index.at(4.0, 4.0) == "10000009"
    assert index.at(3.0, 3.0) == "10000001"


def test_aliases_are_known_when_the_territories_are_given(tmp_path: Path) -> None:
    name = Bilingual("Имя", "Name")
    point = Point(5.0, 5.0)
    territories = Territories(
        (Territory("10000001", name, TerritoryKind.REGION, None, point, ("20000001",)),)
    )  # fmt: skip
    index = TerritoryIndex.load(write(tmp_path, feature("20000001", SQUARE)), territories)
    assert index.at(5.0, 5.0) == "10000001"
    assert index.resolve("20000001") == index.resolve("10000001") == "10000001"
    assert index.resolve("30000001") is None


def test_a_folder_without_outlines_answers_none(tmp_path: Path) -> None:
    assert TerritoryIndex.load(tmp_path).at(54.5, 36.2) is None


BOWTIE = [[0.0, 0.0], [10.0, 10.0], [10.0, 0.0], [0.0, 10.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([feature("10000001", SQUARE), feature("10000001", SQUARE)], "second outline"),
        ([feature("10000001", BOWTIE)], "repair its outline"),
        ([feature("10000001", square(6_000_000, 0, 10))], "WGS 84"),
        ([feature(None, SQUARE)], "not in territories.yaml"),
        ([{"type": "Feature", "properties": {}, "geometry": None}], "needs `properties.oktmo`"),
        ([{"type": "Feature", "properties": {"oktmo": "1"}, "geometry": {"type": "Blob"}}], "needs `properties.oktmo`"),
        (
            [{"type": "Feature", "properties": {"oktmo": "10000001"}, "geometry": {"type": "Point", "coordinates": [1, 1]}}],
            "valid Polygon",
        ),
    ],
)  # fmt: skip
def test_an_outline_that_cannot_be_used_is_named(tmp_path: Path, features: list[dict[str, object]], words: str) -> None:
    with pytest.raises(BadOutlines, match=words):
        TerritoryIndex.load(write(tmp_path, *features))


@pytest.mark.parametrize("text", ["", "[]", '{"features": 5}', '{"a": 1}', "{"])
def test_a_file_that_is_no_feature_collection_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.geojson").write_text(text)
    with pytest.raises(BadOutlines, match=r"b\.geojson.*FeatureCollection"):
        TerritoryIndex.load(tmp_path)
