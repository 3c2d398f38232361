"""Person: somebody who wrote a message, for those who may know."""

from __future__ import annotations

import strawberry

from schema.plan.declare import stored
from schema.relay import Node
from store.tables import PersonRow


@stored(PersonRow)
@strawberry.type(description="Somebody who has signed in. What they are called stays with those who vouch for them.")
class Person(Node):
    issuer: str = strawberry.field(description="Who vouches for the person: the address of the sign-in service.")
