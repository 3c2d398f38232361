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
from schema.organisation import Organisation
from schema.place_input import PlaceInput
from schema.plan.declare import All, AnyNode, Nowhere, OneBy, Pages, planned
from schema.relay import Connection, Node
from schema.route_preview import RoutePreview, preview_route
from schema.viewer import Viewer
from store.tables import CategoryRow, MessageRow, OrganisationRow


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

    @field("Anything you may see, by its id; null otherwise.", AnyNode())
    def node(self, id: Annotated[strawberry.ID, strawberry.argument(description="The `id` of a Node.")]) -> Node | None:  # noqa: A002 - Relay's name
        planned()

    @field("The person who is signed in; null without sign-in.", Nowhere())
    def viewer(self) -> Viewer | None:
        planned()

    @field(
        "The organisations of this installation, by code.",
        Pages(OrganisationRow, order=("code",), where=in_use),
    )
    def organisations(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Organisation]:
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
        "The branches of the rubricator, in their order; ask for `children` to get the topics.",
        All(CategoryRow, "position", lambda table: in_use(table) & table.c.parent_code.is_(None)),
    )
    def categories(self) -> list[Category]:
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
