"""A citizen's message is accepted: what must be true before, and everything that becomes true at once (P1, P2).

Pure: the caller brings the facts (reference data, the citizen's attachments) and stores the result in one transaction.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.deadlines import Deadline
from domain.delivery import Purpose
from domain.message import CategorySource, Channel, PlaceSource, Regime
from domain.problem import Problem, ProblemsFound
from domain.routing import NoRoute, Route
from domain.rubricator import Proposal
from domain.status import Status
from domain.words import check_words

MAX_TEXT_CHARS = 10_000
MAX_ADDRESS_CHARS = 300
MAX_ATTACHMENTS = 10
MAX_KEY_CHARS = 200
CONFIDENT_ENOUGH = 0.5
"""Keyword proposals that agree on a body with less than this together go to a moderator instead of an agency (A-060)."""
PROPOSALS_WEIGHED = 20

CLOCK_ZONE = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is: a point, an address, a territory code, or any of them. `accuracy_m` in metres."""

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    source: PlaceSource | None = None
    address: str | None = None
    territory: str | None = None


@dataclass(frozen=True, slots=True)
class SubmitMessage:
    """The citizen's command as it came in."""

    idempotency_key: str
    text: str
    category: str | None = None
    place: Place | None = None
    organisation: str | None = None
    attachments: tuple[UUID, ...] = ()
    channel: Channel = Channel.PORTAL

    def fingerprint(self) -> bytes:
        """A digest of the words: the same key with the same fingerprint is the same message (P2)."""
        place = self.place
        words = [
            self.text,
            self.category,
            None
            if place is None
            else [place.latitude, place.longitude, place.accuracy_m, place.source, place.address, place.territory],
            self.organisation,
            [str(attachment) for attachment in self.attachments],
            self.channel,
        ]
        return hashlib.sha256(json.dumps(words, ensure_ascii=True).encode()).digest()


class Facts(Protocol):
    """What the rules need to know about the world. `agencies.reference_data.ReferenceData` is one."""

    def category_is_leaf(self, code: str) -> bool | None:
        """True for a leaf, False for a branch, None for a code nobody knows."""
        ...

    def propose_categories(self, text: str, limit: int) -> Sequence[Proposal]: ...

    def territory_at(self, latitude: float, longitude: float) -> str | None: ...

    def resolve_territory(self, code: str) -> str | None: ...

    def organisation_exists(self, code: str) -> bool: ...

    def organisation_has_system(self, code: str) -> bool:
        """Whether an agency file connects the organisation's own case system; without one its people use the built-in desk."""
        ...

    def organisation_takes(self, code: str, purpose: Purpose) -> bool:
        """Whether the organisation's own system can be brought this. SUBMIT asks whether it takes files with the message."""
        ...

    def route(
        self, category: str | None, territory: str | None, chosen_organisation: str | None, on: date
    ) -> Route | NoRoute: ...

    def deadline(self, regime: Regime, category: str | None, received_on: date) -> Deadline: ...

    @property
    def rubricator_version(self) -> str: ...


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """Everything about a new message that the rules decide. `route` is None when a person must find the body (A-087)."""

    status: Status
    category: str | None
    category_source: CategorySource | None
    category_confidence: float | None
    rubricator_version: str
    territory: str | None
    route: Route | None
    deadline: Deadline
    regime: Regime


def submit_message(command: SubmitMessage, facts: Facts, now: datetime) -> AcceptedMessage:
    """Decide. Raises ProblemsFound with every problem of the form at once; a refused form uses up nothing."""
    territory = _check(command, facts)
    today = now.astimezone(CLOCK_ZONE).date()
    category, source, confidence = _category(command, facts, territory, today)
    route = facts.route(category, territory, command.organisation, today)
    found = route if isinstance(route, Route) else None
    return AcceptedMessage(
        status=Status.ROUTED if found else Status.ON_MODERATION,
        category=category,
        category_source=source,
        category_confidence=confidence,
        rubricator_version=facts.rubricator_version,
        territory=territory,
        route=found,
        deadline=facts.deadline(Regime.MESSAGE, category, today),
        regime=Regime.MESSAGE,
    )


def _category(
    command: SubmitMessage, facts: Facts, territory: str | None, today: date
) -> tuple[str | None, CategorySource | None, float | None]:
    """The citizen's category, or the likeliest of those that lead to the one body most proposals agree on.

    What must be right is the body: a pothole filed under "unpaved road" still reaches the road service, and its people correct the topic.
    """
    if command.category is not None:
        return command.category, CategorySource.CITIZEN, None
    agreed: dict[str, float] = {}
    likeliest: dict[str, Proposal] = {}
    for proposal in facts.propose_categories(command.text, PROPOSALS_WEIGHED):
        route = facts.route(proposal.category.code, territory, None, today)
        if isinstance(route, Route):
            agreed[route.organisation] = agreed.get(route.organisation, 0.0) + proposal.confidence
            likeliest.setdefault(route.organisation, proposal)
    body = max(agreed, key=lambda organisation: agreed[organisation], default=None)
    if body is None or agreed[body] < CONFIDENT_ENOUGH:
        return None, None, None
    return likeliest[body].category.code, CategorySource.KEYWORDS, likeliest[body].confidence


def _check(command: SubmitMessage, facts: Facts) -> str | None:
    """Gather every problem; without any, the territory the place lies in."""
    problems: list[Problem | None] = [
        check_key(command.idempotency_key),
        check_words(command.text, ("text",), at_most=MAX_TEXT_CHARS),
        check_category(command.category, facts),
        _check_organisation(command.organisation, facts),
        check_attachments(command.attachments),
    ]
    territory = None
    if command.place is not None:
        territory, place_problems = locate(command.place, facts)
        problems += place_problems
    found = [problem for problem in problems if problem is not None]
    if found:
        raise ProblemsFound(*found)
    return territory


def check_key(key: str) -> Problem | None:
    """A key is for machines: 1 to 200 visible ASCII characters."""
    if 1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable():
        return None
    return Problem(
        "KEY_NOT_USABLE",
        ("idempotencyKey",),
        f"Ключ идемпотентности — от 1 до {MAX_KEY_CHARS} печатных знаков ASCII. Возьмите новый UUID для каждого нового сообщения.",
        f"An idempotency key is 1 to {MAX_KEY_CHARS} printable ASCII characters. Use a fresh UUID for each new message.",
    )


def check_category(code: str | None, facts: Facts) -> Problem | None:
    """A category must be a leaf of the rubricator; none at all is always allowed (A-087)."""
    leaf = True if code is None else facts.category_is_leaf(code)
    if leaf:
        return None
    if leaf is False:
        return Problem(
            "CATEGORY_TOO_BROAD",
            ("category",),
            "Это раздел рубрикатора, а не тема. Выберите тему внутри раздела (поле categories) или не указывайте категорию.",
            "This is a branch of the rubricator, not a topic. Choose a topic inside it (field `categories`) or leave the category out.",
        )
    return Problem(
        "CATEGORY_UNKNOWN",
        ("category",),
        "Такой категории нет. Возьмите код из поля categories или не указывайте категорию: мы определим её сами.",
        "There is no such category. Take a code from the field `categories`, or leave the category out: we will find it.",
    )


def _check_organisation(code: str | None, facts: Facts) -> Problem | None:
    if code is None or facts.organisation_exists(code):
        return None
    return Problem(
        "ORGANISATION_UNKNOWN",
        ("organisation",),
        "Такой организации нет. Возьмите код из поля organisations или не указывайте её: мы найдём ответственную.",
        "There is no such organisation. Take a code from the field `organisations`, or leave it out: we will find the responsible one.",
    )


def check_attachments(attachments: Sequence[UUID]) -> Problem | None:
    """At most `MAX_ATTACHMENTS` at once, each of them once."""
    if len(attachments) > MAX_ATTACHMENTS:
        return Problem(
            "TOO_MANY_ATTACHMENTS",
            ("attachments",),
            f"Можно приложить не больше {MAX_ATTACHMENTS} файлов. Оставьте самые важные.",
            f"At most {MAX_ATTACHMENTS} files can be attached. Keep the most important ones.",
        )
    if len(set(attachments)) < len(attachments):
        return Problem(
            "ATTACHMENT_REPEATED",
            ("attachments",),
            "Один файл указан дважды. Уберите повтор.",
            "One file is named twice. Remove the repetition.",
        )
    return None


def locate(place: Place, facts: Facts) -> tuple[str | None, list[Problem | None]]:
    """The territory of a place, and what is wrong with the place. A point outside every territory is a problem, an address alone is not."""
    problems: list[Problem | None] = []
    if place.address is not None:
        problems.append(check_words(place.address, ("place", "address"), at_most=MAX_ADDRESS_CHARS, required=False))
    named = None
    if place.territory is not None:
        named = facts.resolve_territory(place.territory)
        if named is None:
            problems.append(
                Problem(
                    "TERRITORY_UNKNOWN",
                    ("place", "territory"),
                    "Такой территории нет. Укажите восьмизначный код ОКТМО муниципалитета или региона.",
                    "There is no such territory. Give the eight-digit OKTMO code of a municipality or region.",
                )
            )
    if place.latitude is None or place.longitude is None:
        return named, problems
    point_problem = _check_point(place)
    if point_problem is not None:
        return named, [*problems, point_problem]
    at = facts.territory_at(place.latitude, place.longitude)
    if at is None:
        problems.append(
            Problem(
                "POINT_OUTSIDE",
                ("place", "point"),
                "Точка лежит вне территорий, которые мы обслуживаем. Проверьте, не перепутаны ли широта и долгота, или укажите адрес без точки.",
                "The point lies outside every territory we serve. Check that latitude and longitude are not swapped, or give only an address.",
            )
        )
    return at or named, problems


def _check_point(place: Place) -> Problem | None:
    latitude, longitude, accuracy = place.latitude or 0.0, place.longitude or 0.0, place.accuracy_m
    if not (math.isfinite(latitude) and -90 <= latitude <= 90):
        field = "latitude"
    elif not (math.isfinite(longitude) and -180 <= longitude <= 180):
        field = "longitude"
    elif accuracy is not None and not (math.isfinite(accuracy) and 0 <= accuracy <= 100_000):
        return Problem(
            "ACCURACY_NOT_POSSIBLE",
            ("place", "point", "accuracy"),
            "Точность — это метры, от 0 до 100 000.",
            "Accuracy is in metres, from 0 to 100 000.",
        )
    else:
        return None
    return Problem(
        "POINT_NOT_POSSIBLE",
        ("place", "point", field),
        "Такой координаты не бывает. Широта — от −90 до 90, долгота — от −180 до 180 градусов WGS 84.",
        "There is no such coordinate. Latitude runs from −90 to 90 and longitude from −180 to 180 degrees of WGS 84.",
    )
