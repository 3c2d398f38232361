"""Territories and organisations: codes, aliases, and the way up."""

from __future__ import annotations

import math

import pytest

from domain.bilingual import Bilingual
from domain.organisation import Organisation, OrganisationKind, OrganisationLevel, Organisations
from domain.territory import Point, Territories, Territory, TerritoryKind

NAME = Bilingual("Имя", "Name")


def territory(code: str, parent: str | None = None, *aliases: str) -> Territory:
    return Territory(code, NAME, TerritoryKind.URBAN_OKRUG, parent, Point(54.5, 36.2), aliases)


def organisation(code: str, parent: str | None = None) -> Organisation:
    kind, level = OrganisationKind.EXECUTIVE_BODY, OrganisationLevel.REGIONAL
    return Organisation(code, NAME, kind, level, parent, "29000000", "Europe/Moscow")


TERRITORIES = Territories((territory("29000000"), territory("29606000", "29000000", "29506000")))


def test_an_alias_leads_to_the_code_in_use() -> None:
    assert TERRITORIES.resolve("29506000") == TERRITORIES.resolve("29606000") == "29606000"
    assert TERRITORIES.get("29506000") is TERRITORIES.get("29606000")
    assert TERRITORIES.resolve("11111111") is None
    assert TERRITORIES.get("11111111") is None


def test_a_chain_goes_from_the_territory_up_to_its_region() -> None:
    assert TERRITORIES.chain("29506000") == ("29606000", "29000000")
    assert TERRITORIES.chain("29000000") == ("29000000",)
    assert TERRITORIES.chain("11111111") == ()


@pytest.mark.parametrize("code", ["", "2960600", "296060000", "2960600a", "２９６０６０００", "29 06000"])
def test_a_territory_code_is_eight_digits(code: str) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        territory(code)


def test_broken_trees_of_territories_are_refused() -> None:
    with pytest.raises(ValueError, match="belongs to"):
        Territories((territory("29000000"), territory("29606000", "29000000", "29000000")))
    with pytest.raises(ValueError, match="unknown parent"):
        Territories((territory("29606000", "29000000"),))
    with pytest.raises(ValueError, match="own ancestor"):
        Territories((territory("29000000", "29606000"), territory("29606000", "29000000")))


@pytest.mark.parametrize(
    ("lat", "lon"), [(90.1, 0.0), (-90.1, 0.0), (0.0, 180.1), (0.0, -180.1), (math.nan, 0.0), (0.0, math.inf)]
)
def test_a_point_that_is_no_place_is_refused_by_the_name_of_the_field(lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match=r"^(lat|lon) must be a number from"):
        Point(lat, lon)


def test_a_superior_knows_its_subordinates_and_they_know_the_way_up() -> None:
    tree = Organisations((organisation("government"), organisation("ministry", "government")))
    assert [one.code for one in tree.subordinates("government")] == ["ministry"]
    assert tree.chain("ministry") == ("ministry", "government")
    assert tree.chain("absent") == ()
    assert tree.get("absent") is None


def test_broken_trees_of_organisations_are_refused() -> None:
    with pytest.raises(ValueError, match="occurs twice"):
        Organisations((organisation("a"), organisation("a")))
    with pytest.raises(ValueError, match="unknown parent"):
        Organisations((organisation("a", "b"),))
    with pytest.raises(ValueError, match="own superior"):
        Organisations((organisation("a", "b"), organisation("b", "a")))
