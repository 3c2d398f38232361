"""The rows of a connection as a whole, and the first of them in some order, before anything is made of them.

Promises: `store.scope.visible` is a condition of every row that is read. Somebody whose roles reach few organisations finds their messages among
millions by looking into each organisation by itself; for somebody whose roles reach many, walking the whole list in its order is the shorter way.
Which of the two it is, the statement itself finds out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, literal_column, not_, select, true, union_all

from domain.rights import Right
from schema.plan.json_sql import Place
from schema.plan.order_sql import Key
from store.scope import Audience, holds, reached_organisations, viewer_parameter, visible

MOST_LOOKED_INTO = 64
"""The most organisations that are looked into one by one."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Those of `place` that the audience sees and that meet the conditions, which may name the row `near`."""

    place: Place
    audience: Audience
    conditions: Sequence[ColumnElement[bool]]
    near: Place | None = None
    at: ColumnElement[Any] | None = None
    """The organisation of all the messages, where there is one."""
    spread: bool = False
    """Whether they are messages of any organisation, so that there are two ways to find them."""

    def first(
        self, columns: Sequence[Any], keys: Sequence[Key], limit: ColumnElement[Any], *, backwards: bool = False
    ) -> Subquery:
        """The first rows in the order of `keys`: the columns wanted, and the keys as `key0`, `key1`, …"""
        what = [*columns, *(key.value.label(f"key{number}") for number, key in enumerate(keys))]

        def cut(found: Select[Any]) -> Select[Any]:
            return found.order_by(*(key.ordered(backwards=backwards) for key in keys)).limit(limit)

        if not self.spread or Right.MESSAGES not in self.audience.rights:
            found = self._found(what, self.at)
            # In a FROM clause SQLAlchemy would otherwise read the near table anew.
            return cut(found if self.near is None else found.correlate(self.near.table)).subquery()
        ways = union_all(*self._ways(what, cut)).subquery()
        found_keys = [Key(key.name, ways.c[f"key{number}"], key.descending) for number, key in enumerate(keys)]
        ordered = select(*ways.c).order_by(*(key.ordered(backwards=backwards) for key in found_keys))
        return ordered.limit(limit).subquery()

    def _found(self, what: Sequence[Any], at: ColumnElement[Any] | None) -> Select[Any]:
        table = self.place.table
        seen = visible(self.audience, self.place.row, table, None, at)
        return select(*what).select_from(table).where(seen, *self.conditions)

    def _ways(self, what: Sequence[Any], cut: Any) -> list[Select[Any]]:  # noqa: ANN401 - a function of `first`
        """Walked through, or looked into one organisation after the other and into the viewer's own. Only one of the two is run."""
        table = self.place.table
        reached = reached_organisations(Right.MESSAGES).subquery()
        some = reached_organisations(Right.MESSAGES).limit(literal_column(str(MOST_LOOKED_INTO + 1))).subquery()
        few = select(func.count() <= literal_column(str(MOST_LOOKED_INTO))).select_from(some).scalar_subquery()
        code = reached.c.organisation_code
        each = cut(self._found(what, code).where(table.c.organisation_code == code).correlate(reached)).lateral()
        own = self._found(what, None).where(
            table.c.person_id == viewer_parameter(),
            not_(holds(self.audience, Right.MESSAGES, table.c.organisation_code)),
        )
        return [
            cut(self._found(what, None).where(not_(few))),
            select(*each.c).select_from(reached.join(each, true())).where(few),
            cut(own.where(few)),
        ]
