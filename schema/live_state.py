"""LiveState: how a case stands in the organisation's own system at this moment, or the last that is known of it (A-135)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from domain.bilingual import Bilingual
from domain.status import Status
from schema.arguments import InLanguage
from schema.context import Context
from schema.enums import Language
from schema.fields import field
from schema.loaders.live_states import CaseSeen, live_states
from schema.plan.declare import Computed, RowValues

ASKED = Computed(("id", "organisation_code", "case_id"))


@strawberry.type(
    description="How a case stands in the organisation's own system now. Asking changes nothing: the status of the message moves only when "
    "the organisation reports a change."
)
class LiveState:
    state: str | None = strawberry.field(
        description="The state in the organisation's own code; null when it has told none."
    )
    status: Status | None = strawberry.field(
        description="The same in the words of the service; null when the code is not known, for it is never guessed."
    )
    note: str | None = strawberry.field(
        description="What the organisation remarks, where it is meant for the citizen. Plain text; it is not ours, so escape it."
    )
    at: datetime | None = strawberry.field(description="Since when it is so, as the organisation says.")
    asked_at: datetime | None = strawberry.field(
        description="When the organisation's system was asked, up to half a minute ago; null when it was not."
    )
    is_stale: bool = strawberry.field(
        description="Whether the system gave no answer, so that this is the last known state and not the present one."
    )
    as_of: datetime = strawberry.field(
        description="The moment for which this is known: of the answer, or, when stale, when the service saw the last known state."
    )
    because: strawberry.Private[Bilingual | None] = None

    @field("Why it is stale, in words; null when it is not.")
    def why(self, language: InLanguage = Language.RU) -> str | None:
        if self.because is None:
            return None
        return self.because.en if language is Language.EN else self.because.ru


async def ask_live(row: strawberry.Parent[RowValues], info: strawberry.Info[Context, None]) -> LiveState | None:
    """The resolver of `Case.live`. The plan has let the row through, so the viewer may see it."""
    seen = CaseSeen(UUID(row["id"]), row["organisation_code"], row["case_id"])
    found = await live_states(info.context).load(seen)
    if found is None:
        return None
    return LiveState(
        state=found.code,
        status=found.status,
        note=found.note,
        at=found.since,
        asked_at=found.asked_at,
        is_stale=found.why is not None,
        as_of=found.as_of,
        because=found.why,
    )
