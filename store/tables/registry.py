"""Reference data and people: what `config/` says about organisations, territories and categories, and who has signed in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from store.tables.base import NOW, Base


class TerritoryRow(Base):
    """A municipality or region, keyed by its eight-digit OKTMO code."""

    __tablename__ = "territory"
    code: Mapped[str] = mapped_column(primary_key=True)
    name_ru: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("territory.code"), index=True)

    parent: Mapped[TerritoryRow | None] = relationship(remote_side=[code], lazy="raise")


class OrganisationRow(Base):
    """A public body. `has_system` says that an agency file connects its own case system."""

    __tablename__ = "organisation"
    code: Mapped[str] = mapped_column(primary_key=True)
    name_ru: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    level: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("organisation.code"), index=True)
    territory_code: Mapped[str | None] = mapped_column(ForeignKey("territory.code"))
    timezone: Mapped[str]
    has_system: Mapped[bool] = mapped_column(server_default=sql("false"))
    retired: Mapped[bool] = mapped_column(server_default=sql("false"))

    parent: Mapped[OrganisationRow | None] = relationship(remote_side=[code], lazy="raise")
    territory: Mapped[TerritoryRow | None] = relationship(lazy="raise")


class CategoryRow(Base):
    """One node of the rubricator. Messages are filed under leaves; a retired node stays for the messages that name it."""

    __tablename__ = "category"
    code: Mapped[str] = mapped_column(primary_key=True)
    name_ru: Mapped[str]
    name_en: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("category.code"), index=True)
    position: Mapped[int]
    rubricator_version: Mapped[str]
    retired: Mapped[bool] = mapped_column(server_default=sql("false"))

    parent: Mapped[CategoryRow | None] = relationship(remote_side=[code], lazy="raise", back_populates="children")
    children: Mapped[list[CategoryRow]] = relationship(
        lazy="raise", back_populates="parent", order_by="CategoryRow.position"
    )


class PersonRow(Base):
    """Somebody who signed in: nothing but who vouches for them and under which name they are known there."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
