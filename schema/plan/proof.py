"""Whether the database alone shows that a stored field is what the schema promises: never null where the schema says so, a whole number of 32 bits,
a member of its enum.

Where it does, the bytes of PostgreSQL go to the client as they came; where it does not, graphql-core finishes the answer and finds what is wrong.
The proof looks at the declared columns and constraints only, so it is done once, when the schema is built.
"""

from __future__ import annotations

from graphql import GraphQLEnumType, GraphQLLeafType
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Case,
    Cast,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    String,
)
from sqlalchemy.sql.elements import BooleanClauseList, False_, Grouping, Label, True_, UnaryExpression
from sqlalchemy.sql.functions import FunctionElement

_NULL_ONLY_OF_NULL = frozenset({"upper", "lower", "replace", "concat", "length", "translate"})
"""Functions that give null only when an argument is null."""


def never_null(value: ColumnElement[object]) -> bool:
    """Whether an expression over one row of a table cannot be null."""
    match value:
        case Column():
            return not value.nullable
        case Cast():
            return never_null(value.clause)
        case Label() | Grouping() | UnaryExpression():
            return isinstance(value.element, ColumnElement) and never_null(value.element)
        case Case():
            return value.else_ is not None and all(map(never_null, _results(value)))
        case BindParameter():
            return value.value is not None
        case True_() | False_():
            return True
        case BooleanClauseList():
            return all(map(never_null, value.clauses))
        case FunctionElement():
            parts = [never_null(part) for part in value.clauses]
            return any(parts) if value.name == "coalesce" else value.name in _NULL_ONLY_OF_NULL and all(parts)
        case _:
            return False


def fits(kind: GraphQLLeafType, value: ColumnElement[object]) -> bool:
    """Whether every value of an expression, as PostgreSQL writes it into JSON, is what the scalar or enum would write."""
    sql = value.type
    if isinstance(kind, GraphQLEnumType):
        return all(isinstance(one, Column) and _is_checked(one, kind) for one in _sources(value))
    match kind.name:
        case "String":
            return isinstance(sql, String)
        case "Int":
            return all(isinstance(one, Column) and _is_small(one) for one in _sources(value))
        case "Float":
            # NaN and infinity are values of a double, and JSON has neither.
            return all(isinstance(one, Column) and isinstance(one.type, Integer) for one in _sources(value))
        case "Boolean":
            return isinstance(sql, Boolean)
        case "DateTime":
            return isinstance(sql, DateTime)
        case "Date":
            return isinstance(sql, Date)
        case _:
            return False


def _sources(value: ColumnElement[object]) -> list[ColumnElement[object]]:
    """The expressions one of which the value is."""
    if isinstance(value, Case):
        return [source for one in _results(value) for source in _sources(one)]
    if isinstance(value, FunctionElement) and value.name == "coalesce":
        return [source for one in value.clauses for source in _sources(one)]
    return [value]


def _results(value: Case[object]) -> list[ColumnElement[object]]:
    last = [] if value.else_ is None else [value.else_]
    return [*(result for _, result in value.whens), *last]


def _is_small(column: Column[object]) -> bool:
    return isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)


def _is_checked(column: Column[object], kind: GraphQLEnumType) -> bool:
    """An enum column stands under a CHECK with its members, which must all be the schema's."""
    members = {name for name, member in kind.values.items() if member.value == name}
    return isinstance(column.type, Enum) and set(column.type.enums) <= members
