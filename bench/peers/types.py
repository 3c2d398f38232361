"""The part of the hub's schema that is measured, as Strawberry types with resolvers; see `reading.graphql`."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from bench.peers import rows
from bench.peers.counted import Asked, Category, Language, Statistics, Territory, name_of
from bench.peers.loaders import Row
from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.message import Resolution
from domain.status import Status

_REASONS = {
    DeliveryState.QUEUED: "Ждёт, пока дойдёт отправленное раньше.",
    DeliveryState.READY: "Будет отправлено в ближайшее время.",
    DeliveryState.IN_FLIGHT: "Отправляется.",
    DeliveryState.DELIVERED: "Доставлено в организацию.",
    DeliveryState.ON_DESK: "Сотрудники организации видят сообщение в нашем рабочем кабинете.",
}

for _kind in (DeliveryState, Purpose, EventKind, Resolution):
    strawberry.enum(_kind)


def _global_id(kind: str, key: UUID) -> strawberry.ID:
    return strawberry.ID(base64.b64encode(f"{kind}:{key}".encode()).decode())


async def _organisation(row: Row, info: Asked) -> Organisation | None:
    code = row["organisation_code"]
    found = None if code is None else await info.context.organisation.load(code)
    return None if found is None else Organisation(row=found, code=found["code"])


@strawberry.type
class Verdict:
    answer_rating: int
    solution_rating: int
    resolution: Resolution


@strawberry.type
class Event:
    row: strawberry.Private[Any]
    kind: EventKind
    from_status: Status | None
    to_status: Status | None
    applied: bool
    reason: str | None
    at: datetime
    occurred_at: datetime | None
    note: str | None

    @classmethod
    def of(cls, row: Row) -> Event:
        before, after = row["from_status"], row["to_status"]
        return cls(
            row=row,
            kind=EventKind(row["kind"]),
            from_status=None if before is None else Status(before),
            to_status=None if after is None else Status(after),
            applied=row["applied"],
            reason=row["reason"],
            at=row["observed_at"],
            occurred_at=row["occurred_at"],
            note=row["note"],
        )

    @strawberry.field
    async def organisation(self, info: Asked) -> Organisation | None:
        return await _organisation(self.row, info)


@strawberry.type
class Answer:
    row: strawberry.Private[Any]
    version: int
    text: str
    decision: str | None
    responsible: str | None
    occurred_at: datetime | None
    observed_at: datetime

    @classmethod
    def of(cls, row: Row) -> Answer:
        names = ("version", "text", "decision", "responsible", "occurred_at", "observed_at")
        return cls(row=row, **{name: row[name] for name in names})

    @strawberry.field
    def id(self) -> strawberry.ID:
        return _global_id("Answer", self.row["id"])

    @strawberry.field
    async def verdict(self, info: Asked) -> Verdict | None:
        row = await info.context.verdict.load(self.row["id"])
        if row is None:
            return None
        return Verdict(
            answer_rating=row["answer_rating"],
            solution_rating=row["solution_rating"],
            resolution=Resolution(row["resolution"]),
        )

    @strawberry.field
    async def organisation(self, info: Asked) -> Organisation | None:
        return await _organisation(self.row, info)


@strawberry.type
class Attachment:
    file_name: str
    media_type: str
    size_bytes: int


@strawberry.type
class Case:
    row: strawberry.Private[Any]
    case_id: str

    @strawberry.field
    async def organisation(self, info: Asked) -> Organisation | None:
        return await _organisation(self.row, info)


@strawberry.type
class Delivery:
    purpose: Purpose
    state: DeliveryState
    attempts: int
    since: datetime

    @strawberry.field
    def reason(self) -> str:
        return _REASONS[self.state]


@strawberry.type
class Route:
    row: strawberry.Private[Any]
    rule: str

    @strawberry.field
    def reason(self, language: Language = Language.RU) -> str:
        reason: str = self.row["route_reason_ru" if language is Language.RU else "route_reason_en"]
        return reason

    @strawberry.field
    def warning(self, language: Language = Language.RU) -> str | None:
        warning: str | None = self.row["route_warning_ru" if language is Language.RU else "route_warning_en"]
        return warning


@strawberry.type
class Message:
    row: strawberry.Private[Any]
    reference: str
    text: str
    status: Status
    status_since: datetime
    received_at: datetime
    deadline_on: date

    @classmethod
    def of(cls, row: Row) -> Message:
        names = ("reference", "text", "status_since", "received_at", "deadline_on")
        return cls(row=row, status=Status(row["status"]), **{name: row[name] for name in names})

    @strawberry.field
    def id(self) -> strawberry.ID:
        return _global_id("Message", self.row["id"])

    @strawberry.field
    async def category(self, info: Asked) -> Category | None:
        code = self.row["category_code"]
        row = None if code is None else await info.context.category.load(code)
        return None if row is None else Category(row=row, code=row["code"])

    @strawberry.field
    async def organisation(self, info: Asked) -> Organisation | None:
        return await _organisation(self.row, info)

    @strawberry.field
    def route(self) -> Route | None:
        rule = self.row["route_rule"]
        return None if rule is None else Route(row=self.row, rule=rule)

    @strawberry.field
    async def history(self, info: Asked, last: int | None = None) -> list[Event]:
        load = info.context
        loader = load.events if last is None else load.last(rows.LAST_EVENTS, last)
        return [Event.of(row) for row in await loader.load(self.row["id"])]

    @strawberry.field
    async def answers(self, info: Asked, last: int | None = None) -> list[Answer]:
        load = info.context
        loader = load.answers if last is None else load.last(rows.LAST_ANSWERS, last)
        return [Answer.of(row) for row in await loader.load(self.row["id"])]

    @strawberry.field
    async def attachments(self, info: Asked) -> list[Attachment]:
        found = await info.context.attachments.load(self.row["id"])
        names = ("file_name", "media_type", "size_bytes")
        return [Attachment(**{name: row[name] for name in names}) for row in found]

    @strawberry.field
    async def cases(self, info: Asked) -> list[Case]:
        return [Case(row=row, case_id=row["case_id"]) for row in await info.context.cases.load(self.row["id"])]

    @strawberry.field
    async def deliveries(self, info: Asked) -> list[Delivery]:
        found = await info.context.deliveries.load(self.row["id"])
        return [
            Delivery(
                purpose=Purpose(row["purpose"]),
                state=DeliveryState(row["state"]),
                attempts=row["attempts"],
                since=row["since"],
            )
            for row in found
        ]


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class MessageConnection:
    nodes: list[Message]
    page_info: PageInfo

    @classmethod
    def of(cls, found: list[Row], first: int) -> MessageConnection:
        """One row more than the page says whether there is a next one."""
        shown = found[:first]
        end = json.dumps([shown[-1]["received_at"].isoformat(), str(shown[-1]["id"])]) if shown else None
        cursor = None if end is None else base64.b64encode(end.encode()).decode()
        return cls(
            nodes=[Message.of(row) for row in shown],
            page_info=PageInfo(has_next_page=len(found) > first, end_cursor=cursor),
        )


@strawberry.input
class MessageFilter:
    status: list[Status] | None = None
    received_from: datetime | None = None


@strawberry.type
class AnswerConnection:
    nodes: list[Answer]


@strawberry.type
class Organisation:
    row: strawberry.Private[Any]
    code: str

    @strawberry.field
    def name(self, language: Language = Language.RU) -> str:
        return name_of(self.row, language)

    @strawberry.field
    async def parent(self, info: Asked) -> Organisation | None:
        code = self.row["parent_code"]
        row = None if code is None else await info.context.organisation.load(code)
        return None if row is None else Organisation(row=row, code=row["code"])

    @strawberry.field
    async def territory(self, info: Asked) -> Territory | None:
        code = self.row["territory_code"]
        row = None if code is None else await info.context.territory.load(code)
        return None if row is None else Territory(row=row, code=row["code"])

    @strawberry.field
    async def messages(self, info: Asked, first: int = 20, filter: MessageFilter | None = None) -> MessageConnection:  # noqa: A002 - the schema's word
        wanted = filter or MessageFilter()
        found = await info.context.pool.fetch(
            rows.MESSAGES_OF_ORGANISATION, self.code, wanted.status, wanted.received_from, first + 1
        )
        return MessageConnection.of(found, first)

    @strawberry.field
    async def answers(self, info: Asked, first: int = 20) -> AnswerConnection:
        found = await info.context.pool.fetch(rows.ANSWERS_OF_ORGANISATION, self.code, first)
        return AnswerConnection(nodes=[Answer.of(row) for row in found])

    @strawberry.field
    async def statistics(self, info: Asked) -> Statistics:
        return Statistics(counts=await info.context.pool.fetch(rows.COUNTS_OF, self.code))


@strawberry.type
class Viewer:
    @strawberry.field
    async def messages(self, info: Asked, first: int = 20) -> MessageConnection:
        load = info.context
        found = await load.pool.fetch(rows.MESSAGES_OF_PERSON, load.person, first + 1)
        return MessageConnection.of(found, first)


@strawberry.type
class Query:
    @strawberry.field
    async def message(self, info: Asked, reference: str) -> Message | None:
        load = info.context
        row = await load.pool.fetchrow(rows.MESSAGE_BY_REFERENCE, reference, load.person)
        return None if row is None else Message.of(row)

    @strawberry.field
    def viewer(self) -> Viewer:
        return Viewer()

    @strawberry.field
    async def organisation(self, info: Asked, code: str) -> Organisation | None:
        row = await info.context.organisation.load(code)
        return None if row is None else Organisation(row=row, code=row["code"])

    @strawberry.field
    async def statistics(self, info: Asked) -> Statistics:
        return Statistics(counts=await info.context.pool.fetch(rows.COUNTS_OF_ALL))
