"""Category: what a message can be about."""

from __future__ import annotations

import strawberry
from sqlalchemy import ColumnElement, FromClause

from schema.arguments import InLanguage
from schema.enums import Language
from schema.fields import field
from schema.plan.declare import Link, planned, shows, stored, words
from schema.relay import Node
from store.tables import CategoryRow


def in_use(table: FromClause) -> ColumnElement[bool]:
    """Retired rows stay for the messages that name them and are not offered to new ones."""
    return ~table.c.retired


@stored(CategoryRow)
@strawberry.type(description="A branch of the rubricator, or a topic inside a branch. Messages are filed under topics.")
class Category(Node):
    code: str = strawberry.field(description="Its code: `roads` for a branch, `roads/pothole` for a topic.")
    parent: Category | None = strawberry.field(description="The branch of a topic; null for a branch.")
    children: list[Category] = strawberry.field(
        description="The topics inside a branch, in their order; empty for a topic.",
        metadata=shows(Link("children", in_use)),
    )

    @field("Its name.", words("name"))
    def name(self, language: InLanguage = Language.RU) -> str:
        planned()
