"""Which agencies are left alone for a while, by an operator's word and without a deploy (Q42)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import NOW, Base


class PauseRow(Base):
    """One direction of one agency is paused: `sending` of deliveries, or `reading` of feeds. A row that goes is the end of it."""

    __tablename__ = "agency_pause"
    __table_args__ = (CheckConstraint("direction IN ('sending', 'reading')", name="direction"),)
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"), primary_key=True)
    direction: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    since: Mapped[datetime] = mapped_column(server_default=NOW)
