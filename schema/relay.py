"""Relay's shapes: nodes with global ids, and connections. Both are filled by the plan."""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

from schema.plan.declare import stored
from schema.plan.totals_sql import MOST_COUNTED

Item = TypeVar("Item")


@strawberry.interface(description="Something that can be fetched again by its id, with `node`.")
class Node:
    id: strawberry.ID = strawberry.field(description="An opaque id, unique over all types.")


@stored(None)
@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether more follow. Counting back from a cursor (`last`, `before`), true means that the cursor had something at it."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether others come before. Counting on from a cursor (`first`, `after`), true means that the cursor had something at it."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the first item; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item; null on an empty page.")


@stored(None)
@strawberry.type(description="An item of a list, with its place in it.")
class Edge(Generic[Item]):
    cursor: str = strawberry.field(description="The place of the item, to be given as `after` or `before`. Opaque.")
    node: Item = strawberry.field(description="The item.")


@stored(None)
@strawberry.type(description="One page of a list.")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The items with their cursors.")
    nodes: list[Item] = strawberry.field(description="The items alone, for those who need no cursor per item.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    total_count: int = strawberry.field(
        description=f"How many items the whole list has, but never more than {MOST_COUNTED}. It costs time: ask for it only to show it."
    )
    total_count_is_exact: bool = strawberry.field(
        description=f"Whether `totalCount` is the number; false when there are more than {MOST_COUNTED}."
    )
