"""Roles that people hold: granted and ended by the operator, read at every visit, remembered by a process for a few seconds.

A role that was taken away works at most `REMEMBERED_S` longer.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import func, insert, or_, select, update
from uuid6 import uuid7

from domain.rights import Grant, Role
from store.tables import OrganisationRow, PersonRow, RoleGrantRow
from store.unit import Database, Unit

REMEMBERED_S = 5.0
_MOST_REMEMBERED = 50_000
_known: WeakKeyDictionary[Database, OrderedDict[UUID, tuple[float, tuple[Grant, ...]]]] = WeakKeyDictionary()

_IN_FORCE = """
    SELECT json_agg(json_build_array(role, organisation_code) ORDER BY organisation_code, role)
    FROM role_grant
    WHERE person_id = %(person_id)s AND begins_at <= now() AND (ends_at IS NULL OR ends_at > now())
"""


@dataclass(frozen=True, slots=True)
class GrantLine:
    """One grant as an operator sees it. `subject` is the name the issuer knows the person by."""

    id: UUID
    issuer: str
    subject: str
    role: Role
    organisation: str
    begins_at: datetime
    ends_at: datetime | None


async def grants_of(database: Database, person_id: UUID) -> tuple[Grant, ...]:
    """The grants of a person that are in force, as they were at most `REMEMBERED_S` ago."""
    remembered = remembered_grants(database, person_id)
    if remembered is not None:
        return remembered
    now = time.monotonic()
    # The primary, because a replica may not know yet that a role has ended.
    text = await database.reads.json_text(_IN_FORCE, {"person_id": person_id})
    grants = tuple(Grant(Role(role), organisation) for role, organisation in json.loads(text or b"[]"))
    known = _known.setdefault(database, OrderedDict())
    known[person_id] = (now, grants)
    known.move_to_end(person_id)
    if len(known) > _MOST_REMEMBERED:
        known.popitem(last=False)
    return grants


def remembered_grants(database: Database, person_id: UUID) -> tuple[Grant, ...] | None:
    """What `grants_of` would give without asking the database."""
    known = _known.get(database)
    remembered = None if known is None else known.get(person_id)
    return remembered[1] if remembered is not None and time.monotonic() - remembered[0] < REMEMBERED_S else None


async def grant_role(unit: Unit, person_id: UUID, role: Role, organisation: str) -> UUID:
    """Raises LookupError for an organisation that does not exist."""
    found = await unit.execute(select(OrganisationRow.code).where(OrganisationRow.code == organisation))
    if found.scalar() is None:
        raise LookupError(organisation)
    grant_id = uuid7()
    await unit.execute(
        insert(RoleGrantRow).values(id=grant_id, person_id=person_id, role=role, organisation_code=organisation)
    )
    return grant_id


async def end_grant(unit: Unit, grant_id: UUID) -> bool:
    """Whether there was such a grant in force; it is not any more."""
    ended = await unit.execute(
        update(RoleGrantRow)
        .where(RoleGrantRow.id == grant_id, or_(RoleGrantRow.ends_at.is_(None), RoleGrantRow.ends_at > func.now()))
        .values(ends_at=func.now())
        .returning(RoleGrantRow.id)
    )
    return ended.scalar() is not None


async def all_grants(database: Database) -> list[GrantLine]:
    """Every grant there ever was, newest first."""
    statement = (
        select(
            RoleGrantRow.id,
            PersonRow.issuer,
            PersonRow.subject,
            RoleGrantRow.role,
            RoleGrantRow.organisation_code,
            RoleGrantRow.begins_at,
            RoleGrantRow.ends_at,
        )
        .join(PersonRow, PersonRow.id == RoleGrantRow.person_id)
        .order_by(RoleGrantRow.id.desc())
    )
    async with database.reader() as connection:
        return [GrantLine(*row) for row in await connection.execute(statement)]
