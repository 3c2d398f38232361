"""Delivery: our duty to bring a message to an organisation, as the citizen may see it."""

from __future__ import annotations

from datetime import datetime

import strawberry
from sqlalchemy import ColumnElement, FromClause, Text, case, cast, func, literal

from domain.bilingual import Bilingual
from domain.delivery import DeliveryState, Purpose
from schema.arguments import InLanguage
from schema.enums import Language
from schema.fields import field
from schema.organisation import Organisation
from schema.plan.declare import Column, Expression, Words, planned, shows, stored
from schema.relay import Node
from store.tables import DeliveryRow

# The stored reason may quote an agency's reply and is for operators; a citizen is told what the state means for them.
REASONS = {
    DeliveryState.QUEUED: Bilingual(
        "Ждёт, пока дойдёт отправленное раньше.", "It waits until what was sent before arrives."
    ),
    DeliveryState.READY: Bilingual("Будет отправлено в ближайшее время.", "It will be sent shortly."),
    DeliveryState.IN_FLIGHT: Bilingual("Отправляется.", "It is being sent."),
    DeliveryState.LOOKING_UP: Bilingual(
        "Ответ организации потерялся; мы уточняем, дошло ли сообщение.",
        "The organisation's reply was lost; we are asking whether the message arrived.",
    ),
    DeliveryState.WAITS_FOR_PERSON: Bilingual(
        "Отправить не удалось; этим занимается сотрудник.",
        "It could not be sent; a member of staff is dealing with it.",
    ),
    DeliveryState.ON_DESK: Bilingual(
        "Сотрудники организации видят сообщение в нашем рабочем кабинете.",
        "The organisation's people see the message on our desk.",
    ),
    DeliveryState.DELIVERED: Bilingual("Доставлено в организацию.", "It has reached the organisation."),
    DeliveryState.REFUSED: Bilingual(
        "Система организации не приняла сообщение; им займётся сотрудник.",
        "The organisation's system did not take it; a member of staff will see to it.",
    ),
    DeliveryState.CANCELLED: Bilingual("Отправлять больше не нужно.", "It no longer needs to be sent."),
}


def _reason(language: str) -> Expression:
    def expression(table: FromClause) -> ColumnElement[str]:
        state = cast(table.c.state, Text)
        texts = [(state == state_.value, literal(getattr(REASONS[state_], language), Text)) for state_ in DeliveryState]
        return case(*texts)

    return expression


@stored(DeliveryRow)
@strawberry.type(description="The service's duty to bring one thing to one organisation.")
class Delivery(Node):
    purpose: Purpose = strawberry.field(description="What is to be brought.")
    state: DeliveryState = strawberry.field(description="How far it has come.")
    attempts: int = strawberry.field(description="How often it was tried.")
    since: datetime = strawberry.field(
        description="Since when it is finished or waits for a person; before that, when it was created.",
        metadata=shows(
            Column(lambda table: func.coalesce(table.c.finished_at, table.c.waits_since, table.c.created_at))
        ),
    )
    organisation: Organisation = strawberry.field(description="The organisation it is for.")

    @field(
        "What the state means for the citizen.",
        Words(_reason("ru"), _reason("en"), sure="ck_delivery_deliverystate, and each of these states has a text"),
    )
    def reason(self, language: InLanguage = Language.RU) -> str:
        planned()
