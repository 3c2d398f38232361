"""Case: what an organisation's own system keeps for a message."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.live_state import ASKED, LiveState, ask_live
from schema.organisation import Organisation
from schema.plan.declare import shows, stored
from schema.relay import Node
from store.tables import CaseRow


@stored(CaseRow)
@strawberry.type(description="The case that an organisation keeps for a message in its own system.")
class Case(Node):
    case_id: str = strawberry.field(description="The organisation's own number of the case.")
    organisation: Organisation = strawberry.field(description="The organisation that keeps it.")
    foreign_code: str | None = strawberry.field(description="The state of the case in the organisation's own code.")
    live: LiveState | None = strawberry.field(
        resolver=ask_live,
        description="How the case stands in the organisation's own system now, asked while you wait: up to 3 s. A silent organisation is no "
        "error; then this is the last known state. Null only when the service itself fails.",
        metadata=shows(ASKED),
    )
    created_at: datetime = strawberry.field(description="When the service learnt of the case.")
