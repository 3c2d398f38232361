"""Stored words as enum values of the schema."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, func, literal_column

from schema.plan.declare import Expression


def in_capitals(column: str) -> Expression:
    """`executive-body` of the reference data as `EXECUTIVE_BODY` of the schema."""

    def expression(table: FromClause) -> ColumnElement[str]:
        return func.upper(func.replace(table.c[column], literal_column("'-'"), literal_column("'_'")))

    return expression
