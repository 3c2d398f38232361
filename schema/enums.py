"""The enums a frontend sees, each value with its description. Those of the domain are the domain's own classes; the rest say in capitals what
the reference data says in small letters.

Import this module before a type that uses one of the domain's enums: describing is what makes them known to Strawberry.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum

import strawberry

from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.message import CategorySource, Channel, PlaceSource, Priority, Regime, Resolution
from domain.status import Status


@strawberry.enum(description="A language in which the service speaks to people.")
class Language(Enum):
    RU = strawberry.enum_value("RU", description="Russian.")
    EN = strawberry.enum_value("EN", description="English.")


@strawberry.enum(description="What an organisation is in law.")
class OrganisationKind(Enum):
    GOVERNMENT = strawberry.enum_value("GOVERNMENT", description="The government of a region or of the country.")
    EXECUTIVE_BODY = strawberry.enum_value("EXECUTIVE_BODY", description="A ministry, department or committee.")
    INSPECTION = strawberry.enum_value("INSPECTION", description="A body that supervises others.")
    LOCAL_ADMINISTRATION = strawberry.enum_value(
        "LOCAL_ADMINISTRATION", description="The administration of a municipality."
    )
    BUDGET_INSTITUTION = strawberry.enum_value(
        "BUDGET_INSTITUTION", description="An institution paid by the state: a hospital, a school, a road service."
    )
    CONTRACTOR = strawberry.enum_value("CONTRACTOR", description="A firm that works for a public body.")
    OTHER_STATE = strawberry.enum_value("OTHER_STATE", description="Another body of the state.")
    OTHER = strawberry.enum_value("OTHER", description="An organisation of another kind.")


@strawberry.enum(description="Where an organisation stands.")
class OrganisationLevel(Enum):
    FEDERAL = strawberry.enum_value("FEDERAL", description="Of the whole country.")
    REGIONAL = strawberry.enum_value("REGIONAL", description="Of a region.")
    MUNICIPAL = strawberry.enum_value("MUNICIPAL", description="Of a municipality.")
    SETTLEMENT = strawberry.enum_value("SETTLEMENT", description="Of a settlement within a municipality.")
    SUBORDINATE = strawberry.enum_value("SUBORDINATE", description="Below another organisation, at any level.")


@strawberry.enum(description="What a territory is.")
class TerritoryKind(Enum):
    REGION = strawberry.enum_value("REGION", description="A region of the country.")
    MUNICIPAL_DISTRICT = strawberry.enum_value(
        "MUNICIPAL_DISTRICT", description="A municipal district (муниципальный район or округ)."
    )
    URBAN_OKRUG = strawberry.enum_value("URBAN_OKRUG", description="An urban okrug (городской округ).")


def _describe(kind: type[StrEnum], description: str, values: Mapping[str, str]) -> None:
    """Make an enum of the domain one of the schema. Every member must be described."""
    definition = strawberry.enum(kind, description=description).__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]


_describe(
    Status,
    "Where a message stands.",
    {
        "RECEIVED": "It has arrived and has its number.",
        "ON_MODERATION": "A member of staff looks for the right category or organisation.",
        "ROUTED": "The responsible organisation is found; the message is on its way there.",
        "DELIVERED": "The organisation's system has taken it.",
        "REGISTERED": "The organisation has registered it under a number of its own.",
        "IN_PROGRESS": "The organisation works on it.",
        "WAITING_FOR_CITIZEN": "The organisation has asked the citizen something.",
        "PLANNED": "The work is planned for a later time.",
        "ANSWERED": "The organisation has answered; the citizen may rate the answer.",
        "SOLVED": "The citizen or an official has confirmed that the problem is gone.",
        "CLOSED_UNSOLVED": "Closed without a solution. Closed is not solved.",
        "REFUSED": "Not accepted at intake, with a reason.",
        "WITHDRAWN": "The citizen has taken it back.",
    },
)
_describe(
    EventKind,
    "What kind of thing happened to a message.",
    {
        "STATUS": "A move from one status to another, applied or refused.",
        "NOTE": "Words from the organisation that move nothing.",
        "ANSWER": "An answer arrived.",
        "VERDICT": "The citizen rated an answer. Never changes the status.",
        "COMMENT": "The citizen added words; `note` holds them.",
        "ATTACHMENT": "The citizen added files; `note` names them.",
        "PRIORITY": "An official said how urgent the message is, and why in `note`.",
        "CATEGORY": "The organisation files the matter under another topic, named in `note`. The message keeps its own.",
        "DELIVERY": "Something about bringing the message to the organisation.",
    },
)
_describe(
    Channel,
    "How a message came.",
    {
        "PORTAL": "The web portal.",
        "MOBILE_APP": "The mobile application.",
        "WIDGET": "A form on the site of an organisation.",
        "SOCIAL": "A social network.",
        "MFC": "A public service centre.",
        "POST": "A letter.",
        "OPERATOR": "Typed in by an operator, for example after a call.",
    },
)
_describe(
    Regime,
    "The law a message lives by. It sets deadlines and rights and never changes silently.",
    {
        "MESSAGE": "A message about an everyday problem.",
        "APPEAL_59FZ": "A formal appeal under Federal Law 59-FZ.",
        "PRETRIAL_COMPLAINT": "A pre-trial complaint against a decision of a public body.",
    },
)
_describe(
    PlaceSource,
    "How a point became known.",
    {
        "GPS": "The device's own position.",
        "MAP_PIN": "A pin set on a map.",
        "PHOTO": "The place stored in a photo.",
        "TYPED_ADDRESS": "Found from a typed address.",
    },
)
_describe(
    CategorySource,
    "Who named the category.",
    {
        "CITIZEN": "The citizen chose it.",
        "KEYWORDS": "The service proposed it from the words of the message.",
        "MODERATOR": "A member of staff set it.",
    },
)
_describe(
    Resolution,
    "The citizen's own word on whether the problem is gone.",
    {
        "SOLVED": "The problem is gone.",
        "PARTLY": "A part of it is gone.",
        "NOT_SOLVED": "Nothing has changed.",
    },
)
_describe(
    Priority,
    "How urgent a message is.",
    {
        "LOW": "It may wait behind others.",
        "USUAL": "Like most; so until an official says otherwise.",
        "HIGH": "Before the usual ones.",
        "URGENT": "At once: people may come to harm.",
    },
)
_describe(
    Purpose,
    "What is to be brought to an organisation.",
    {
        "SUBMIT": "The message with its files.",
        "WITHDRAW": "Word that the citizen has taken the message back.",
        "ADD_COMMENT": "Something the citizen adds to the message.",
        "ADD_ATTACHMENT": "Files the citizen adds to the message.",
        "REOPEN": "Word that the citizen does not take the answer.",
        "SET_PRIORITY": "How urgent the message is.",
    },
)
_describe(
    DeliveryState,
    "How far the service has come in bringing something to an organisation.",
    {
        "QUEUED": "Behind an earlier delivery of the same message.",
        "READY": "To be sent as soon as the organisation's turn comes.",
        "IN_FLIGHT": "Being sent now.",
        "LOOKING_UP": "The organisation's reply was lost; it will be asked whether the message arrived.",
        "WAITS_FOR_PERSON": "Only a member of staff can decide what happens next; somebody is named for it.",
        "ON_DESK": "The organisation has no system of its own; its people see the message on the built-in desk.",
        "DELIVERED": "It has arrived.",
        "REFUSED": "The organisation's system has refused it.",
        "CANCELLED": "It is no longer needed.",
    },
)
