"""Organisation: a public body that messages go to."""

from __future__ import annotations

import strawberry

from schema.arguments import InLanguage
from schema.enums import Language, OrganisationKind, OrganisationLevel
from schema.fields import field
from schema.plan.declare import Column, planned, shows, stored, words
from schema.plan.names import in_capitals
from schema.relay import Node
from schema.territory import Territory
from store.tables import OrganisationRow


@stored(OrganisationRow)
@strawberry.type(description="A public body, institution or contractor that can be responsible for a message.")
class Organisation(Node):
    code: str = strawberry.field(description="Its short code, used as an argument elsewhere.")
    kind: OrganisationKind = strawberry.field(
        description="What it is in law.", metadata=shows(Column(in_capitals("kind")))
    )
    level: OrganisationLevel = strawberry.field(
        description="Where it stands.", metadata=shows(Column(in_capitals("level")))
    )
    parent: Organisation | None = strawberry.field(description="The organisation above it.")
    territory: Territory | None = strawberry.field(description="The territory it serves.")
    timezone: str = strawberry.field(description="The name of its time zone; its deadlines end at midnight there.")
    has_system: bool = strawberry.field(
        description="Whether its own case system is connected. Without one its people work on the built-in desk."
    )

    @field("Its name.", words("name"))
    def name(self, language: InLanguage = Language.RU) -> str:
        planned()
