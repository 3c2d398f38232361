"""What a list can be filtered and ordered by, said once beside the type it lists. `filter_sql.py` and `order_sql.py` make SQL of it.

A condition that a request does not give is not in the statement; the value of one that it gives is bound. So the shape of a statement is the set
of conditions given, and plans stay few.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, bindparam

from schema.plan.values import Openings, Values
from store.scope import Audience

Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Given:
    """One condition of one list, as requests give it. Its value is known only when the statement runs."""

    name: str
    audience: Audience
    openings: Openings
    value: Callable[[Values], Any]
    seen: Hashable = None
    """What of the value shaped the statement, where the condition says so (`Condition.shape`)."""

    def bind(self, kind: Any, read: Read | None = None) -> BindParameter[Any]:  # noqa: ANN401 - any SQL type
        """A parameter of this SQL type that carries the value, or what `read` makes of it. `read` may raise Fault."""
        value = self.value
        name = self.openings.leave_open(value if read is None else lambda values: read(value(values)))
        return bindparam(name, type_=kind)


@dataclass(frozen=True, slots=True)
class Condition:
    """One field of a filter: from the table and what is given to a condition on its rows. `sql` may raise Fault, for any value alike."""

    sql: Callable[[FromClause, Given], ColumnElement[bool]]
    shape: Callable[[Any], Hashable] | None = None
    """What of a value changes the statement: true or false, say. The rest is bound."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions of one input type by the names of its fields. The fields `any` and `none`, lists of filters, need no declaration."""

    conditions: Mapping[str, Condition] = field(hash=False)
    argument: str = "filter"


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to order by: a value of the row that is never null. `needs` names a condition of the filter that must be given with it."""

    expression: Callable[[FromClause, Given | None], ColumnElement[Any]]
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """What the argument `orderBy` may name, by the values of its enum."""

    by: Mapping[str, Order] = field(hash=False)
    argument: str = "orderBy"
