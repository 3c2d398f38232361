"""What comes back from agencies, raw first: nothing an agency sends is interpreted before it is on disk (Q15)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import NOW, Base

_EMPTY = sql("''")
_NO_LIST = sql("'[]'::jsonb")


class InboxRow(Base):
    """One raw body, from a webhook, a poll or a question. `state`: new → done, or broken with a reason (it stays for a person and for replay).

    `items` holds a polled page's items as the wire read them; a webhook's are read from `raw`. `feed` names the feed that was polled, `''` the first.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        CheckConstraint("source IN ('webhook', 'poll', 'ask')", name="source"),
        CheckConstraint("state IN ('new', 'done', 'broken')", name="state"),
        Index("ix_inbox_new", "organisation_code", "id", postgresql_where=sql("state = 'new'")),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"))
    source: Mapped[str]
    feed: Mapped[str] = mapped_column(server_default=_EMPTY)
    raw: Mapped[bytes]
    items: Mapped[list[Any] | None]
    received_at: Mapped[datetime] = mapped_column(server_default=NOW)
    state: Mapped[str] = mapped_column(server_default=sql("'new'"))
    reason: Mapped[str | None]
    done_at: Mapped[datetime | None]


class HeldChangeRow(Base):
    """A change that cannot be applied yet. Never guessed, never dropped.

    `why`: an unknown code, a case not ours yet, an unreadable item, or a state that counts only once it has stood for a while (`due_at`).
    `tried_with` names the edition of the agency's file it was last read with: a mended file reads it again.
    """

    __tablename__ = "held_change"
    __table_args__ = (
        UniqueConstraint("organisation_code", "event_key"),
        CheckConstraint("why IN ('unknown_code', 'unknown_case', 'unreadable', 'too_early')", name="why"),
        CheckConstraint("state IN ('held', 'applied', 'not_ours', 'superseded')", name="state"),
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
    tried_with: Mapped[str | None]
    due_at: Mapped[datetime | None]


class FeedCursorRow(Base):
    """How far a feed has been read. Moves only in the transaction that stores what was read.

    `due_at` is when the feed is read next. `reading_since` stands while a reading that hands everything out once is under way: whoever finds it
    knows that one was cut off. `alarm` is what people should know of the feed, in one sentence without content.
    """

    __tablename__ = "feed_cursor"
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"), primary_key=True)
    feed: Mapped[str] = mapped_column(primary_key=True, server_default=_EMPTY)
    position: Mapped[dict[str, Any]]
    moved_at: Mapped[datetime] = mapped_column(server_default=NOW)
    due_at: Mapped[datetime | None]
    reading_since: Mapped[datetime | None]
    alarm: Mapped[str | None]
    alarm_since: Mapped[datetime | None]


class ListedCaseRow(Base):
    """What a feed that lists everything last said of a case of ours: digests of its rows, in this reading and in the one before."""

    __tablename__ = "listed_case"
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"), primary_key=True)
    feed: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(primary_key=True)
    digests: Mapped[list[Any]] = mapped_column(server_default=_NO_LIST)
    digests_before: Mapped[list[Any]] = mapped_column(server_default=_NO_LIST)
    listed_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
