"""Every table of Okno, as SQLAlchemy mapped classes. Rows only: no rules, no queries.

Keys: UUIDv7 made in Python for what people and agencies name, text codes for reference data, identity numbers for logs.
Time is always `timestamptz`: `occurred_at` is theirs, `observed_at` is ours. `event` is insert-only: a trigger refuses updates and deletes (P6).
"""

from store.tables.base import Base
from store.tables.delivery import AttemptRow, DeliveryRow, DeliveryStepRow, TurnRow
from store.tables.inbox import FeedCursorRow, HeldChangeRow, InboxRow, ListedCaseRow
from store.tables.message import AnswerRow, AttachmentRow, CaseRow, EventRow, IdempotencyRow, MessageRow, VerdictRow
from store.tables.pause import PauseRow
from store.tables.registry import (
    CategoryRow,
    OrganisationAboveRow,
    OrganisationRow,
    PersonRow,
    ReadVersionRow,
    RoleGrantRow,
    TerritoryAboveRow,
    TerritoryRow,
)
from store.tables.rendering import RENDERING_DUE, RenderedShapeRow, RenderingRow
from store.tables.statistics import (
    STATISTICS_ANSWERED,
    STATISTICS_CELL,
    STATISTICS_DAY,
    STATISTICS_DELTA,
    STATISTICS_OPEN,
    STATISTICS_OPEN_TOTAL,
    STATISTICS_ORGANISATION,
    STATISTICS_WEEK,
)

__all__ = [
    "RENDERING_DUE",
    "STATISTICS_ANSWERED",
    "STATISTICS_CELL",
    "STATISTICS_DAY",
    "STATISTICS_DELTA",
    "STATISTICS_OPEN",
    "STATISTICS_OPEN_TOTAL",
    "STATISTICS_ORGANISATION",
    "STATISTICS_WEEK",
    "AnswerRow",
    "AttachmentRow",
    "AttemptRow",
    "Base",
    "CaseRow",
    "CategoryRow",
    "DeliveryRow",
    "DeliveryStepRow",
    "EventRow",
    "FeedCursorRow",
    "HeldChangeRow",
    "IdempotencyRow",
    "InboxRow",
    "ListedCaseRow",
    "MessageRow",
    "OrganisationAboveRow",
    "OrganisationRow",
    "PauseRow",
    "PersonRow",
    "ReadVersionRow",
    "RenderedShapeRow",
    "RenderingRow",
    "RoleGrantRow",
    "TerritoryAboveRow",
    "TerritoryRow",
    "TurnRow",
    "VerdictRow",
]
