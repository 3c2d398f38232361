"""Runs plans: finds or compiles the plan of a field, binds a request's values and brings back the JSON. The only reader of stored fields.

Plans are kept by document, operation, field and audience, the least recently used falling out. Requests that show the compiler other things
(`Openings.seen`) get a plan of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo
from sqlalchemy.dialects.postgresql import psycopg

from domain.viewer import Viewer
from schema.context import Context
from schema.plan.catalogue import Catalogue
from schema.plan.compiler import Compiler
from schema.plan.declare import Shown
from schema.plan.selection import Selected, Selector
from schema.plan.values import Bind, Openings, Question, Values, bind_values
from store.scope import PARAMETERS, Audience, audience_of, viewer_parameters
from store.unit import Database

_MOST_PLANS = 2_000
_MOST_SHAPES = 16  # plans of one field that differ in what they have seen
_DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves this function untyped


@dataclass(frozen=True, slots=True)
class Plan:
    """One compiled statement. `sql` is in the driver's own form, so that running it costs no compiling."""

    sql: str
    constants: Mapping[str, Any]
    binds: Mapping[str, Bind]
    seen: tuple[tuple[Question, Hashable], ...]

    def serves(self, values: Values) -> bool:
        return all(question(values) == answer for question, answer in self.seen)


class Reader:
    """Reads stored fields for one schema."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._plans: OrderedDict[Hashable, list[Plan]] = OrderedDict()

    async def read(
        self,
        shown: Shown,
        info: GraphQLResolveInfo[Context],
        database: Database,
        viewer: Viewer | None,
        key: Hashable | None,
    ) -> Any:  # noqa: ANN401 - the JSON the client asked for
        """The JSON of the field that `info` is about; `key` is the primary key of the row when a payload names it. Raises `Fault`."""
        variables: Any = info.variable_values
        values = Values(getattr(variables, "coerced", variables), viewer_parameters(viewer), key)
        plan = self._plan(shown, info, audience_of(viewer), values)
        parameters = {**plan.constants, **bind_values(plan.binds, values)}
        async with database.reader() as connection:
            text = (await connection.exec_driver_sql(plan.sql, parameters)).scalar_one()
        return None if text is None else json.loads(text)

    def _plan(self, shown: Shown, info: GraphQLResolveInfo[Context], audience: Audience, values: Values) -> Plan:
        place = (_fingerprint(info), audience)
        plans = self._plans.setdefault(place, [])
        self._plans.move_to_end(place)
        plan = next((one for one in plans if one.serves(values)), None)
        if plan is None:
            plan = compile_plan(self._catalogue, shown, info, audience, values)
            plans.append(plan)
            del plans[:-_MOST_SHAPES]
        if len(self._plans) > _MOST_PLANS:
            self._plans.popitem(last=False)
        return plan


def compile_plan(
    catalogue: Catalogue, shown: Shown, info: GraphQLResolveInfo[Context], audience: Audience, values: Values
) -> Plan:
    """Compile the field that `info` is about, for requests that look like this one."""
    openings = Openings(values)
    selector = Selector(info.schema, info.fragments, openings)
    field = Selected(str(info.path.key), info.parent_type.fields[info.field_name], list(info.field_nodes))
    compiled = Compiler(catalogue, selector, audience, openings).statement(shown, field).compile(dialect=_DIALECT)
    open_names = {*PARAMETERS, *openings.binds}
    constants = {name: value for name, value in compiled.params.items() if name not in open_names}
    return Plan(str(compiled), constants, dict(openings.binds), tuple(openings.seen))


def _fingerprint(info: GraphQLResolveInfo[Context]) -> Hashable:
    """Which field of which document: its text, and where the field's nodes stand in it."""
    document = info.operation.loc
    if document is None:
        message = "an operation is parsed with its source text"
        raise ValueError(message)
    digest = hashlib.sha256(document.source.body.encode("utf-8", "surrogatepass")).digest()
    nodes = tuple(node.loc.start for node in info.field_nodes if node.loc is not None)
    return digest, document.start, info.parent_type.name, nodes
