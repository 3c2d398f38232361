"""What an operation costs: the number of fields in its fullest possible answer, however it is written."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, get_introspection_query

from gateway.settings import Limits
from schema.extensions.cost import MOST_KEYS, ROWS_OF_A_LIST, WEIGHTS
from schema.extensions.known_documents import KnownDocuments
from schema.faults import Fault
from schema.plan.pages import MOST_ROWS, ROWS_UNLESS_SAID
from schema.root import HubSchema
from schema.root import build_schema as build_hub
from store.home import PROJECT

SCHEMA = build_schema(
    """
    type Query { item: Item items(first: Int, last: Int): ItemConnection! plain: [Item!]! _entities(representations: [String!]!): [Item]! }
    type Mutation { write: Item }
    type Item { name: String! tags: [String!]! parent: Item parts(first: Int): [Item!]! items(first: Int = 5): ItemConnection! }
    type ItemConnection { nodes: [Item!]! edges: [ItemEdge!]! pageInfo: PageInfo! totalCount: Int }
    type ItemEdge { cursor: String! node: Item! }
    type PageInfo { hasNextPage: Boolean! }
    """
)


@functools.cache
def build_hub_schema() -> HubSchema:
    return build_hub()


def cost(text: str, **variables: Any) -> int:
    learned = KnownDocuments(SCHEMA).learn(text)
    assert learned.errors == ()
    return learned.operation(None).cost.of(variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __typename }", 1),
        ("{ item { name parent { name } } }", 4),
        ("{ item { tags } }", 2),
        ("{ plain { name tags } }", 1 + ROWS_OF_A_LIST * 2),
        ("{ items(first: 7) { nodes { name } } }", 1 + 1 + 7),
        ("{ items(last: 7) { edges { cursor node { name } } pageInfo { hasNextPage } totalCount } }", 2 + 7 * 3 + 3),
        ("{ items { nodes { name } } }", 2 + ROWS_UNLESS_SAID),
        ("{ item { parts(first: 3) { name } } }", 2 + 3),
        ("{ items(first: 10) { nodes { items(first: 10) { nodes { name } } } } }", 2 + 10 * (2 + 10)),
        ("{ a: item { name } b: item { name } }", 4),
        ("{ items(first: 2) { ...Rows } } fragment Rows on ItemConnection { nodes { ...Name } } fragment Name on Item { name }", 4),
        ("{ items(first: 2) { ... { nodes { name } } } }", 4),
        ("mutation { write { name } }", WEIGHTS["Mutation", None] + 1),
        ('{ _entities(representations: ["a", "b", "c"]) { name } }', 1 + 3),
    ],
)  # fmt: skip
def test_a_field_counts_as_often_as_it_may_stand_in_the_answer(text: str, expected: int) -> None:
    assert cost(text) == expected


def test_a_page_is_as_large_as_its_variable_or_the_default_says() -> None:
    asked = "query($n: Int) { items(first: $n) { nodes { name } } }"
    assert cost(asked, n=5) == 2 + 5
    assert cost(asked, n=None) == cost(asked) == 2 + ROWS_UNLESS_SAID
    assert cost("query($n: Int = 30) { items(first: $n) { nodes { name } } }") == 2 + 30
    both = "query($f: Int, $l: Int) { items(first: $f, last: $l) { nodes { name } } }"
    assert cost(both, f=3) == cost(both, l=3) == 2 + 3


@pytest.mark.parametrize("wrong", [-5, 10**9, "many", True, 1.5, {"a": 1}])
def test_a_page_size_that_is_none_is_neither_free_nor_a_crash(wrong: object) -> None:
    found = cost("query($n: Int) { items(first: $n) { nodes { name } } }", n=wrong)
    assert 2 <= found <= 2 + MOST_ROWS


def test_lists_inside_lists_multiply_and_a_variable_may_stand_in_both() -> None:
    text = "query($n: Int) { items(first: $n) { nodes { items(first: $n) { nodes { name } } } } }"
    assert cost(text, n=10) == 2 + 10 * (2 + 10)
    assert cost(text, n=100) == 2 + 100 * (2 + 100)


def test_too_many_keys_in_one_list_are_too_costly() -> None:
    text = "query($r: [String!]!) { _entities(representations: $r) { name } }"
    assert cost(text, r=["x"] * MOST_KEYS) == 1 + MOST_KEYS
    with pytest.raises(Fault) as fault:
        cost(text, r=["x"] * (MOST_KEYS + 1))
    assert fault.value.extensions == {"code": "TOO_COSTLY", "problem": "KEYS_IN_ONE_LIST"}


def test_the_schemas_own_description_is_counted_once() -> None:
    assert cost(get_introspection_query()) == 1


def test_counting_takes_time_by_the_text_and_not_by_what_it_unfolds_to() -> None:
    levels = 12
    fragments = " ".join(
        f"fragment F{n} on Item {{ parts(first: $n) {{ ...F{n + 1} }} items(first: $n) {{ nodes {{ ...F{n + 1} }} }} }}"
        for n in range(levels)
    )
    text = f"query($n: Int) {{ item {{ ...F0 }} }} {fragments} fragment F{levels} on Item {{ name }}"
    began = time.perf_counter()
    KnownDocuments(SCHEMA).learn(text)
    assert time.perf_counter() - began < 1


def test_what_weighs_more_exists_in_the_schema() -> None:
    types: Any = build_hub_schema()._schema.type_map
    assert [(kind, name) for kind, name in WEIGHTS if name is not None and name not in types[kind].fields] == []


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "portal" / "operations").glob("*.graphql")), ids=lambda path: path.stem
)
def test_the_portal_can_pay_for_its_own_operations_with_the_largest_pages(path: Path) -> None:
    learned = build_hub_schema().documents.learn(path.read_text(encoding="utf-8"))
    assert learned.errors == ()
    assert learned.operation(None).cost.of({"first": MOST_ROWS}) <= Limits().operation_cost / 4
