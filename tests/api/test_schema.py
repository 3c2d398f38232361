"""The schema as frontends read it: described everywhere, and the same as the file in the repository."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, build_schema

from domain import organisation, territory
from schema import enums
from schema.export import schema_text
from schema.plan.catalogue import build_catalogue
from schema.plan.declare import stored
from store.scope import CITIZEN, visible
from store.tables import IdempotencyRow, RoleGrantRow, TerritoryRow


@stored(TerritoryRow)
@strawberry.type
class Village:
    """A type with a field that no table has."""

    population: int


@strawberry.type
class VillageQuery:
    village: Village | None = None


def _described(text: str) -> Iterator[tuple[str, str | None]]:
    """Everything in a schema that can have a description, and the description."""
    for name, kind in build_schema(text).type_map.items():
        if name.startswith("__") or name in {"String", "Int", "Float", "Boolean", "ID"}:
            continue
        yield name, kind.description
        parts: dict[str, Any] = {}
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            parts = dict(kind.fields)
        elif isinstance(kind, GraphQLEnumType):
            parts = dict(kind.values)
        for part, definition in parts.items():
            yield f"{name}.{part}", definition.description
            for argument, about in getattr(definition, "args", {}).items():
                yield f"{name}.{part}({argument})", about.description


def test_everything_in_the_schema_is_described() -> None:
    found = dict(_described(schema_text()))
    assert len(found) > 150
    assert [name for name, description in found.items() if not (description or "").strip()] == []


def test_the_file_in_the_repository_is_the_schema() -> None:
    path = Path(__file__).parents[2] / "schema.graphql"
    assert path.read_text() == schema_text(), "write it anew: python -m schema.export > schema.graphql"


def test_the_place_inside_a_photo_is_in_no_field() -> None:
    attachment = build_schema(schema_text()).type_map["Attachment"]
    assert isinstance(attachment, GraphQLObjectType)
    assert not {"latitude", "longitude", "takenAt", "point", "place"} & set(attachment.fields)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (enums.OrganisationKind, organisation.OrganisationKind),
        (enums.OrganisationLevel, organisation.OrganisationLevel),
        (enums.TerritoryKind, territory.TerritoryKind),
    ],
)
def test_every_word_of_the_reference_data_has_its_enum_value(ours: type[Enum], theirs: type[Enum]) -> None:
    assert {one.name for one in ours} == {one.value.upper().replace("-", "_") for one in theirs}


def test_a_stored_type_cannot_have_a_field_that_nobody_declared() -> None:
    with pytest.raises(TypeError, match=r"Village\.population"):
        build_catalogue(strawberry.Schema(VillageQuery)._schema)


@pytest.mark.parametrize("row", [RoleGrantRow, IdempotencyRow])
def test_a_table_that_nobody_thought_of_is_visible_to_nobody(row: Any) -> None:
    with pytest.raises(LookupError):
        visible(CITIZEN, row, row.__table__)
