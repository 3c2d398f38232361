"""Reference data and people: what `config/` says about organisations, territories and categories, and who has signed in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.organisation import OrganisationKind, OrganisationLevel
from domain.rights import Role
from domain.territory import TerritoryKind
from store.tables.base import NOW, Base


def _one_of(column: str, kind: type[StrEnum]) -> CheckConstraint:
    """The values of a column are those of an enum."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(one.value) for one in kind)})", name=column)


NAMES = "translate((name_ru || ' '::text) || name_en, 'ёЁ'::text, 'еЕ'::text)"
"""Both names of a row as they are searched by. Е stands for Ё, which people write as they like."""


def folded_names(table: FromClause) -> ColumnElement[str]:
    """The expression under which the names of organisations, categories and territories are indexed."""
    both = table.c.name_ru.op("||")(literal_column("' '")).op("||")(table.c.name_en)
    return func.translate(both, literal_column("'ёЁ'"), literal_column("'еЕ'"))


def _named(table: str) -> Index:
    names: ColumnElement[str] = literal_column(NAMES)
    return Index(
        f"ix_{table}_names",
        names.label("names"),
        postgresql_using="gin",
        postgresql_ops={"names": "gin_trgm_ops"},
    )


class TerritoryRow(Base):
    """A municipality or region, keyed by its eight-digit OKTMO code."""

    __tablename__ = "territory"
    __table_args__ = (_one_of("kind", TerritoryKind), _named("territory"))
    code: Mapped[str] = mapped_column(primary_key=True)
    name_ru: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("territory.code"), index=True)

    parent: Mapped[TerritoryRow | None] = relationship(remote_side=[code], lazy="raise")


class TerritoryAboveRow(Base):
    """A territory and one that it lies in, itself included: the tree made flat, so that "everything below" is one look-up.

    `refresh_above()` in `store/registry.py` keeps it.
    """

    __tablename__ = "territory_above"
    __table_args__ = (Index("ix_territory_above_above", "above_code", "territory_code"),)
    territory_code: Mapped[str] = mapped_column(ForeignKey("territory.code"), primary_key=True)
    above_code: Mapped[str] = mapped_column(ForeignKey("territory.code"), primary_key=True)
    distance: Mapped[int] = mapped_column(SmallInteger)


class OrganisationRow(Base):
    """A public body. `has_system` says that an agency file connects its own case system."""

    __tablename__ = "organisation"
    __table_args__ = (
        _one_of("kind", OrganisationKind),
        _one_of("level", OrganisationLevel),
        _named("organisation"),
    )
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


class OrganisationAboveRow(Base):
    """An organisation and one above it, itself included (`distance` 0). Says how far a role reaches."""

    __tablename__ = "organisation_above"
    __table_args__ = (Index("ix_organisation_above_above", "above_code", "organisation_code"),)
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"), primary_key=True)
    above_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"), primary_key=True)
    distance: Mapped[int] = mapped_column(SmallInteger)


class CategoryRow(Base):
    """One node of the rubricator. Messages are filed under leaves; a retired node stays for the messages that name it."""

    __tablename__ = "category"
    __table_args__ = (_named("category"),)
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


class RoleGrantRow(Base):
    """A role somebody holds at an organisation and everything below it. Ended, never deleted."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > begins_at", name="dates"),
        Index("ix_role_grant_person", "person_id"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Role]
    organisation_code: Mapped[str] = mapped_column(ForeignKey("organisation.code"))
    begins_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ends_at: Mapped[datetime | None]


class ReadVersionRow(Base):
    """Which state of some tables this is: the number of the transaction that changed them last. Kept by triggers."""

    __tablename__ = "read_version"
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
