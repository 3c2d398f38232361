"""The schema as a subgraph of Apollo Federation 2: the public schema, and what a federation gateway asks besides.

The text of the subgraph is made from the schema itself: the directives below are put on its types, and nothing is written twice. A gateway joins rows
by their keys with `_entities`, which the plan reads like any other field. The public schema knows nothing of this.

`python -m schema.federation > okno.subgraph.graphql` prints the text for a composer.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from typing import TYPE_CHECKING, Annotated, Any, NewType, TypeVar, Union, cast

import strawberry
from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    ObjectTypeDefinitionNode,
    parse,
    print_ast,
)
from sqlalchemy import Table, UniqueConstraint

from domain.reference import read_reference
from schema.plan.declare import Entities, planned, shows
from schema.plan.entities import ID, MOST_ENTITIES
from schema.queries import Query
from schema.root import NODES, HubSchema, assemble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from schema.context import Context
    from schema.extensions.known_documents import Policy

FEDERATION = "https://specs.apollo.dev/federation/v2.9"
"""The newest version that the composers in use agree on."""
_LINK = f'extend schema @link(url: "{FEDERATION}", import: ["@key", "@shareable", "@inaccessible"])'

ALSO_BY: Mapping[str, Mapping[str, Callable[[str], str | None]]] = {
    "Message": {"reference": read_reference},
    "Organisation": {"code": str},
    "Category": {"code": str},
    "Territory": {"code": str},
}
"""Keys of nodes besides `id`: type, then field, then what brings a text into the stored form. Other subgraphs know rows by these."""

_SHAREABLE = ("PageInfo",)
"""What other subgraphs have too, in the same shape."""
_HIDDEN_FIELDS = {("Query", "node"): "@shareable @inaccessible"}
"""A gateway could only ask us for a node, and would then not find those of others."""

_Any = NewType("_Any", object)
_ANY = strawberry.scalar(
    name="_Any",
    description="A representation of an entity: its `__typename` and one of its keys.",
    serialize=lambda value: value,
    parse_value=lambda value: value,
)
_Entity: Any = Annotated[
    Union[NODES],  # noqa: UP007 - of a tuple
    strawberry.union(name="_Entity", description="Whatever has a key."),
]


@strawberry.type(name="_Service", description="What the federation gateway learns about this subgraph.")
class _Service:
    sdl: str = strawberry.field(description="The schema with the directives of Apollo Federation.")


def _about(info: strawberry.Info[Context, None]) -> _Service:
    return _Service(sdl=cast("FederatedSchema", info.schema).subgraph)


def _named(
    representations: Annotated[list[_Any], strawberry.argument(description="One key for each entity.")],
) -> Any:  # noqa: ANN401 - the field says it
    planned()


@strawberry.type(name="Query", description="What can be read.")
class _FederatedQuery(Query):
    service: _Service = strawberry.field(name="_service", resolver=_about, description="About this subgraph.")
    entities: Any = strawberry.field(
        name="_entities",
        resolver=_named,
        description=f"The entities that these keys name, up to {MOST_ENTITIES}, in their order; null for one that is not there for you.",
        metadata=shows(Entities(ALSO_BY)),
        graphql_type=list[_Entity | None],
    )


_Directed = TypeVar("_Directed", ObjectTypeDefinitionNode, FieldDefinitionNode)


class FederatedSchema(HubSchema):
    """What an authenticated federation gateway is served."""

    @functools.cached_property
    def subgraph(self) -> str:
        """The text for composers."""
        return subgraph_text(parse(self.as_str()), self.plans.catalogue.nodes)


def build_federated_schema(policy: Policy | None = None) -> FederatedSchema:
    """Make one per process, and only where a federation gateway is served. Raises TypeError for a key that is none."""
    schema = assemble(FederatedSchema, _FederatedQuery, policy, {_Any: _ANY})
    catalogue = schema.plans.catalogue
    if {kind.__name__ for kind in NODES} != set(catalogue.nodes):
        message = "schema.root.NODES must name every node"
        raise TypeError(message)
    for name, fields in ALSO_BY.items():
        for field in fields:
            if not _is_key(catalogue.row(catalogue.nodes[name]).__table__, field):
                message = f"{name}.{field} is no unique column that is never null"
                raise TypeError(message)
    return schema


def _is_key(table: Any, name: str) -> bool:  # noqa: ANN401 - SQLAlchemy says FromClause where a Table is
    column = cast("Table", table).c[name]
    alone = [one for one in table.constraints if isinstance(one, UniqueConstraint) and [*one.columns] == [column]]
    indexed = any(index.unique and [*index.columns] == [column] for index in table.indexes)
    return not column.nullable and bool(column.primary_key or column.unique or alone or indexed)


def subgraph_text(schema: DocumentNode, nodes: Iterable[str]) -> str:
    """A schema as the text of a subgraph, without the fields and types that every gateway adds by itself (`_…`)."""
    keys = {name: [ID, *ALSO_BY.get(name, ())] for name in nodes}
    definitions = [_as_in_subgraph(one, keys) for one in schema.definitions if not _name(one).startswith("_")]
    text = print_ast(DocumentNode(definitions=tuple(definitions)))
    return f"{_LINK}\n\n{text}\n"


def _name(one: Any) -> str:  # noqa: ANN401 - any definition or field; the schema itself has no name
    return "" if getattr(one, "name", None) is None else str(one.name.value)


def _as_in_subgraph(definition: DefinitionNode, keys: Mapping[str, list[str]]) -> DefinitionNode:
    if not isinstance(definition, ObjectTypeDefinitionNode):
        return definition
    name = _name(definition)
    added = [f'@key(fields: "{key}")' for key in keys.get(name, ())]
    if name in _SHAREABLE:
        added.append("@shareable")
    changed = _with_directives(definition, " ".join(added))
    fields = [one for one in definition.fields or () if not _name(one).startswith("_")]
    hidden = [_with_directives(one, _HIDDEN_FIELDS.get((name, _name(one)), "")) for one in fields]
    return dataclasses.replace(changed, fields=tuple(hidden))


def _with_directives(node: _Directed, directives: str) -> _Directed:
    """The definition, carrying these directives too."""
    if not directives:
        return node
    return dataclasses.replace(node, directives=(*(node.directives or ()), *_written(directives)))


def _written(directives: str) -> tuple[ConstDirectiveNode, ...]:
    (definition,) = parse(f"type T {directives} {{ f: Int }}").definitions
    return cast("ObjectTypeDefinitionNode", definition).directives or ()


if __name__ == "__main__":
    sys.stdout.write(build_federated_schema().subgraph)
