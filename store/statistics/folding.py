"""Folding: deltas become part of the tables that are read.

Promises: a delta is counted once, whatever is killed and however many fold at once (one transaction takes and adds it, one folder at a time works);
who reads meanwhile sees every delta exactly once, in one place or the other.
"""

# ruff: noqa: S608 - every statement is put together from names that stand in this package

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from store.statistics.days import COUNTRY_ZONE
from store.tables.statistics import MEASURES, OPEN
from store.unit import Unit

LOCK: Final = 0x0C42
"""Names folding among a server's advisory locks. The trigger on time zones in migration 0004 takes it too."""
MOST_AT_ONCE: Final = 50_000


@dataclass(frozen=True, slots=True)
class Model:
    """One table that is read: what its keys are in terms of a delta `d`, and what it sums of it."""

    table: str
    keys: Mapping[str, str]
    sums: Mapping[str, str]
    where: str = "true"

    def summed(self, source: str) -> str:
        """A query: the keys and sums over a table of deltas. NULL stands for zero."""
        sums = ", ".join(f"nullif(sum({what}), 0)::int AS {name}" for name, what in self.sums.items())
        keys = ", ".join(f"{what} AS {name}" for name, what in self.keys.items())
        places = ", ".join(str(number) for number in range(1, len(self.keys) + 1))
        joined = "LEFT JOIN organisation o ON o.code = d.organisation_code" if "timezone" in self.keys else ""
        return f"SELECT {keys}, {sums} FROM {source} d {joined} WHERE {self.where} GROUP BY {places}"

    def filled(self, source: str) -> str:
        """A statement that fills the empty table. In the order of its key: each page of the index is written once."""
        names = ", ".join((*self.keys, *self.sums))
        places = ", ".join(str(number) for number in range(1, len(self.keys) + 1))
        return f"INSERT INTO {self.table} AS kept ({names}) {self.summed(source)} ORDER BY {places}"

    def added(self, source: str) -> str:
        """A statement that adds a table of deltas."""
        names = ", ".join((*self.keys, *self.sums))
        together = ", ".join(
            f"{name} = nullif(coalesce(kept.{name}, 0) + coalesce(excluded.{name}, 0), 0)" for name in self.sums
        )
        insert = f"INSERT INTO {self.table} AS kept ({names}) {self.summed(source)}"
        return f"{insert} ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {together}"


def _themselves(names: Sequence[str]) -> dict[str, str]:
    return {name: f"d.{name}" for name in names}


_PLACE = ("category_code", "territory_code")
_IS_COUNTED = "num_nonnulls(" + ", ".join(f"d.{name}" for name in MEASURES) + ") > 0"
_IS_OPEN = f"d.{OPEN} IS NOT NULL"

MODELS: Final = (
    Model("statistics_cell", _themselves(("organisation_code", "day", *_PLACE)), _themselves(MEASURES), _IS_COUNTED),
    Model("statistics_organisation", _themselves(("organisation_code",)), _themselves(MEASURES), _IS_COUNTED),
    Model("statistics_day", _themselves(("day",)), _themselves(MEASURES), _IS_COUNTED),
    Model(
        "statistics_open",
        _themselves(("organisation_code", "day", "deadline_on", *_PLACE)),
        _themselves((OPEN,)),
        _IS_OPEN,
    ),
    Model(
        "statistics_open_total",
        {"timezone": f"coalesce(o.timezone, '{COUNTRY_ZONE}')", **_themselves(("day", "deadline_on"))},
        _themselves((OPEN,)),
        _IS_OPEN,
    ),
    Model(
        "statistics_week",
        {"week": "date_trunc('week', d.day::timestamp)::date", **_themselves(_PLACE)},
        _themselves(("messages",)),
        "d.messages IS NOT NULL",
    ),
)

_TAKE = """
    taken AS MATERIALIZED (
        DELETE FROM statistics_delta WHERE ctid = ANY(ARRAY(SELECT ctid FROM statistics_delta LIMIT :most)) RETURNING *
    )
"""
_FOLD = text(
    f"WITH {_TAKE}, "
    + ", ".join(f"into_{model.table} AS ({model.added('taken')})" for model in MODELS)
    + " SELECT count(*) FROM taken"
)
_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")
# Days that are over would stay in the tables for ever, empty.
_FORGET = text(f"DELETE FROM statistics_open WHERE {OPEN} IS NULL")


async def fold(unit: Unit) -> int:
    """Fold up to `MOST_AT_ONCE` deltas in this unit and say how many. None are when somebody else folds."""
    if not (await unit.execute(_LOCK, {"lock": LOCK})).scalar_one():
        return 0
    folded = int((await unit.execute(_FOLD, {"most": MOST_AT_ONCE})).scalar_one())
    if folded:
        await unit.execute(_FORGET)
    return folded
