"""From an operation to one SELECT that builds the JSON of its answer in PostgreSQL.

Promises: every row read is limited by `store.scope.visible`; nothing a request brings becomes SQL text, only names that the schema or the
GraphQL grammar knows; a statement has one row with one text, or NULL for null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from graphql import FieldNode, GraphQLNonNull, GraphQLObjectType, OperationDefinitionNode
from sqlalchemy import (
    ColumnElement,
    Null,
    PrimaryKeyConstraint,
    Select,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    cast,
    func,
    inspect,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import RelationshipProperty
from sqlalchemy.sql.elements import True_

from schema.enums import Language
from schema.faults import Fault
from schema.plan.catalogue import Catalogue
from schema.plan.declare import (
    All,
    AnyNode,
    ByKey,
    ByKeys,
    Column,
    Computed,
    Counts,
    Embedded,
    Entities,
    Expression,
    Link,
    Nowhere,
    OneBy,
    OnlyFor,
    Pages,
    Shown,
    Words,
)
from schema.plan.entities import entities_json
from schema.plan.global_id import read_global_id, read_uuid, sql_global_id
from schema.plan.json_sql import NO_ROWS, Place, json_object, name_literal, place_of
from schema.plan.page_sql import all_condition, newest_rows, page_json
from schema.plan.rendering import rendered_or, shape_of
from schema.plan.selection import Selected, Selector
from schema.plan.statistics_sql import statistics_json
from schema.plan.values import Bind, Faulty, Openings, Values, storable
from store.renderings import RenderedShapes
from store.scope import Audience, visible
from store.tables import Base, MessageRow

TYPE_KEY = "@type"
"""Where an abstract type is asked for, the JSON says under this key what the row is. No response key can be called so."""

ROW_KEY = "@row"
"""The columns that the computed fields of an object need."""


FAULT_KEY = "@fault"
"""An object with this key alone stands for a field whose arguments are wrong; it says which fault of the plan it is."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A root whose JSON needs no row."""

    json: object


class Compiler:
    """Compiles one operation, or one field of a payload, for one audience."""

    def __init__(
        self,
        catalogue: Catalogue,
        selector: Selector,
        audience: Audience,
        openings: Openings,
        rendered: RenderedShapes | None = None,
    ) -> None:
        """`rendered` knows what lists find ready; without it everything is made anew."""
        self._catalogue = catalogue
        self._selector = selector
        self.audience = audience
        self.openings = openings
        self._rendered = rendered
        self._places: Counter[type[Base]] = Counter()

    def statement(self, shown: Shown, field: Selected) -> Select[Any]:
        """The statement of a field that leads from something not stored into something stored."""
        return select(cast(self._root(shown, field), Text))

    def operation(self, kind: GraphQLObjectType, node: OperationDefinitionNode) -> Select[Any] | dict[str, object]:
        """The one statement of a query's stored roots; the answer itself where it needs no row."""
        roots: dict[str, ColumnElement[Any] | Settled] = {}
        for field in self.fields(kind, [node]):
            shown = self._catalogue.shown.get((kind.name, field.name))
            if field.name == "__typename":
                roots[field.key] = Settled(kind.name)
            elif shown is None or isinstance(shown, ByKey):
                self.openings.doubt(f"{kind.name}.{field.name} is not stored")
            else:
                roots[field.key] = self._whole_root(shown, field)
        settled = {key: one.json for key, one in roots.items() if isinstance(one, Settled)}
        if len(settled) == len(roots):
            return settled
        pairs = [(key, _settled_sql(one) if isinstance(one, Settled) else one) for key, one in roots.items()]
        return select(cast(json_object(pairs), Text))

    def _place(self, row: type[Base]) -> Place:
        """A place for rows of this class that the statement has not used yet."""
        self._places[row] += 1
        return place_of(row, self._places[row])

    def fields(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode | OperationDefinitionNode]) -> list[Selected]:
        return self._selector.fields(kind, nodes)

    def conditions(
        self, place: Place, where: Expression | None, below: type[Base] | None = None
    ) -> ColumnElement[bool]:
        """Which rows of a place are shown: the visible ones that `where` leaves."""
        seen = visible(self.audience, place.row, place.table, below)
        return seen if where is None else and_(seen, where(place.table))

    def object(
        self, kind: GraphQLObjectType, nodes: Sequence[FieldNode], place: Place | None, *, marked: bool = False
    ) -> ColumnElement[Any]:
        """The JSON of one object; `marked` adds what type it is, for graphql-core to know."""
        pairs: list[tuple[str, ColumnElement[Any]]] = []
        needed: set[str] = set()
        for field in self.fields(kind, nodes):
            shown = self._catalogue.shown.get((kind.name, field.name))
            if isinstance(shown, Computed):
                self.openings.doubt(f"{kind.name}.{field.name} is computed")
                needed.update(shown.needs)
                continue
            why = self._catalogue.doubts.get((kind.name, field.name))
            if why is not None:
                self.openings.doubt(f"{kind.name}.{field.name}: {why}")
            value = self._or_fault(lambda field=field: self._value(kind, field, place))  # type: ignore[misc]
            pairs.append((field.key, _settled_sql(value) if isinstance(value, Settled) else value))
        if needed and place is not None:
            pairs.append((ROW_KEY, json_object([(name, place.table.c[name]) for name in sorted(needed)])))
        if marked and self.openings.finishing:
            pairs.append((TYPE_KEY, name_literal(kind.name)))
        return json_object(pairs)

    def listed(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode], place: Place) -> ColumnElement[Any]:
        """The JSON of one object of a list, from its rendering where there is one."""
        made = self.object(kind, nodes, place)
        if self._rendered is None or self.openings.finishing or place.row is not MessageRow:
            return made

        def alone(openings: Openings) -> tuple[Place, ColumnElement[Any]]:
            compiler = Compiler(self._catalogue, self._selector.of(openings), self.audience, openings)
            at = compiler._place(MessageRow)
            return at, compiler.object(kind, nodes, at)

        shape = shape_of(alone)
        number = None if shape is None else self._rendered.number(shape)
        return made if number is None else rendered_or(made, place, number)

    def _or_fault(self, make: Callable[[], ColumnElement[Any] | Settled]) -> ColumnElement[Any] | Settled:
        """What is made, or the mark of the fault it ends in."""
        binds = len(self.openings.binds)
        try:
            return make()
        except Fault as fault:
            self.openings.doubt("an argument is wrong")
            self.openings.forget_binds(binds)
            self.openings.faults.append(Faulty.of(fault))
            return Settled({FAULT_KEY: len(self.openings.faults) - 1})

    def _whole_root(self, shown: Shown, field: Selected) -> ColumnElement[Any] | Settled:
        if isinstance(shown, Nowhere) and not self.audience.signed_in:
            return Settled(None)
        value = self._or_fault(lambda: self._root(shown, field))
        return Settled(None) if isinstance(value, Null) else value

    def _root(self, shown: Shown, field: Selected) -> ColumnElement[Any]:
        match shown:
            case OneBy():
                return self._one_by(shown, field)
            case ByKey():
                return self._by_key(field.type, field, lambda values: values.key)
            case AnyNode():
                return self._any_node(field)
            case All():
                place = self._place(shown.row)
                condition = self.conditions(place, None) & all_condition(self, shown, field, place)
                return self._list(place, field, condition, [place.table.c[shown.order]])
            case Pages():
                return page_json(self, shown, field, self._place(shown.row))
            case Nowhere():
                return self.object(field.type, field.nodes, None)
            case Counts():
                return statistics_json(self, field, None)
            case ByKeys() | Entities():
                return self._many(shown, field)
            case Column() | Words() | Embedded() | Link() | Computed() | OnlyFor():
                message = f"{field.name} needs a row to start from"
                raise TypeError(message)
            case _:
                assert_never(shown)

    def _value(self, kind: GraphQLObjectType, field: Selected, place: Place | None) -> ColumnElement[Any]:
        """One field of an object."""
        if field.name == "__typename":
            return name_literal(kind.name)
        shown = self._catalogue.shown.get((kind.name, field.name))
        if place is None:
            if isinstance(shown, Pages):
                return page_json(self, shown, field, self._place(shown.row))
            message = f"{kind.name}.{field.name} needs a row"
            raise TypeError(message)
        return self._shown(kind, shown, field, place)

    def _shown(self, kind: GraphQLObjectType, shown: Shown | None, field: Selected, place: Place) -> ColumnElement[Any]:
        """What a field shows of a row."""
        match shown:
            case None:
                return sql_global_id(kind.name, place.key)
            case OnlyFor():
                may = shown.may(self.audience, place.table)
                return case((may, self._shown(kind, shown.shown, field, place)))
            case Pages():
                return page_json(self, shown, field, self._place(shown.row), place)
            case Counts():
                return statistics_json(self, field, place)
            case Column():
                return shown.expression(place.table)
            case Words():
                language = self.openings.look(field.argument("language").value)
                return (shown.en if language is Language.EN else shown.ru)(place.table)
            case Embedded():
                whole = self.object(field.type, field.nodes, place)
                return whole if shown.when is None else case((shown.when(place.table), whole))
            case Link():
                return self._link(shown, field, place)
            case _:
                message = f"{kind.name}.{field.name} declares {type(shown).__name__}, which only a root can be"
                raise TypeError(message)

    def _one_by(self, shown: OneBy, field: Selected) -> ColumnElement[Any]:
        wanted = field.argument(shown.argument)
        place = self._place(shown.row)
        column = place.table.c[shown.column]

        def bind(values: Values) -> Any:  # noqa: ANN401 - any key
            return storable(shown.argument, shown.read(wanted.value(values)))

        return self._one(field.type, field, place, column, bind)

    def _any_node(self, field: Selected) -> ColumnElement[Any]:
        wanted = field.argument("id")

        def type_named(values: Values) -> str | None:
            found = read_global_id(wanted.value(values))
            return None if found is None else found.type_name

        def key_named(values: Values) -> str | None:
            found = read_global_id(wanted.value(values))
            return None if found is None else found.key

        kind = self._catalogue.nodes.get(self.openings.look(type_named) or "")
        return null() if kind is None else self._by_key(kind, field, key_named)

    def _by_key(self, kind: GraphQLObjectType, field: Selected, bind: Bind) -> ColumnElement[Any]:
        place = self._place(self._catalogue.row(kind))
        return self._one(kind, field, place, place.key, bind)

    def _many(self, shown: ByKeys | Entities, field: Selected) -> ColumnElement[Any]:
        if isinstance(shown, Entities):
            return entities_json(self, shown, field, self._catalogue, self._place)
        return self._by_keys(shown, field)

    def _by_keys(self, shown: ByKeys, field: Selected) -> ColumnElement[Any]:
        """A list of rows in the order of the bound keys, null for a key that names nothing to be seen."""
        kind = self._selector.object_type(shown.kind)
        place = self._place(self._catalogue.row(kind))
        column = place.key if shown.column is None else place.table.c[shown.column]
        fit = _fitting(column, lambda values: values.key)

        def bind(values: Values) -> list[Any]:
            keys = values.key if isinstance(values.key, tuple) else ()
            return [fit(replace(values, key=key)) for key in keys]

        bound = bindparam(self.openings.leave_open(bind), type_=ARRAY(column.type))
        wanted = func.unnest(bound).table_valued("key", with_ordinality="place").render_derived(name="wanted")
        item = (
            select(self.object(kind, field.nodes, place, marked=True).label("json"))
            .select_from(place.table)
            .where(column == wanted.c.key, self.conditions(place, None))
            .lateral("item")
        )
        gathered = func.json_agg(item.c.json).aggregate_order_by(wanted.c.place)
        return func.coalesce(select(gathered).select_from(wanted.outerjoin(item, true())).scalar_subquery(), NO_ROWS)

    def _one(
        self, kind: GraphQLObjectType, field: Selected, place: Place, column: ColumnElement[Any], bind: Bind
    ) -> ColumnElement[Any]:
        """The one row whose unique column has the bound value."""
        whole = self.object(kind, field.nodes, place, marked=field.is_abstract)
        bound = bindparam(self.openings.leave_open(_fitting(column, bind)), type_=column.type)
        chosen = select(whole).select_from(place.table).where(column == bound, self.conditions(place, None))
        return chosen.scalar_subquery()

    def _list(
        self, place: Place, field: Selected, condition: ColumnElement[bool], order: Sequence[ColumnElement[Any]]
    ) -> ColumnElement[Any]:
        whole = self.object(field.type, field.nodes, place)
        gathered = func.json_agg(whole).aggregate_order_by(*order)
        return func.coalesce(select(gathered).select_from(place.table).where(condition).scalar_subquery(), NO_ROWS)

    def _link(self, shown: Link, field: Selected, near: Place) -> ColumnElement[Any]:
        relationship: RelationshipProperty[Any] = inspect(near.row).relationships[shown.relationship]
        far = self._place(relationship.mapper.class_)
        pairs = relationship.local_remote_pairs or ()
        joined = [far.table.c[str(theirs.key)] == near.table.c[str(ours.key)] for ours, theirs in pairs]
        seen = self.conditions(far, shown.where, near.row)
        condition = and_(*joined, seen)
        if relationship.uselist:
            ordered = relationship.order_by or ()
            names = [str(column.key) for column in ordered if isinstance(column, ColumnElement)]
            if not _is_unique(far.row, {str(theirs.key) for _, theirs in pairs} | set(names)):
                names.append(str(far.key.key))
            if shown.newest is not None:
                far, condition = newest_rows(self, field.argument(shown.newest), near, far, condition, names)
            return self._list(far, field, condition, [far.table.c[name] for name in names])
        if isinstance(field.definition.type, GraphQLNonNull) and not isinstance(seen, True_):
            self.openings.doubt(f"{field.name} may lead to a row that the viewer does not see")
        whole = self.object(field.type, field.nodes, far)
        return select(whole).select_from(far.table).where(condition).scalar_subquery()


def _is_unique(row: type[Base], names: set[str]) -> bool:
    """Whether no two rows have equal values in these columns: some constraint is about a part of them."""
    constraints = row.__table__.constraints  # type: ignore[attr-defined]  # typed as any FromClause; a mapped class has a Table
    return any(
        isinstance(one, UniqueConstraint | PrimaryKeyConstraint) and {column.name for column in one.columns} <= names
        for one in constraints
    )


def _settled_sql(one: Settled) -> ColumnElement[Any]:
    """A settled value inside a statement: null, a name, or the mark of a fault."""
    match one.json:
        case None:
            return null()
        case str(name):
            return name_literal(name)
        case {"@fault": int(number)}:
            return json_object([(FAULT_KEY, literal_column(str(number)))])
        case _:
            message = f"{one.json!r} has no SQL"
            raise TypeError(message)


def _fitting(column: ColumnElement[Any], bind: Bind) -> Bind:
    """A bound value as the column's type; a text that cannot be a UUID finds no row."""

    def fit(values: Values) -> Any:  # noqa: ANN401 - any key
        value = storable("id", bind(values))
        return read_uuid(value) if isinstance(value, str) and not isinstance(column.type, Text) else value

    return fit
