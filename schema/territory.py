"""Territory: a region or municipality."""

from __future__ import annotations

import strawberry

from schema.arguments import InLanguage
from schema.enums import Language, TerritoryKind
from schema.fields import field
from schema.plan.declare import Column, planned, shows, stored, words
from schema.plan.names import in_capitals
from schema.relay import Node
from store.tables import TerritoryRow


@stored(TerritoryRow)
@strawberry.type(description="A region or a municipality.")
class Territory(Node):
    code: str = strawberry.field(description="Its OKTMO code, eight digits.")
    kind: TerritoryKind = strawberry.field(
        description="What it is.", metadata=shows(Column(in_capitals("kind"), sure="ck_territory_kind"))
    )
    parent: Territory | None = strawberry.field(description="The territory it lies in; null for a region.")

    @field("Its name.", words("name"))
    def name(self, language: InLanguage = Language.RU) -> str:
        planned()
