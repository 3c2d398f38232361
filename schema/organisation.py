"""Organisation: a public body that messages go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.arguments import After, Before, First, InLanguage, Last
from schema.category import in_use
from schema.enums import Language, OrganisationKind, OrganisationLevel
from schema.fields import field
from schema.message_filter import MESSAGE_FILTER, MESSAGE_ORDERS, FilteredBy, OrderedBy
from schema.plan.declare import Column, Counts, Pages, planned, shows, stored, words
from schema.plan.names import in_capitals
from schema.relay import Connection, Node
from schema.statistics import FilteredBy as CountedBy
from schema.statistics import Statistics
from schema.territory import Territory
from store.tables import AnswerRow, MessageRow, OrganisationRow

if TYPE_CHECKING:
    from schema.answer import Answer
    from schema.message_list import MessageConnection


@stored(OrganisationRow)
@strawberry.type(description="A public body, institution or contractor that can be responsible for a message.")
class Organisation(Node):
    code: str = strawberry.field(description="Its short code, used as an argument elsewhere.")
    kind: OrganisationKind = strawberry.field(
        description="What it is in law.", metadata=shows(Column(in_capitals("kind"), sure="ck_organisation_kind"))
    )
    level: OrganisationLevel = strawberry.field(
        description="Where it stands.", metadata=shows(Column(in_capitals("level"), sure="ck_organisation_level"))
    )
    parent: Organisation | None = strawberry.field(description="The organisation above it.")
    territory: Territory | None = strawberry.field(description="The territory it serves.")
    timezone: str = strawberry.field(description="The name of its time zone; its deadlines end at midnight there.")
    has_system: bool = strawberry.field(
        description="Whether its own case system is connected. Without one its people work on the built-in desk."
    )

    @field("Its name.", words("name"))
    def name(self, language: InLanguage = Language.RU) -> str:
        planned()

    @field(
        "The organisations right below it, by code.",
        Pages(
            OrganisationRow,
            order=("code",),
            where=in_use,
            below=lambda organisation, child: child.c.parent_code == organisation.c.code,
        ),
    )
    def children(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Organisation]:
        planned()

    @field(
        "The messages it is responsible for, of those you may see, newest first. Those of the organisations below it are not among them.",
        Pages(
            MessageRow,
            order=("received_at", "id"),
            newest_first=True,
            below=lambda organisation, message: message.c.organisation_code == organisation.c.code,
            of_organisation=True,
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
    ) -> Annotated[MessageConnection, strawberry.lazy("schema.message_list")]:
        planned()

    @field(
        "The answers it gave, to messages you may see, newest first.",
        Pages(
            AnswerRow,
            order=("observed_at", "id"),
            newest_first=True,
            below=lambda organisation, answer: answer.c.organisation_code == organisation.c.code,
        ),
    )
    def answers(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated[Answer, strawberry.lazy("schema.answer")]]:
        planned()

    @field("Counts of the messages that it, or an organisation below it, is responsible for.", Counts())
    def statistics(self, filter: CountedBy = None) -> Statistics:  # noqa: A002 - what it is called in GraphQL
        planned()
