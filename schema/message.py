"""Message: a citizen's message as it stands now, and everything that belongs to it."""

from __future__ import annotations

from datetime import date, datetime

import strawberry
from sqlalchemy import or_

from domain.message import CategorySource, Channel, PlaceSource, Priority, Regime
from domain.status import Status
from schema.answer import Answer
from schema.arguments import InLanguage, Newest
from schema.attachment import Attachment
from schema.case import Case
from schema.category import Category
from schema.delivery import Delivery
from schema.enums import Language
from schema.event import Event
from schema.fields import field
from schema.organisation import Organisation
from schema.person import Person
from schema.plan.declare import Column, Embedded, Link, OnlyFor, planned, shows, stored, words
from schema.relay import Node
from schema.territory import Territory
from store.scope import sees_author
from store.tables import MessageRow

_CHECKED = "ck_message_latitude, ck_message_longitude and ck_message_accuracy keep them finite, ck_message_whole_point both there"
_WHOLE = "a route is there with its rule, and ck_message_whole_route keeps its reasons with the rule"


@stored(MessageRow)
@strawberry.type(description="A point on the earth, in degrees of WGS 84.")
class Point:
    latitude: float = strawberry.field(
        description="Degrees north.", metadata=shows(Column(lambda table: table.c.latitude, sure=_CHECKED))
    )
    longitude: float = strawberry.field(
        description="Degrees east.", metadata=shows(Column(lambda table: table.c.longitude, sure=_CHECKED))
    )
    accuracy: float | None = strawberry.field(
        description="How exact it is, in metres.",
        metadata=shows(Column(lambda table: table.c.accuracy_m, sure=_CHECKED)),
    )
    source: PlaceSource | None = strawberry.field(
        description="How it became known.", metadata=shows(Column(lambda table: table.c.place_source))
    )


@stored(MessageRow)
@strawberry.type(description="Where the matter of a message lies.")
class Place:
    point: Point | None = strawberry.field(
        description="The point, where there is one.",
        metadata=shows(Embedded(lambda table: table.c.latitude.is_not(None))),
    )
    address: str | None = strawberry.field(description="The address, as the citizen wrote it.")
    territory: Territory | None = strawberry.field(description="The territory it lies in.")


@stored(MessageRow)
@strawberry.type(description="Why a message went where it went.")
class Route:
    rule: str = strawberry.field(
        description="The name of the rule that decided.",
        metadata=shows(Column(lambda table: table.c.route_rule, sure=_WHOLE)),
    )

    @field("The reason, in words.", words("route_reason", sure=_WHOLE))
    def reason(self, language: InLanguage = Language.RU) -> str:
        planned()

    @field(
        "A warning, when the citizen chose another organisation than the rules name.",
        words("route_warning"),
    )
    def warning(self, language: InLanguage = Language.RU) -> str | None:
        planned()


@stored(MessageRow)
@strawberry.type(description="A citizen's message. The person who sent it sees it, and those who work on it.")
class Message(Node):
    reference: str = strawberry.field(description="The number people read aloud, such as `26-0001-2345-8`.")
    text: str = strawberry.field(description="What the citizen wrote, unaltered.")
    status: Status = strawberry.field(description="Where it stands.")
    status_since: datetime = strawberry.field(description="Since when it stands there.")
    received_at: datetime = strawberry.field(description="When it was accepted; the deadline counts from this day.")
    deadline_on: date = strawberry.field(description="The last day for the answer. It never restarts at a hand-over.")
    priority: Priority = strawberry.field(description="How urgent it is, as an official said.")
    regime: Regime = strawberry.field(description="The law it lives by.")
    channel: Channel = strawberry.field(description="How it came.")
    category: Category | None = strawberry.field(description="What it is about; null until a person decides.")
    category_source: CategorySource | None = strawberry.field(description="Who named the category.")
    place: Place | None = strawberry.field(
        description="Where it is; null when the citizen named no place.",
        metadata=shows(
            Embedded(
                lambda table: or_(
                    table.c.latitude.is_not(None), table.c.address.is_not(None), table.c.territory_code.is_not(None)
                )
            )
        ),
    )
    organisation: Organisation | None = strawberry.field(description="The responsible organisation; null until found.")
    route: Route | None = strawberry.field(
        description="Why this organisation is responsible.",
        metadata=shows(Embedded(lambda table: table.c.route_rule.is_not(None))),
    )
    author: Person | None = strawberry.field(
        description="Who wrote it; null for those who may not know.",
        metadata=shows(OnlyFor(sees_author, Link("person"))),
    )
    attachments: list[Attachment] = strawberry.field(description="The files, in the order in which they were given.")
    cases: list[Case] = strawberry.field(description="The cases that organisations keep for it.")
    deliveries: list[Delivery] = strawberry.field(
        description="What was, is or will be brought to organisations, in order."
    )

    @field("Everything that happened to it, oldest first.", Link("events", newest="last"))
    def history(self, last: Newest = None) -> list[Event]:
        planned()

    @field("The answers, first version first.", Link("answers", newest="last"))
    def answers(self, last: Newest = None) -> list[Answer]:
        planned()
