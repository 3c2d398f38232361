"""What the parts of a Statistics object have in common: the conditions of a request on the read models, and how counts become JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Double,
    FromClause,
    Integer,
    Numeric,
    Select,
    Subquery,
    Table,
    TableClause,
    Text,
    TextClause,
    bindparam,
    cast,
    column,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy import table as sql_table

from domain.rights import Right
from schema.plan.json_sql import Place, json_object, name_literal
from schema.plan.selection import Selected
from schema.plan.values import Argument, Values, storable
from store.scope import holds
from store.statistics.days import COUNTRY_ZONE
from store.tables import (
    STATISTICS_CELL,
    STATISTICS_DAY,
    STATISTICS_DELTA,
    STATISTICS_OPEN,
    STATISTICS_OPEN_TOTAL,
    STATISTICS_ORGANISATION,
    STATISTICS_WEEK,
    CategoryRow,
    OrganisationAboveRow,
    TerritoryAboveRow,
)
from store.tables.statistics import MEASURES

if TYPE_CHECKING:
    from schema.plan.compiler import Compiler

FEWEST = 5
"""Averages of fewer ratings and hot spots of fewer messages are for those who work there."""

Value = ColumnElement[Any]
Make = Callable[[Selected], Value]
ZERO: Value = literal_column("0", Integer)


def _light(table: Table) -> TableClause:
    """The table without the many counts that are read by name only: each alias of a table costs as much as it has columns."""
    kept = [column(one.name, one.type) for one in table.c if one.name not in MEASURES or one.name == "messages"]
    return sql_table(table.name, *kept)


CELL, ORGANISATION, DAY, OPEN_MESSAGES, OPEN_TOTAL, WEEK, DELTA = (
    _light(table)
    for table in (
        STATISTICS_CELL,
        STATISTICS_ORGANISATION,
        STATISTICS_DAY,
        STATISTICS_OPEN,
        STATISTICS_OPEN_TOTAL,
        STATISTICS_WEEK,
        STATISTICS_DELTA,
    )
)


def days(number: int) -> Value:
    """So many days, to be added to a date."""
    return literal_column(str(number), Integer)


TODAY: Value = cast(func.timezone(literal_column(f"'{COUNTRY_ZONE}'", Text), func.now()), Date)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which messages a request asks about. `given` are the conditions it gives; `near` is the organisation the field hangs on."""

    compiler: Compiler
    filter: Argument
    given: Mapping[str, object]
    near: Place | None
    binds: dict[str, Value] = field(default_factory=dict)

    @property
    def of_organisations(self) -> bool:
        return self.near is not None or "organisation" in self.given

    @property
    def of_places(self) -> bool:
        """Whether only single cells know the answer."""
        return "territory" in self.given or "category" in self.given

    @property
    def of_days(self) -> bool:
        return "from" in self.given or "to" in self.given

    def bind(self, name: str, kind: Any) -> Value:  # noqa: ANN401 - any SQL type
        """The parameter with the value of a condition."""

        def read(values: Values) -> Any:  # noqa: ANN401 - as the input type says
            return storable(f"filter.{name}", self.filter.value(values)[name])

        if name not in self.binds:
            self.binds[name] = bindparam(self.compiler.openings.leave_open(read), type_=kind)
        return self.binds[name]

    @property
    def last_day(self) -> Value:
        return self.bind("to", Date) if "to" in self.given else TODAY

    def select(self, table: FromClause, *what: Value | TextClause) -> Select[Any]:
        """A query over a table with the keys of a cell, or some of them, that may name the organisation the field hangs on."""
        found = select(*what).select_from(table)
        return found if self.near is None else found.correlate(self.near.table)

    def conditions(self, table: FromClause, *, with_days: bool = True) -> list[ColumnElement[bool]]:
        """On the keys of a cell."""
        found: list[ColumnElement[bool]] = []
        if self.near is not None:
            found.append(self._at(table, self.near.table.c.code))
        if "organisation" in self.given:
            found.append(self._at(table, self.bind("organisation", Text)))
        if "territory" in self.given:
            above = TerritoryAboveRow.__table__.alias()
            code = self.bind("territory", Text)
            found.append(table.c.territory_code.in_(select(above.c.territory_code).where(above.c.above_code == code)))
        if "category" in self.given:
            inside = CategoryRow.__table__.alias()
            code = self.bind("category", Text)
            topics = select(inside.c.code).where(or_(inside.c.code == code, inside.c.parent_code == code))
            found.append(table.c.category_code.in_(topics))
        if with_days and "from" in self.given:
            found.append(table.c.day >= self.bind("from", Date))
        if with_days and "to" in self.given:
            found.append(table.c.day <= self.bind("to", Date))
        return found

    def _at(self, table: FromClause, code: Value) -> ColumnElement[bool]:
        if not self.given["below"]:
            return table.c.organisation_code == code
        above = OrganisationAboveRow.__table__.alias()
        inside = select(above.c.organisation_code).where(above.c.above_code == code)
        return table.c.organisation_code.in_(inside if self.near is None else inside.correlate(self.near.table))

    def may_see_small(self) -> ColumnElement[bool]:
        """Whether the viewer works at the organisation asked about, or above it."""
        if self.near is not None:
            code: Value = self.near.table.c.code
        elif "organisation" in self.given and Right.SMALL_CELLS in self.compiler.audience.rights:
            code = self.bind("organisation", Text)
        else:
            return false()
        return holds(self.compiler.audience, Right.SMALL_CELLS, code)

    def both(self, model: TableClause, names: Sequence[str], as_name: str) -> Subquery:
        """Some columns of the rows asked about of a read model, and those of the deltas; the columns are known by their names only."""
        wanted = text(", ".join(names))
        parts = ((one, self.conditions(one)) for one in (model.alias(), DELTA.alias()))
        return union_all(*(self.select(one, wanted).where(*conditions) for one, conditions in parts)).subquery(as_name)


def object_of(compiler: Compiler, field: Selected, values: Mapping[str, Make]) -> Value:
    """The JSON of an object whose fields are made as `values` says."""
    pairs: list[tuple[str, Value]] = []
    for one in compiler.fields(field.type, field.nodes):
        name = one.name
        pairs.append((one.key, name_literal(field.type.name) if name == "__typename" else values[name](one)))
    return json_object(pairs)


def always(value: Value) -> Make:
    """A field that is made in one way."""
    return lambda _: value


def whole_number(value: Value) -> Value:
    """A count as GraphQL's Int, zero where nothing was counted."""
    return cast(func.coalesce(value, ZERO), Integer)


def rounded(whole: Value, part: Value, places: int) -> Value:
    """`part / whole` as a number that is the same in JSON and in Python; null where `whole` is."""
    exact = cast(part, Numeric) / cast(whole, Numeric)
    return cast(func.round(exact, literal_column(str(places), Integer)), Double)
