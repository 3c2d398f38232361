"""Reads stored rows for fields that lead to them from something that is not stored: payloads of mutations, events of subscriptions, computed values.

One statement per such field, on the primary, because a payload shows what was just written.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from graphql import GraphQLResolveInfo

from schema.context import Context
from schema.extensions.known_documents import digest_of
from schema.plan.compiler import Compiler
from schema.plan.declare import ByKey, ByKeys
from schema.plan.operation import Plans
from schema.plan.selection import Selected, Selector
from schema.plan.statement import Plan, make_plan
from schema.plan.values import Openings, Values
from store.scope import Audience, audience_of, viewer_parameters


async def read_row(plans: Plans, info: GraphQLResolveInfo[Context], key: Hashable) -> Any:  # noqa: ANN401 - the JSON the client asked for
    """The row with this primary key, as the field that `info` is about asks for it; None when the viewer does not see it."""
    return await _read(plans, ByKey(), info, key)


async def read_rows(
    plans: Plans, info: GraphQLResolveInfo[Context], kind: str, keys: Sequence[Hashable], column: str | None = None
) -> list[Any]:
    """Rows of one type by a unique column (the primary key unless said), for a field of an abstract type whose selection `info` is about.

    In the order of the keys, None for a key that names nothing the viewer sees. One statement. Keys may be text even where the column is a UUID.
    """
    rows: list[Any] = await _read(plans, ByKeys(kind, column), info, tuple(keys))
    return rows


async def _read(plans: Plans, shown: ByKey | ByKeys, info: GraphQLResolveInfo[Context], key: Hashable) -> Any:  # noqa: ANN401 - any JSON
    context = info.context
    audience = audience_of(context.viewer)
    variables: Any = info.variable_values
    values = Values(getattr(variables, "coerced", variables), viewer_parameters(context.viewer), key)
    place = (shown, _fingerprint(info), audience)
    plan, parameters = plans.cache.plan(place, values, lambda: _make(plans, shown, info, audience, values))
    text = await plan.run(context.database.reads, parameters)
    return None if text is None else plan.read(text)


def _make(
    plans: Plans, shown: ByKey | ByKeys, info: GraphQLResolveInfo[Context], audience: Audience, values: Values
) -> Plan:
    field = Selected(str(info.path.key), info.parent_type.fields[info.field_name], list(info.field_nodes))

    def write(openings: Openings) -> Any:  # noqa: ANN401 - as `Write` says
        selector = Selector(info.schema, info.fragments, openings)
        return Compiler(plans.catalogue, selector, audience, openings).statement(shown, field)

    return make_plan(values, write, may_pass=False)


def _fingerprint(info: GraphQLResolveInfo[Context]) -> Hashable:
    """Which field of which document: its text, and where the field's nodes stand in it."""
    document = info.operation.loc
    if document is None:
        message = "an operation is parsed with its source text"
        raise ValueError(message)
    nodes = tuple(node.loc.start for node in info.field_nodes if node.loc is not None)
    return digest_of(document.source.body), document.start, info.parent_type.name, nodes
