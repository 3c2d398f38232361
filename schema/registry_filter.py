"""OrganisationFilter and TerritoryFilter: what the reference data can be looked for by, and what each field means in SQL."""

from __future__ import annotations

from collections.abc import Callable

import strawberry
from sqlalchemy import ColumnElement, FromClause, Text, select

from schema.enums import OrganisationKind, OrganisationLevel, TerritoryKind
from schema.plan.conditions import Condition, Filter, Given
from schema.plan.values import storable
from schema.searching import readable_words
from store.tables import OrganisationAboveRow, TerritoryAboveRow
from store.tables.registry import folded_names


@strawberry.input(
    description="Which organisations are wanted: those that meet all the conditions given. A field that is null or left out is no condition."
)
class OrganisationFilter:
    name: str | None = strawberry.field(
        description="Their name, Russian or English, resembles this; small mistakes are forgiven.", default=None
    )
    kind: OrganisationKind | None = strawberry.field(description="What they are in law.", default=None)
    level: OrganisationLevel | None = strawberry.field(description="Where they stand.", default=None)
    territory: str | None = strawberry.field(
        description="The code of a territory; those that serve one inside it are included.", default=None
    )
    below: str | None = strawberry.field(
        description="The code of an organisation; those below it, however far, without itself.", default=None
    )


@strawberry.input(
    description="Which territories are wanted: those that meet all the conditions given. A field that is null or left out is no condition."
)
class TerritoryFilter:
    name: str | None = strawberry.field(
        description="Their name, Russian or English, resembles this; small mistakes are forgiven.", default=None
    )
    kind: TerritoryKind | None = strawberry.field(description="What they are.", default=None)
    below: str | None = strawberry.field(
        description="The code of a territory; those inside it, without itself.", default=None
    )


def named(path: str) -> Callable[[FromClause, Given], ColumnElement[bool]]:
    """Rows whose names, in either language, resemble what is given under `path`."""

    def condition(table: FromClause, given: Given) -> ColumnElement[bool]:
        return given.bind(Text(), readable_words(path)).bool_op("<%")(folded_names(table))

    return condition


def _word(column: str) -> Condition:
    """The reference data writes small letters and hyphens where the schema has an enum."""
    return Condition(
        lambda table, given: table.c[column] == given.bind(Text(), lambda value: value.name.lower().replace("_", "-"))
    )


def _code(given: Given) -> ColumnElement[str]:
    return given.bind(Text(), lambda value: storable(f"filter.{given.name}", value))


def _serves(table: FromClause, given: Given) -> ColumnElement[bool]:
    inside = TerritoryAboveRow.__table__.alias()
    return table.c.territory_code.in_(select(inside.c.territory_code).where(inside.c.above_code == _code(given)))


def _below_organisation(table: FromClause, given: Given) -> ColumnElement[bool]:
    below = OrganisationAboveRow.__table__.alias()
    codes = select(below.c.organisation_code).where(below.c.above_code == _code(given), below.c.distance > 0)
    return table.c.code.in_(codes)


def _below_territory(table: FromClause, given: Given) -> ColumnElement[bool]:
    below = TerritoryAboveRow.__table__.alias()
    codes = select(below.c.territory_code).where(below.c.above_code == _code(given), below.c.distance > 0)
    return table.c.code.in_(codes)


ORGANISATION_FILTER = Filter(
    {
        "name": Condition(named("filter.name")),
        "kind": _word("kind"),
        "level": _word("level"),
        "territory": Condition(_serves),
        "below": Condition(_below_organisation),
    }
)
TERRITORY_FILTER = Filter(
    {"name": Condition(named("filter.name")), "kind": _word("kind"), "below": Condition(_below_territory)}
)
CATEGORY_NAMED = Condition(named("text"))
