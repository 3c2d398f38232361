"""Which stored fields the database alone does not vouch for: worked out from their declarations when the schema is built."""

from __future__ import annotations

from graphql import GraphQLField, GraphQLNonNull, is_leaf_type, is_list_type
from sqlalchemy import ColumnElement, inspect
from sqlalchemy.orm import RelationshipProperty

from schema.plan.declare import Column, Embedded, Expression, Link, OnlyFor, Shown, Words
from schema.plan.proof import fits, never_null
from store.tables import Base


def doubt_about(shown: Shown, field: GraphQLField, row: type[Base]) -> str | None:
    """Why a field of a row may not be what the schema promises; None where it is. Who may see what it leads to is judged by the compiler."""
    required = isinstance(field.type, GraphQLNonNull)
    match shown:
        case Column(expression=expression, sure=None):
            return _about_value([expression], field, row)
        case Words(ru=ru, en=en, sure=None):
            return _about_value([ru, en], field, row)
        case Embedded(when=when):
            return "it is null where its condition does not hold" if required and when is not None else None
        case OnlyFor(shown=inner):
            return "it is null for some" if required else doubt_about(inner, field, row)
        case Link(relationship=name) if required:
            relationship: RelationshipProperty[Base] = inspect(row).relationships[name]
            return None if relationship.uselist else _about_link(relationship, shown.where)
        case OnlyFor(shown=inner):
            return "it is hidden from some" if required else doubt_about(inner, field, row)
        case _:
            return None


def _about_value(expressions: list[Expression], field: GraphQLField, row: type[Base]) -> str | None:
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    if is_list_type(kind) or not is_leaf_type(kind):
        return "it is no single scalar"
    values: list[ColumnElement[object]] = [expression(row.__table__) for expression in expressions]
    if not all(fits(kind, value) for value in values):
        return f"not every value of the column is a {kind.name}"
    if isinstance(field.type, GraphQLNonNull) and not all(map(never_null, values)):
        return "the value may be null"
    return None


def _about_link(relationship: RelationshipProperty[Base], where: Expression | None) -> str | None:
    """A row must be there: the foreign key is not null, and nothing leaves the other row out."""
    if where is not None:
        return "some rows are left out"
    near = relationship.local_columns
    if any(column.nullable or not column.foreign_keys for column in near):
        return "the row it leads to may be missing"
    return None
