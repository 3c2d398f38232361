"""What all tables share: the naming of constraints and the column type of each Python type."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Double, Enum, Integer, LargeBinary, MetaData, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase

from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.message import CategorySource, Channel, PlaceSource, Priority, Regime, Resolution
from domain.outcome import OutcomeKind
from domain.rights import Role
from domain.status import Mover, Status

NOW = sql("now()")


def stored(kind: type[StrEnum], name: str | None = None) -> Enum:
    """An enum as text under a CHECK: readable in psql, and adding a member is an ordinary migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name or kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


_ENUMS = (
    Status,
    Mover,
    EventKind,
    Purpose,
    DeliveryState,
    OutcomeKind,
    Channel,
    Regime,
    PlaceSource,
    CategorySource,
    Priority,
    Resolution,
    Role,
)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: Integer,
        float: Double,
        datetime: DateTime(timezone=True),
        UUID: postgresql.UUID(as_uuid=True),
        dict[str, Any]: postgresql.JSONB,
        list[Any]: postgresql.JSONB,
        bytes: LargeBinary,
        **{kind: stored(kind) for kind in _ENUMS},
    }
