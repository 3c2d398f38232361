"""What comes back from agencies, raw first: nothing an agency sends is interpreted before it is on disk (Q15)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import NOW, Base


class InboxRow(Base):
    """One raw body, from a webhook or a poll. `state`: new → done, or broken with a reason (it stays for a person and for replay).

    `items` holds a polled page's items as the wire read them; a webhook's are read from `raw`.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        CheckConstraint("source IN ('webhook', 'poll')", name="source"),
        CheckConstraint("state IN ('new', 'done', 'broken')", name="state"),
        Index("ix_inbox_new", "organisation_code", "id", postgresql_where=sql("state = 'new'")),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"))
    source: Mapped[str]
    raw: Mapped[bytes]
    items: Mapped[list[Any] | None]
    received_at: Mapped[datetime] = mapped_column(server_default=NOW)
    state: Mapped[str] = mapped_column(server_default=sql("'new'"))
    reason: Mapped[str | None]
    done_at: Mapped[datetime | None]


class HeldChangeRow(Base):
    """A change that cannot be applied yet: unknown code, a case not ours yet, or an unreadable item. Never guessed, never dropped."""

    __tablename__ = "held_change"
    __table_args__ = (
        UniqueConstraint("organisation_code", "event_key"),
        CheckConstraint("why IN ('unknown_code', 'unknown_case', 'unreadable')", name="why"),
        CheckConstraint("state IN ('held', 'applied', 'not_ours')", name="state"),
        Index("ix_held_change_held", "organisation_code", postgresql_where=sql("state = 'held'")),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"))
    inbox_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("inbox.id"))
    event_key: Mapped[str]
    case_id: Mapped[str | None]
    code: Mapped[str | None]
    change: Mapped[dict[str, Any]]
    why: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=sql("'held'"))
    held_since: Mapped[datetime] = mapped_column(server_default=NOW)


class FeedCursorRow(Base):
    """How far a feed has been read. Moves only in the transaction that stores what was read."""

    __tablename__ = "feed_cursor"
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"), primary_key=True)
    position: Mapped[dict[str, Any]]
    moved_at: Mapped[datetime] = mapped_column(server_default=NOW)
