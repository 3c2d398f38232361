"""Case: what an organisation's own system keeps for a message."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.organisation import Organisation
from schema.plan.declare import stored
from schema.relay import Node
from store.tables import CaseRow


@stored(CaseRow)
@strawberry.type(description="The case that an organisation keeps for a message in its own system.")
class Case(Node):
    case_id: str = strawberry.field(description="The organisation's own number of the case.")
    organisation: Organisation = strawberry.field(description="The organisation that keeps it.")
    foreign_code: str | None = strawberry.field(description="The state of the case in the organisation's own code.")
    created_at: datetime = strawberry.field(description="When the service learnt of the case.")
