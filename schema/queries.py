"""Query: the reads. Each stored root says what it shows; the plan answers."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.reference import read_reference
from schema.arguments import After, Before, First, Last
from schema.category import Category, in_use
from schema.context import Context
from schema.fields import field
from schema.message import Message
from schema.message_filter import MESSAGE_FILTER, MESSAGE_ORDERS, FilteredBy, OrderedBy
from schema.message_list import MessageConnection
from schema.organisation import Organisation
from schema.place_input import PlaceInput
from schema.plan.declare import All, AnyNode, Counts, Found, Nowhere, OneBy, Pages, planned
from schema.registry_filter import (
    CATEGORY_NAMED,
    ORGANISATION_FILTER,
    TERRITORY_FILTER,
    OrganisationFilter,
    TerritoryFilter,
)
from schema.relay import Connection, Node
from schema.route_preview import RoutePreview, preview_route
from schema.statistics import FilteredBy as CountedBy
from schema.statistics import Statistics
from schema.territory import Territory
from schema.viewer import Viewer
from store.tables import CategoryRow, MessageRow, OrganisationRow, TerritoryRow


@strawberry.type(description="What can be read.")
class Query:
    @field(
        "One of your messages by its number; null when there is none.",
        OneBy(MessageRow, "reference", "reference", read_reference),
    )
    def message(
        self,
        reference: Annotated[
            str, strawberry.argument(description="The number, with or without its dashes and spaces.")
        ],
    ) -> Message | None:
        planned()

    @field(
        "The messages you may see, newest first: those of the organisations your roles reach, and your own.",
        Pages(
            MessageRow,
            order=("received_at", "id"),
            newest_first=True,
            of_any_organisation=True,
            filter=MESSAGE_FILTER,
            orders=MESSAGE_ORDERS,
        ),
    )
    def messages(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: FilteredBy = None,  # noqa: A002 - what it is called in GraphQL
        order_by: OrderedBy = None,
    ) -> MessageConnection:
        planned()

    @field("Anything you may see, by its id; null otherwise.", AnyNode())
    def node(self, id: Annotated[strawberry.ID, strawberry.argument(description="The `id` of a Node.")]) -> Node | None:  # noqa: A002 - Relay's name
        planned()

    @field("The person who is signed in; null without sign-in.", Nowhere())
    def viewer(self) -> Viewer | None:
        planned()

    @field(
        "The organisations of this installation, by code.",
        Pages(OrganisationRow, order=("code",), where=in_use, filter=ORGANISATION_FILTER),
    )
    def organisations(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[  # noqa: A002 - what it is called in GraphQL
            OrganisationFilter | None, strawberry.argument(description="Which organisations; all unless said.")
        ] = None,
    ) -> Connection[Organisation]:
        planned()

    @field(
        "The territories of this installation, by code.",
        Pages(TerritoryRow, order=("code",), filter=TERRITORY_FILTER),
    )
    def territories(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[  # noqa: A002 - what it is called in GraphQL
            TerritoryFilter | None, strawberry.argument(description="Which territories; all unless said.")
        ] = None,
    ) -> Connection[Territory]:
        planned()

    @field(
        "One organisation by its code; null when there is none.",
        OneBy(OrganisationRow, "code", "code"),
    )
    def organisation(
        self, code: Annotated[str, strawberry.argument(description="The organisation's code.")]
    ) -> Organisation | None:
        planned()

    @field(
        "The branches of the rubricator, in their order; ask for `children` to get the topics. With a text, the branches and topics so called.",
        All(
            CategoryRow,
            "position",
            lambda table: in_use(table) & table.c.parent_code.is_(None),
            Found("text", CATEGORY_NAMED, in_use),
        ),
    )
    def categories(
        self,
        text: Annotated[
            str | None,
            strawberry.argument(
                description="Their name, Russian or English, resembles this; small mistakes are forgiven."
            ),
        ] = None,
    ) -> list[Category]:
        planned()

    @field("Counts of all messages of this installation.", Counts())
    def statistics(self, filter: CountedBy = None) -> Statistics:  # noqa: A002 - what it is called in GraphQL
        planned()

    @field("Who would get a message, why, and by when they must answer. Nothing is stored and nobody is told.")
    async def route_preview(
        self,
        info: strawberry.Info[Context, None],
        category: Annotated[
            str | None, strawberry.argument(description="The code of a topic, such as `roads/pothole`.")
        ] = None,
        place: Annotated[PlaceInput | None, strawberry.argument(description="Where it is.")] = None,
        organisation: Annotated[
            str | None, strawberry.argument(description="The code of the organisation the citizen wants to choose.")
        ] = None,
    ) -> RoutePreview:
        return preview_route(info.context, category, place, organisation)
