"""Event: one line of a message's history."""

from __future__ import annotations

from datetime import datetime

import strawberry
from sqlalchemy import case

from domain.event import EventKind
from domain.status import Status
from schema.organisation import Organisation
from schema.plan.declare import Column, shows, stored
from store.tables import EventRow


@stored(EventRow)
@strawberry.type(description="Something that happened to a message. The history is never changed, only added to.")
class Event:
    kind: EventKind = strawberry.field(description="What kind of thing happened.")
    from_status: Status | None = strawberry.field(description="Where the message stood before a move.")
    to_status: Status | None = strawberry.field(description="Where the move led, or would have led.")
    applied: bool = strawberry.field(
        description="Whether the move took place. A move that came late or twice is recorded only."
    )
    reason: str | None = strawberry.field(description="Why a move was not applied.")
    at: datetime = strawberry.field(
        description="When the service saw it.", metadata=shows(Column(lambda table: table.c.observed_at))
    )
    occurred_at: datetime | None = strawberry.field(description="When it happened, as the organisation says.")
    organisation: Organisation | None = strawberry.field(description="The organisation concerned.")
    note: str | None = strawberry.field(
        description="What was written: by the citizen, or by the organisation where it is meant for the citizen.",
        metadata=shows(Column(lambda table: case((table.c.note_is_public, table.c.note)))),
    )
