"""What full lists say of our cases: which rows are new since the last reading, and which cases a reading no longer showed.

Rows of other people's cases leave no trace here (Q21). What a reading saw is written with the page that is kept, so that a reading that was
cut off goes on, or begins again, without telling anything twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Interval, func, literal, select, text, update

from domain.status import CLOSED_TO_AGENCIES
from store.rows_as_json import as_json
from store.tables import CaseRow, ListedCaseRow, MessageRow
from store.unit import Unit

ASKED_AGAIN_AFTER = timedelta(days=1)

# `digests_before` is what the reading before this one said: a case that comes on several pages is compared with the whole of it.
_LIST = text("""
    WITH seen AS (
        SELECT case_id, jsonb_agg(digest) AS digests
        FROM json_to_recordset(CAST(:rows AS json)) AS new (case_id text, digest text) GROUP BY case_id
    ),
    ours AS (
        SELECT seen.case_id, seen.digests FROM seen
        JOIN agency_case ON agency_case.organisation_code = :code AND agency_case.case_id = seen.case_id
        ORDER BY seen.case_id
    )
    INSERT INTO listed_case AS known (organisation_code, feed, case_id, digests, listed_at)
    SELECT :code, :feed, case_id, digests, :reading FROM ours
    ON CONFLICT (organisation_code, feed, case_id) DO UPDATE SET
        digests_before = CASE WHEN known.listed_at = :reading THEN known.digests_before ELSE known.digests END,
        digests = CASE WHEN known.listed_at = :reading THEN known.digests || excluded.digests ELSE excluded.digests END,
        listed_at = :reading,
        asked_at = NULL
    RETURNING case_id, digests_before
""")


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row of a full list: its case and a digest of everything it says."""

    case_id: str
    digest: str


async def list_rows(
    unit: Unit, organisation_code: str, feed: str, reading: datetime, rows: Sequence[ListedRow]
) -> set[ListedRow]:
    """Remember the rows of one page and give back those of our cases that say something new. `reading` names the reading by its beginning."""
    if not rows:
        return set()
    found = await unit.execute(
        _LIST,
        {
            "rows": as_json([{"case_id": row.case_id, "digest": row.digest} for row in rows]),
            "code": organisation_code,
            "feed": feed,
            "reading": reading,
        },
    )
    before: dict[str, set[Any]] = {row.case_id: set(row.digests_before) for row in found}
    return {row for row in rows if row.case_id in before and row.digest not in before[row.case_id]}


async def known_rows(
    unit: Unit, organisation_code: str, feed: str, reading: datetime, rows: Sequence[ListedRow]
) -> set[ListedRow]:
    """Rows that the reading before this one showed already; nothing is remembered by asking."""
    statement = select(
        ListedCaseRow.case_id, ListedCaseRow.digests, ListedCaseRow.digests_before, ListedCaseRow.listed_at
    ).where(
        ListedCaseRow.organisation_code == organisation_code,
        ListedCaseRow.feed == feed,
        ListedCaseRow.case_id.in_({row.case_id for row in rows}),
    )
    known = {
        (row.case_id, digest)
        for row in await unit.execute(statement)
        for digest in (row.digests_before if row.listed_at == reading else row.digests)
    }
    return {row for row in rows if (row.case_id, row.digest) in known}


async def missing_cases(unit: Unit, organisation_code: str, feed: str, reading: datetime, at_most: int) -> list[str]:
    """Open cases of ours that an earlier reading showed and this one did not, and that nobody asked for within a day."""
    statement = (
        select(ListedCaseRow.case_id)
        .join(
            CaseRow,
            (CaseRow.organisation_code == ListedCaseRow.organisation_code) & (CaseRow.case_id == ListedCaseRow.case_id),
        )
        .join(MessageRow, MessageRow.id == CaseRow.message_id)
        .where(
            ListedCaseRow.organisation_code == organisation_code,
            ListedCaseRow.feed == feed,
            ListedCaseRow.listed_at < reading,
            func.coalesce(ListedCaseRow.asked_at < func.now() - literal(ASKED_AGAIN_AFTER, Interval()), literal(True)),
            MessageRow.status.not_in(CLOSED_TO_AGENCIES),
        )
        .order_by(ListedCaseRow.asked_at.asc().nulls_first(), ListedCaseRow.case_id)
        .limit(at_most)
    )
    return [row.case_id for row in await unit.execute(statement)]


async def note_asked(unit: Unit, organisation_code: str, feed: str, case_id: str) -> None:
    await unit.execute(
        update(ListedCaseRow)
        .where(
            ListedCaseRow.organisation_code == organisation_code,
            ListedCaseRow.feed == feed,
            ListedCaseRow.case_id == case_id,
        )
        .values(asked_at=func.now())
    )


async def open_cases(unit: Unit, organisation_code: str, after: str, at_most: int) -> list[str]:
    """Our open cases at an agency in the order of their numbers, beyond `after`."""
    statement = (
        select(CaseRow.case_id)
        .join(MessageRow, MessageRow.id == CaseRow.message_id)
        .where(
            CaseRow.organisation_code == organisation_code,
            CaseRow.case_id > after,
            MessageRow.status.not_in(CLOSED_TO_AGENCIES),
        )
        .order_by(CaseRow.case_id)
        .limit(at_most)
    )
    return [row.case_id for row in await unit.execute(statement)]


async def ours_among(unit: Unit, organisation_code: str, case_ids: Sequence[str]) -> set[str]:
    """The numbers that are cases of ours."""
    if not case_ids:
        return set()
    statement = select(CaseRow.case_id).where(
        CaseRow.organisation_code == organisation_code, CaseRow.case_id.in_(case_ids)
    )
    return {row.case_id for row in await unit.execute(statement)}
