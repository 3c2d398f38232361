"""What lists show of a message, made once and kept (`store/renderings.py`). It says nothing that other tables do not."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Column, Identity, SmallInteger, Table
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import NOW, Base


class RenderedShapeRow(Base):
    """One selection of a message's fields that lists ask for: the statement that makes its JSON, for every message, as columns `id` and `body`."""

    __tablename__ = "rendered_shape"
    number: Mapped[int] = mapped_column(SmallInteger, Identity(always=True), primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    statement: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    """Which state of the names the filling is for; an older one begins anew."""
    down_to: Mapped[UUID | None]
    """Messages from here on have their rendering; None at the beginning."""
    is_filled: Mapped[bool] = mapped_column(server_default=sql("false"))
    wanted_at: Mapped[datetime] = mapped_column(server_default=NOW)
    """When a process compiled a list with it last."""


class RenderingRow(Base):
    """The JSON of one message in one shape; true as long as `version` is that of the names."""

    __tablename__ = "rendering"
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    shape: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[Any] = mapped_column(JSON)


# Messages whose renderings were forgotten, as often as that happened.
RENDERING_DUE = Table(
    "rendering_due", Base.metadata, Column("message_id", postgresql.UUID(as_uuid=True), nullable=False)
)
