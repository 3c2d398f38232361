"""The ledger: deliveries, their finished steps and attempts, and the turns of agencies.

A delivery is domain data, not a queue payload: operators query it and the citizen sees it. `turn` is the truth about who may work for an
agency now: `lease_until` gives exclusivity, `epoch` is the fencing number every write of a turn's holder must carry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.delivery import DeliveryState, Purpose
from domain.outcome import OutcomeKind
from store.tables.base import NOW, Base
from store.tables.registry import OrganisationRow

_MOVABLE = sql("state IN ('READY', 'IN_FLIGHT', 'LOOKING_UP')")


class DeliveryRow(Base):
    """Our duty to bring one thing to one body. Per message and body only the head (lowest open position) is worked on (P5)."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index("ix_delivery_due", "organisation_code", "next_attempt_at", "id", postgresql_where=_MOVABLE),
        Index(
            "ix_delivery_waiting",
            "state",
            "waits_since",
            postgresql_where=sql("state IN ('WAITS_FOR_PERSON', 'ON_DESK')"),
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id", deferrable=True, initially="DEFERRED"))
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"))
    purpose: Mapped[Purpose]
    body: Mapped[dict[str, Any] | None]
    """What a wish says: the words of a comment, the reason of a reopening, a priority."""
    position: Mapped[int] = mapped_column(SmallInteger)
    round: Mapped[int] = mapped_column(SmallInteger, server_default=sql("1"))
    state: Mapped[DeliveryState]
    attempts: Mapped[int] = mapped_column(server_default=sql("0"))
    next_attempt_at: Mapped[datetime | None]
    first_attempt_at: Mapped[datetime | None]
    waits_since: Mapped[datetime | None]
    owner: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    finished_at: Mapped[datetime | None]

    organisation: Mapped[OrganisationRow] = relationship(lazy="raise")
    attempt_rows: Mapped[list[AttemptRow]] = relationship(lazy="raise", order_by="AttemptRow.number")
    steps: Mapped[list[DeliveryStepRow]] = relationship(lazy="raise")


class DeliveryStepRow(Base):
    """A step that is done and will never be repeated, with what the agency said to it."""

    __tablename__ = "delivery_step"
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    result: Mapped[dict[str, Any]]
    finished_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AttemptRow(Base):
    """One call for one step. Written before the call: a row without `finished_at` is a call whose answer nobody saw."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("delivery_id", "number"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("delivery.id"))
    number: Mapped[int]
    step: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    finished_at: Mapped[datetime | None]
    outcome: Mapped[OutcomeKind | None]
    text: Mapped[str | None]
    foreign_code: Mapped[str | None]
    http_status: Mapped[int | None]
    request_extract: Mapped[str | None]
    reply_extract: Mapped[str | None]


class TurnRow(Base):
    """When an agency next needs attention, and who is giving it now. One row per connected agency."""

    __tablename__ = "turn"
    __table_args__ = (Index("ix_turn_due", "due_at"),)
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"), primary_key=True)
    due_at: Mapped[datetime]
    poll_due_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    last_failure: Mapped[str | None]
