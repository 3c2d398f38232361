"""A message, what happened to it, its cases at agencies, its answers and the citizen's verdicts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.event import EventKind
from domain.message import CategorySource, Channel, PlaceSource, Priority, Regime, Resolution
from domain.status import Mover, Status
from store.tables.base import NOW, Base, stored
from store.tables.delivery import DeliveryRow
from store.tables.registry import CategoryRow, OrganisationRow, PersonRow, TerritoryRow
from store.types import XID8

WORDS = (
    "setweight(to_tsvector('russian'::regconfig, translate(text, 'ёЁ', 'еЕ')), 'A')"
    " || setweight(to_tsvector('russian'::regconfig, translate(COALESCE(address, ''), 'ёЁ', 'еЕ')), 'B')"
)
"""The words of a message, with those of its address behind them. Е stands for Ё, which people write as they like."""


def folded_address(address: ColumnElement[Any]) -> ColumnElement[str]:
    """The expression under which addresses are indexed."""
    return func.translate(address, literal_column("'ёЁ'"), literal_column("'еЕ'"))


class MessageRow(Base):
    """A citizen's message as it stands now. How it came here is in `event`."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_person_received", "person_id", "received_at", "id"),
        Index("ix_message_organisation_received", "organisation_code", "received_at", "id"),
        # Nothing here names a column that a change of status writes: such a change then touches none of these indexes.
        Index("ix_message_received", "received_at", "id"),
        Index("ix_message_organisation_deadline", "organisation_code", "deadline_on", "id"),
        Index("ix_message_words", "words", postgresql_using="gin"),
        Index(
            "ix_message_address",
            literal_column("translate(address, 'ёЁ'::text, 'еЕ'::text)").label("folded"),
            postgresql_using="gin",
            postgresql_ops={"folded": "gin_trgm_ops"},
        ),
        Index("ix_message_point", sql("point(longitude, latitude)"), postgresql_using="gist"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="whole_point"),
        # NaN and infinity are values of a double but not of JSON, and a reader of JSON would meet them as text.
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
        CheckConstraint("accuracy_m BETWEEN 0 AND 100000", name="accuracy"),
        CheckConstraint(
            "(route_rule IS NULL) = (route_reason_ru IS NULL) AND (route_rule IS NULL) = (route_reason_en IS NULL)",
            name="whole_route",
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    regime: Mapped[Regime]
    channel: Mapped[Channel]
    category_code: Mapped[str | None] = mapped_column(ForeignKey("category.code"))
    category_source: Mapped[CategorySource | None]
    category_confidence: Mapped[float | None]
    rubricator_version: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    place_source: Mapped[PlaceSource | None]
    address: Mapped[str | None]
    territory_code: Mapped[str | None] = mapped_column(ForeignKey("territory.code"))
    organisation_code: Mapped[str | None] = mapped_column(ForeignKey("organisation.code"))
    chosen_organisation_code: Mapped[str | None] = mapped_column(ForeignKey("organisation.code"))
    route_rule: Mapped[str | None]
    route_reason_ru: Mapped[str | None]
    route_reason_en: Mapped[str | None]
    route_warning_ru: Mapped[str | None]
    route_warning_en: Mapped[str | None]
    status: Mapped[Status]
    status_since: Mapped[datetime]
    round: Mapped[int] = mapped_column(SmallInteger, server_default=sql("1"))
    priority: Mapped[Priority] = mapped_column(server_default=sql("'USUAL'"))
    received_at: Mapped[datetime]
    deadline_on: Mapped[date]
    deadline_rule: Mapped[str]
    words: Mapped[str] = mapped_column(TSVECTOR, Computed(WORDS, persisted=True))
    """What full-text search finds the message by."""

    person: Mapped[PersonRow] = relationship(lazy="raise")
    category: Mapped[CategoryRow | None] = relationship(lazy="raise")
    territory: Mapped[TerritoryRow | None] = relationship(lazy="raise")
    organisation: Mapped[OrganisationRow | None] = relationship(lazy="raise", foreign_keys=[organisation_code])
    events: Mapped[list[EventRow]] = relationship(lazy="raise", order_by="EventRow.id", back_populates="message")
    answers: Mapped[list[AnswerRow]] = relationship(
        lazy="raise", order_by="AnswerRow.version", back_populates="message"
    )
    attachments: Mapped[list[AttachmentRow]] = relationship(
        lazy="raise", order_by="AttachmentRow.position", back_populates="message"
    )
    cases: Mapped[list[CaseRow]] = relationship(lazy="raise", order_by="CaseRow.id", back_populates="message")
    deliveries: Mapped[list[DeliveryRow]] = relationship(lazy="raise", order_by=DeliveryRow.position)


class EventRow(Base):
    """What happened to a message, for ever. A move the table refused stands here with `applied` false and the reason.

    `tx` lets a reader follow the log by cursor without missing a transaction that commits late. `event_key` is the agency's (or a digest): the
    unique index makes a repeated webhook or feed item a no-op (P8).
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_message", "message_id", "id"),
        Index("ix_event_tx", "tx", "id"),
        Index(
            "uq_event_foreign",
            "organisation_code",
            "event_key",
            unique=True,
            postgresql_where=sql("event_key IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tx: Mapped[str] = mapped_column(XID8(), server_default=sql("pg_current_xact_id()"))
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"))
    kind: Mapped[EventKind]
    from_status: Mapped[Status | None] = mapped_column(stored(Status, "from_status"))
    to_status: Mapped[Status | None] = mapped_column(stored(Status, "to_status"))
    applied: Mapped[bool] = mapped_column(server_default=sql("true"))
    reason: Mapped[str | None]
    actor: Mapped[Mover]
    organisation_code: Mapped[str | None] = mapped_column(ForeignKey("organisation.code"))
    foreign_code: Mapped[str | None]
    event_key: Mapped[str | None]
    note: Mapped[str | None]
    note_is_public: Mapped[bool] = mapped_column(server_default=sql("false"))
    occurred_at: Mapped[datetime | None]
    observed_at: Mapped[datetime] = mapped_column(server_default=NOW)

    message: Mapped[MessageRow] = relationship(lazy="raise", back_populates="events")
    organisation: Mapped[OrganisationRow | None] = relationship(lazy="raise")


class AttachmentRow(Base):
    """A file a citizen gave with a message. Its place and time come from the photo itself and stay on the server (A-069)."""

    __tablename__ = "attachment"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"), index=True)
    position: Mapped[int | None] = mapped_column(SmallInteger)
    delivery_id: Mapped[UUID | None] = mapped_column(ForeignKey("delivery.id"))
    """The delivery that brings a file which was added later; without one it goes with the message itself."""
    file_name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    taken_at: Mapped[datetime | None]
    uploaded_at: Mapped[datetime] = mapped_column(server_default=NOW)

    message: Mapped[MessageRow | None] = relationship(lazy="raise", back_populates="attachments")


class IdempotencyRow(Base):
    """One key of one person, and a digest of the words that came with it (P2)."""

    __tablename__ = "idempotency"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id", deferrable=True, initially="DEFERRED"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class CaseRow(Base):
    """The case an agency keeps for a message. `case_id` is theirs; `ids` holds every identifier they gave (Q9)."""

    __tablename__ = "agency_case"
    __table_args__ = (
        UniqueConstraint("organisation_code", "case_id"),
        UniqueConstraint("message_id", "organisation_code", "round"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"))
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"))
    round: Mapped[int] = mapped_column(SmallInteger)
    case_id: Mapped[str]
    ids: Mapped[dict[str, Any]]
    foreign_code: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    message: Mapped[MessageRow] = relationship(lazy="raise", back_populates="cases")
    organisation: Mapped[OrganisationRow] = relationship(lazy="raise")


class AnswerRow(Base):
    """One version of an answer. A later version never replaces the row of an earlier one."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("message_id", "version"),
        Index("ix_answer_organisation_observed", "organisation_code", "observed_at", "id"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"))
    version: Mapped[int] = mapped_column(SmallInteger)
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"))
    text: Mapped[str]
    decision: Mapped[str | None]
    responsible: Mapped[str | None]
    occurred_at: Mapped[datetime | None]
    observed_at: Mapped[datetime] = mapped_column(server_default=NOW)

    message: Mapped[MessageRow] = relationship(lazy="raise", back_populates="answers")
    organisation: Mapped[OrganisationRow] = relationship(lazy="raise")
    verdict: Mapped[VerdictRow | None] = relationship(lazy="raise", back_populates="answer", uselist=False)


class VerdictRow(Base):
    """The citizen's two ratings of one answer version. Never changes a status (P10)."""

    __tablename__ = "verdict"
    __table_args__ = (
        CheckConstraint("answer_rating BETWEEN 1 AND 5", name="answer_rating"),
        CheckConstraint("solution_rating BETWEEN 1 AND 5", name="solution_rating"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    answer_id: Mapped[UUID] = mapped_column(ForeignKey("answer.id"), unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    answer_rating: Mapped[int] = mapped_column(SmallInteger)
    solution_rating: Mapped[int] = mapped_column(SmallInteger)
    resolution: Mapped[Resolution]
    comment: Mapped[str | None]
    given_at: Mapped[datetime] = mapped_column(server_default=NOW)

    answer: Mapped[AnswerRow] = relationship(lazy="raise", back_populates="verdict")
