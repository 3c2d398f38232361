"""Reference data on disk: what `config/` says, brought into the tables when a process starts.

Nothing is ever deleted: a category or organisation that left the files is marked retired, because messages go on naming it. Every process may sync at
its start; one at a time does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.organisation import Organisations
from domain.rubricator import Rubricator
from domain.territory import Territories
from store.tables import CategoryRow, OrganisationRow, TerritoryRow, TurnRow
from store.unit import Unit

_LOCK = 0x0C41


async def sync_registry(
    unit: Unit,
    *,
    rubricator: Rubricator,
    territories: Territories,
    organisations: Organisations,
    connected: Iterable[str],
) -> None:
    """Write the reference data. `connected` are the codes of organisations that have an agency file; each gets a turn."""
    await unit.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connected = set(connected)
    await _upsert(
        unit,
        TerritoryRow,
        _parents_first(
            {
                one.code: {
                    "code": one.code,
                    "name_ru": one.name.ru,
                    "name_en": one.name.en,
                    "kind": one.kind.value,
                    "parent_code": one.parent,
                }
                for one in territories
            }
        ),
    )
    await _upsert(
        unit,
        OrganisationRow,
        _parents_first(
            {
                one.code: {
                    "code": one.code,
                    "name_ru": one.name.ru,
                    "name_en": one.name.en,
                    "kind": one.kind.value,
                    "level": one.level.value,
                    "parent_code": one.parent,
                    "territory_code": one.territory,
                    "timezone": one.timezone,
                    "has_system": one.code in connected,
                    "retired": False,
                }
                for one in organisations
            }
        ),
    )
    await _upsert(
        unit,
        CategoryRow,
        _parents_first(
            {
                one.code: {
                    "code": one.code,
                    "name_ru": one.name.ru,
                    "name_en": one.name.en,
                    "parent_code": one.parent,
                    "position": position,
                    "rubricator_version": rubricator.version,
                    "retired": False,
                }
                for position, one in enumerate(rubricator.categories)
            }
        ),
    )
    await unit.execute(
        update(CategoryRow).where(CategoryRow.rubricator_version != rubricator.version).values(retired=True)
    )
    known = [one.code for one in organisations]
    await unit.execute(
        update(OrganisationRow).where(OrganisationRow.code.not_in(known)).values(retired=True, has_system=False)
    )
    await refresh_above(unit)
    if connected:
        turns = insert(TurnRow).values(due_at=func.now()).on_conflict_do_nothing()
        await unit.execute(turns, [{"organisation_code": code} for code in sorted(connected)])


async def refresh_above(unit: Unit) -> None:
    """Bring the flat trees of organisations and territories in line with `parent_code`. Writes only what differs."""
    for tree in ("organisation", "territory"):
        await unit.execute(text(f"SELECT refresh_{tree}_above()"))


async def connected_agencies(unit: Unit) -> Sequence[str]:
    """The codes of organisations whose own system is connected."""
    return (
        (
            await unit.execute(
                select(OrganisationRow.code).where(OrganisationRow.has_system).order_by(OrganisationRow.code)
            )
        )
        .scalars()
        .all()
    )


async def _upsert(unit: Unit, table: type[Any], rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "code"}
    await unit.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed), rows)


def _parents_first(rows: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows, every parent before its children, so that the foreign key holds row by row."""
    ordered: dict[str, dict[str, Any]] = {}

    def place(code: str) -> None:
        if code in ordered:
            return
        parent = rows[code]["parent_code"]
        if parent is not None:
            place(parent)
        ordered[code] = rows[code]

    for code in rows:
        place(code)
    return list(ordered.values())
