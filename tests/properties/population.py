"""A small world of messages with one of everything: several citizens, several bodies, every status, files, cases, answers and verdicts.

The same seed gives the same rows. `populate` can leave messages out, with everything that hangs on them, and can give others another author. So two
worlds can differ in just what one viewer may not see.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.message import CategorySource, Channel, PlaceSource, Regime, Resolution
from domain.reference import make_reference
from domain.rights import Role
from domain.status import Mover, Status
from store.tables import (
    AnswerRow,
    AttachmentRow,
    CaseRow,
    DeliveryRow,
    EventRow,
    MessageRow,
    PersonRow,
    RoleGrantRow,
    VerdictRow,
)
from store.unit import Database

ISSUER = "https://sign-in.example"
CITIZENS = ("anna", "boris", "vera")
BODIES = ("city-roads", "housing-inspection", "road-ministry", "ecology-ministry", "kaluga-government")
OFFICIALS: Mapping[str, tuple[tuple[Role, str], ...]] = {
    "executor": ((Role.EXECUTOR, "city-roads"),),
    "head": ((Role.HEAD, "kaluga-government"),),
    "analyst": ((Role.ANALYST, "road-ministry"),),
    "two-hats": ((Role.APPROVER, "housing-inspection"), (Role.REGISTRAR, "ecology-ministry")),
}
BEGAN = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
_CATEGORIES = ("roads/pothole", "roads/lighting", None)
_TERRITORIES = ("29701000", "29000000", None)
_WORDS = (
    "На дороге глубокая яма, её не объехать.",
    "Во дворе не горит фонарь уже вторую неделю.",
    'Кавычки "внутри", обратная \\ черта, <тег> и перевод\nстроки.',
    "Ёлка упала на провода 🌲",
)


@dataclass(frozen=True, slots=True)
class Seed:
    """Which message, whose and where: what `keep` decides by."""

    number: int
    citizen: str
    body: str | None


Keep = Callable[[Seed], bool]
Author = Callable[[Seed], str]
GHOST = "ghost"
"""Somebody who has written nothing, until a world says otherwise."""
PEOPLE = (*CITIZENS, *OFFICIALS, GHOST)


def key(kind: int, number: int) -> UUID:
    """A fixed key: the same row has the same one in every world."""
    return UUID(int=(0x0192 << 112) | (0x7 << 76) | (0x8 << 60) | (kind << 32) | number)


def person_key(name: str) -> UUID:
    return key(1, PEOPLE.index(name))


def seeds(many: int) -> list[Seed]:
    """The messages of the world, without their rows."""
    choose = random.Random(11)
    return [Seed(number, choose.choice(CITIZENS), choose.choice((*BODIES, None))) for number in range(many)]


async def populate(
    database: Database, many: int, keep: Keep = lambda _: True, author: Author = lambda seed: seed.citizen
) -> None:
    """Write the world into a database that has the reference data."""
    async with database.unit() as unit:
        for name in PEOPLE:
            row = {"id": person_key(name), "issuer": ISSUER, "subject": name, "first_seen_at": BEGAN}
            await unit.execute(insert(PersonRow), row)
        number = 0
        for name, grants in OFFICIALS.items():
            for role, body in grants:
                number += 1
                grant = {"id": key(2, number), "person_id": person_key(name), "role": role, "organisation_code": body}
                await unit.execute(insert(RoleGrantRow), grant)
        for seed in seeds(many):
            if not keep(seed):
                continue
            rows = _Rows(replace(seed, citizen=author(seed)))
            await unit.execute(insert(MessageRow), rows.message)
            for table, some in rows.others():
                if some:
                    await unit.execute(insert(table), some)
    async with database.unit() as unit:
        await unit.execute(text("ANALYZE"))


class _Rows:
    """The rows of one message, drawn from a source of its own, so that leaving one out changes no other."""

    def __init__(self, seed: Seed) -> None:
        self.seed = seed
        self._choose = random.Random(1000 + seed.number)
        self.received = BEGAN + timedelta(hours=7 * (seed.number // 2), microseconds=self._choose.choice((0, 120_000)))
        self.id = key(3, seed.number)
        self.body = seed.body
        self.status = self._status()
        self.message = self._message()

    def _status(self) -> Status:
        if self.body is None:
            return Status.ON_MODERATION
        return self._choose.choice([one for one in Status if one is not Status.ON_MODERATION])

    def _message(self) -> dict[str, Any]:
        choose = self._choose
        has_point = choose.random() < 0.5
        source = choose.choice(list(CategorySource))
        category = choose.choice(_CATEGORIES)
        return {
            "id": self.id,
            "reference": make_reference(2026, self.seed.number + 1),
            "person_id": person_key(self.seed.citizen),
            "text": f"{choose.choice(_WORDS)} №{self.seed.number}",
            "regime": choose.choice(list(Regime)),
            "channel": choose.choice(list(Channel)),
            "category_code": category,
            "category_source": source if category else None,
            "rubricator_version": "test",
            "latitude": 54.5 + choose.randrange(100) / 1000 if has_point else None,
            "longitude": 36.25 if has_point else None,
            "accuracy_m": 12.5 if has_point and choose.random() < 0.5 else None,
            "place_source": choose.choice(list(PlaceSource)) if has_point else None,
            "address": choose.choice(("Калуга, улица Кирова, 1", None)),
            "territory_code": choose.choice(_TERRITORIES),
            "organisation_code": self.body,
            "route_rule": "by-category" if self.body else None,
            "route_reason_ru": "По теме и месту." if self.body else None,
            "route_reason_en": "By topic and place." if self.body else None,
            "route_warning_ru": None,
            "route_warning_en": None,
            "status": self.status,
            "status_since": self.received + timedelta(hours=1),
            "received_at": self.received,
            "deadline_on": self.received.date() + timedelta(days=choose.choice((10, 30, 60))),
            "deadline_rule": "test",
        }

    def others(self) -> list[tuple[type[Any], list[dict[str, Any]]]]:
        answers = self._answers()
        return [
            (EventRow, self._events()),
            (AttachmentRow, self._attachments()),
            (DeliveryRow, self._deliveries()),
            (CaseRow, self._cases()),
            (AnswerRow, answers),
            (VerdictRow, self._verdicts(answers)),
        ]

    def _number(self, place: int) -> int:
        return self.seed.number * 20 + place

    def _events(self) -> list[dict[str, Any]]:
        choose = self._choose
        return [
            {
                "id": self._number(place) + 1,
                "message_id": self.id,
                "kind": kind,
                "from_status": Status.RECEIVED if place else None,
                "to_status": self.status if kind is EventKind.STATUS else None,
                "applied": choose.random() < 0.9,
                "reason": choose.choice((None, "late")),
                "actor": choose.choice(list(Mover)),
                "organisation_code": self.body if place else None,
                "note": choose.choice((None, "Внутренняя пометка", "Пометка")),
                "note_is_public": choose.random() < 0.5,
                "occurred_at": self.received + timedelta(minutes=place) if choose.random() < 0.5 else None,
                "observed_at": self.received + timedelta(minutes=place, milliseconds=choose.randrange(3)),
            }
            for place, kind in enumerate([EventKind.STATUS, *choose.choices(list(EventKind), k=choose.randrange(5))])
        ]

    def _attachments(self) -> list[dict[str, Any]]:
        return [
            {
                "id": key(4, self._number(place)),
                "person_id": person_key(self.seed.citizen),
                "message_id": self.id,
                "position": place,
                "file_name": f"фото {place}.jpg",
                "media_type": "image/jpeg",
                "size_bytes": 1000 + place,
                "sha256": f"{self._number(place):064x}",
                "uploaded_at": self.received,
            }
            for place in range(self._choose.randrange(3))
        ]

    def _deliveries(self) -> list[dict[str, Any]]:
        if self.body is None:
            return []
        return [
            {
                "id": key(5, self._number(place)),
                "message_id": self.id,
                "organisation_code": self.body,
                "purpose": Purpose.SUBMIT if place == 1 else Purpose.WITHDRAW,
                "position": place,
                "state": self._choose.choice(list(DeliveryState)),
                "attempts": self._choose.randrange(4),
                "waits_since": self._choose.choice((None, self.received)),
                "reason": "чужой ответ",
                "created_at": self.received,
                "finished_at": None,
            }
            for place in range(1, 2 + (self.status is Status.WITHDRAWN))
        ]

    def _cases(self) -> list[dict[str, Any]]:
        if self.body is None or self._choose.random() < 0.4:
            return []
        return [
            {
                "id": key(6, self.seed.number),
                "message_id": self.id,
                "organisation_code": self.body,
                "round": 1,
                "case_id": f"K-{self.seed.number}",
                "ids": {},
                "foreign_code": self._choose.choice((None, "4")),
                "created_at": self.received,
            }
        ]

    def _answers(self) -> list[dict[str, Any]]:
        if self.body is None:
            return []
        return [
            {
                "id": key(7, self._number(version)),
                "message_id": self.id,
                "version": version,
                "organisation_code": self.body,
                "text": f"Ответ {version} на №{self.seed.number}",
                "decision": self._choose.choice((None, "Удовлетворено")),
                "responsible": self._choose.choice((None, "И. О. Начальник")),
                "occurred_at": None,
                "observed_at": self.received + timedelta(days=self._choose.choice((1, 20)), minutes=version),
            }
            for version in range(1, 1 + self._choose.randrange(4))
        ]

    def _verdicts(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "id": key(8, self._number(answer["version"])),
                "answer_id": answer["id"],
                "person_id": person_key(self.seed.citizen),
                "answer_rating": self._choose.randrange(1, 6),
                "solution_rating": self._choose.randrange(1, 6),
                "resolution": self._choose.choice(list(Resolution)),
                "comment": self._choose.choice((None, "Спасибо")),
                "given_at": self.received + timedelta(days=2),
            }
            for answer in answers
            if self._choose.random() < 0.6
        ]
