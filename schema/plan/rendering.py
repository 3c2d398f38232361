"""Which part of a list's statement is the same for everybody, so that it can be rendered beforehand (`store/renderings.py`).

A selection of a message's fields is a shape when its JSON follows from the message alone: no variable, nothing about who looks, no time of day, and
only tables whose changes make renderings old. Promises: a shape is the very expression the plan would have used, so rendered or not the bytes are
equal; whatever is in doubt is not rendered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, func, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import CompileError

from schema.faults import Fault
from schema.plan.json_sql import Place
from schema.plan.values import NO_REQUEST, DependsOnRequest, Openings, Unproven
from store.renderings import RENDERABLE, Shape
from store.tables import Base, MessageRow, ReadVersionRow, RenderingRow

_WORD = re.compile(r"\w+")
_MESSAGE = re.compile(rf"\b{MessageRow.__tablename__} AS \w+")
_OF_THE_MOMENT = re.compile(r"\b(?:now|clock_timestamp|random)\(|\bcurrent_|\blocal(?:time|timestamp)\b")


_POSTGRES: Any = postgresql.dialect


class _Whole(_POSTGRES.statement_compiler):  # type: ignore[misc]  # the class is an attribute of the dialect
    """Writes every parameter into the text, with the value it has or one of the `fixed` ones; what has none belongs to a request."""

    def visit_bindparam(self, bindparam: BindParameter[Any], **how: Any) -> str:  # noqa: ANN401 - as the overridden method
        value = bindparam.value if bindparam.value is not None else how["fixed"].get(bindparam.key)
        if value is None:
            raise DependsOnRequest(bindparam.key)
        return str(self.render_literal_value(value, bindparam.type))


# Without percent signs for parameters, so that a percent sign in a text is one.
_DIALECT = _POSTGRES(paramstyle="named")
_DIALECT.statement_compiler = _Whole


Write = Callable[[Openings], tuple[Place, ColumnElement[Any]]]
"""Compiles a message's JSON by itself: the place of its row, and the JSON. Raises Unproven."""


def shape_of(write: Write) -> Shape | None:
    """The shape of a selection; None when it has none."""
    openings = Openings(NO_REQUEST, finishing=False)
    try:
        place, body = write(openings)
        fixed = {name: bind(NO_REQUEST) for name, bind in openings.binds.items()}
        statement = select(place.key.label("id"), body.label("body")).select_from(place.table)
        text = str(statement.compile(dialect=_DIALECT, compile_kwargs={"fixed": fixed}))
    except (DependsOnRequest, Unproven, Fault, CompileError, NotImplementedError):
        return None
    read = set(_WORD.findall(text)) & Base.metadata.tables.keys()
    # Of another message nobody would know that it changes this one.
    is_of_one = len(_MESSAGE.findall(text)) == 1
    if not read <= RENDERABLE or not is_of_one or openings.faults or _OF_THE_MOMENT.search(text):
        return None
    return Shape(hashlib.sha256(text.encode()).digest(), text)


def rendered_or(made: ColumnElement[Any], place: Place, number: int) -> ColumnElement[Any]:
    """The rendering of the row at `place` in the shape of this number, or what is made where there is none."""
    kept = RenderingRow.__table__.alias()
    names = ReadVersionRow.__table__.alias()
    now = select(names.c.version).where(names.c.name == literal_column("'names'")).scalar_subquery()
    found = (
        select(kept.c.body)
        .where(kept.c.message_id == place.key, kept.c.shape == literal_column(str(number)), kept.c.version == now)
        .correlate(place.table)
        .scalar_subquery()
    )
    return func.coalesce(found, made)
