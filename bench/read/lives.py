"""The rows of synthetic messages, as text for COPY: what was sent, what happened to it, its cases, answers and verdicts.

Chunk by chunk and each with its own chance, so that any number of processes may make them and the rows stay the same for one seed and day.
The shares of what happens are made up, near what A-011…A-013 count: three quarters reach an answer, some late; verdicts on most answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate

from bench.read.country import Body
from bench.read.keys import OWN_MESSAGES, TEST_CITIZENS, event_key, iso, person_key, timed_key
from bench.read.sentences import ANSWER_ENDS, COMMENTS, NOTES, PEOPLE, address, answer_text, message_text
from domain.reference import make_reference

CHUNK = 10_000
_DAY_S = 86_400.0
SPAN_S = 365 * _DAY_S
NULL = r"\N"

COLUMNS = {
    "message": (
        "id reference person_id text regime channel category_code category_source rubricator_version latitude longitude accuracy_m "
        "place_source address territory_code organisation_code route_rule route_reason_ru route_reason_en status status_since round "
        "received_at deadline_on deadline_rule"
    ),
    "event": (
        "id message_id kind from_status to_status applied actor organisation_code foreign_code event_key note note_is_public occurred_at "
        "observed_at"
    ),
    "delivery": (
        "id message_id organisation_code purpose position round state attempts first_attempt_at waits_since reason created_at finished_at"
    ),
    "agency_case": "id message_id organisation_code round case_id ids foreign_code created_at",
    "answer": "id message_id version organisation_code text decision responsible occurred_at observed_at",
    "verdict": "id answer_id person_id answer_rating solution_rating resolution comment given_at",
    "attachment": "id person_id message_id position file_name media_type size_bytes sha256 uploaded_at",
}
"""The columns of each table, in the order of the rows made here."""


@dataclass(frozen=True, slots=True)
class World:
    """What is common to all chunks. `until_s` is the last moment anything happened (epoch seconds)."""

    seed: int
    count: int
    until_s: float
    bodies: Sequence[Body]
    categories: Sequence[str]
    rubricator_version: str

    @property
    def persons(self) -> int:
        """The last number of a person."""
        return TEST_CITIZENS + max(1_000, self.count * 2 // 5)

    def received_s(self, number: int) -> float:
        return self.until_s - SPAN_S + number * SPAN_S / self.count

    def author(self, number: int, chance: random.Random) -> int:
        """Test citizens' messages are spread evenly over the year; the others belong to anybody."""
        every = self.count // (TEST_CITIZENS * OWN_MESSAGES)
        if every and number % every == 0 and number // every < TEST_CITIZENS * OWN_MESSAGES:
            return number // every % TEST_CITIZENS + 1
        return chance.randrange(TEST_CITIZENS + 1, self.persons + 1)


@dataclass(slots=True)
class Chunk:
    """Lines for COPY by table."""

    lines: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in COLUMNS})

    def add(self, table: str, *values: object) -> None:
        self.lines[table].append("\t".join([NULL if value is None else str(value) for value in values]))


def chunks(world: World) -> Iterator[int]:
    """The numbers of the first messages of all chunks."""
    return iter(range(0, world.count, CHUNK))


def make_chunk(world: World, first: int) -> Chunk:
    """The rows of the messages `first` … `first + CHUNK - 1`."""
    chance = random.Random(f"{world.seed}/{first}")
    chunk, how_many = Chunk(), min(CHUNK, world.count - first)
    bodies = chance.choices(world.bodies, cum_weights=_popularity(len(world.bodies), 8), k=how_many)
    categories = chance.choices(world.categories, cum_weights=_popularity(len(world.categories), 4), k=how_many)
    for place in range(how_many):
        _Life(world, chunk, chance, first + place, bodies[place], categories[place]).live()
    return chunk


def ranked(items: Sequence[Body], seed: int) -> list[Body]:
    """The bodies from the most to the least written to."""
    order = list(items)
    random.Random(f"{seed}/rank").shuffle(order)
    return order


def _popularity(count: int, flat: int) -> list[float]:
    """Zipf's law with its head flattened by `flat`: of 2 000 bodies the first gets two messages of a hundred."""
    return list(accumulate(1 / (rank + flat) for rank in range(1, count + 1)))


def _of(chance: random.Random, share: float) -> bool:
    return chance.random() < share


class _Life:
    """One message from its first day to the last that has been seen."""

    def __init__(
        self, world: World, chunk: Chunk, chance: random.Random, number: int, body: Body, category: str
    ) -> None:
        self.world, self.chance, self.number, self.category = world, chance, number, category
        self.add: Callable[..., None] = chunk.add
        self.received_s = world.received_s(number)
        self.key = timed_key(self.received_s, chance)
        self.person = person_key(world.author(number, chance))
        self.body: str | None = body.code
        self.territory = chance.choice(body.territories)
        self.status: str | None = None
        self.since_s = self.received_s
        self.events = 0

    def live(self) -> None:
        fate = self.chance.random()
        self._move("RECEIVED", self.received_s, "hub")
        if fate < 0.015:
            self.body = None
            self._move("ON_MODERATION", self.received_s, "hub")
        elif fate < 0.03:
            self._move("REFUSED", self.received_s + _DAY_S, "official")
        else:
            self._move("ROUTED", self.received_s, "hub")
            self._be_delivered(withdrawn=fate < 0.05)
        self._write()

    def _move(self, to: str, at_s: float, actor: str, **more: object) -> bool:
        """Whether it has happened already."""
        if at_s > self.world.until_s:
            return False
        self._event("STATUS", at_s, actor, to, **more)
        self.status, self.since_s = to, at_s
        return True

    def _event(self, kind: str, at_s: float, actor: str, to: str | None = None, **more: object) -> None:
        note, said_s = more.get("note"), more.get("said_s")
        self.add(
            "event",
            event_key(self.number, self.events),
            self.key,
            kind,
            self.status if to else None,
            to,
            "t",
            actor,
            self.body,
            more.get("code"),
            f"{self.key}/{self.events}" if actor == "agency" else None,
            note,
            "t" if note else "f",
            None if not isinstance(said_s, float) else iso(said_s),
            iso(at_s),
        )
        self.events += 1

    def _be_delivered(self, *, withdrawn: bool) -> None:
        arrives_s = self.received_s + self.chance.uniform(20, 900)
        arrived = self._move("DELIVERED", arrives_s, "hub")
        self._delivery(arrives_s if arrived else None)
        if not arrived:
            return
        self._case(arrives_s)
        if withdrawn:
            self._move("WITHDRAWN", arrives_s + self.chance.uniform(1, 5) * _DAY_S, "citizen")
            return
        works_s = arrives_s + self.chance.uniform(0.1, 2) * _DAY_S
        if _of(self.chance, 0.35):
            note = self.chance.choice(NOTES)
            self._move("IN_PROGRESS", works_s, "agency", code="3", note=note, said_s=works_s - 600)
        answers_s = works_s + self.chance.lognormvariate(2.0, 0.6) * _DAY_S
        if _of(self.chance, 0.74) and self._move("ANSWERED", answers_s, "agency", code="4", said_s=answers_s - 600):
            self._be_answered(answers_s)

    def _be_answered(self, at_s: float) -> None:
        answer = timed_key(at_s, self.chance)
        responsible = self.chance.choice(PEOPLE)
        text, decision = answer_text(self.chance), self.chance.choice((None, "Меры приняты", "Разъяснено"))
        said, seen = iso(at_s - 600), iso(at_s)
        self.add("answer", answer, self.key, 1, self.body, text, decision, responsible, said, seen)
        if _of(self.chance, 0.06):
            again_s = at_s + _DAY_S
            if again_s <= self.world.until_s:
                end = self.chance.choice(ANSWER_ENDS)
                answer = timed_key(again_s, self.chance)
                said, seen = iso(again_s - 600), iso(again_s)
                self.add("answer", answer, self.key, 2, self.body, f"{text} {end}", decision, responsible, said, seen)
        judged_s = at_s + self.chance.uniform(1.1, 6) * _DAY_S
        if judged_s <= self.world.until_s and _of(self.chance, 0.88):
            self._be_judged(answer, judged_s)

    def _be_judged(self, answer: str, at_s: float) -> None:
        solution = self.chance.choices((1, 2, 3, 4, 5), (22, 10, 16, 22, 30))[0]
        rating = min(5, max(1, solution + self.chance.choice((-1, 0, 0, 1))))
        resolution = "SOLVED" if solution > 3 else "PARTLY" if solution == 3 else "NOT_SOLVED"
        comment = self.chance.choice(COMMENTS) if _of(self.chance, 0.2) else None
        key = timed_key(at_s, self.chance)
        self.add("verdict", key, answer, self.person, rating, solution, resolution, comment, iso(at_s))
        if resolution != "PARTLY" and _of(self.chance, 0.6):
            self._move("SOLVED" if resolution == "SOLVED" else "CLOSED_UNSOLVED", at_s + 60, "citizen")

    def _delivery(self, done_s: float | None) -> None:
        created, done = iso(self.received_s), None if done_s is None else iso(done_s)
        state, attempts = ("READY", 0) if done is None else ("DELIVERED", 1)
        key = timed_key(self.received_s, self.chance)
        self.add("delivery", key, self.key, self.body, "SUBMIT", 1, 1, state, attempts, done, None, None, created, done)

    def _case(self, at_s: float) -> None:
        theirs = f"{self.number:09}"
        key = timed_key(at_s, self.chance)
        self.add("agency_case", key, self.key, self.body, 1, theirs, f'{{"number": "{theirs}"}}', "1", iso(at_s))

    def _write(self) -> None:
        received = datetime.fromtimestamp(self.received_s, UTC)
        law = self.chance.random()
        regime, days = (
            ("MESSAGE", 12) if law < 0.85 else ("APPEAL_59FZ", 30) if law < 0.97 else ("PRETRIAL_COMPLAINT", 28)
        )
        self.add(
            "message",
            self.key,
            # Serial numbers of a year start again: the number within the load is unique in every year.
            make_reference(received.year, self.number + 1),
            self.person,
            message_text(self.chance),
            regime,
            self.chance.choices(("PORTAL", "MOBILE_APP", "WIDGET", "OPERATOR"), (50, 38, 8, 4))[0],
            self.category,
            "CITIZEN",
            self.world.rubricator_version,
            f"{self.chance.uniform(45, 60):.6f}",
            f"{self.chance.uniform(30, 130):.6f}",
            self.chance.randrange(3, 60),
            "GPS",
            address(self.chance),
            self.territory,
            self.body,
            None if self.body is None else "by-category-and-place",
            None if self.body is None else "Этим занимается организация, которая отвечает за тему на этой территории.",
            None
            if self.body is None
            else "The organisation that is responsible for the topic in this territory deals with it.",
            self.status,
            iso(self.since_s),
            1,
            iso(self.received_s),
            datetime.fromtimestamp(self.received_s + days * _DAY_S, UTC).date(),
            "days",
        )
        if _of(self.chance, 0.3):
            for position in range(self.chance.choices((1, 2, 3), (60, 25, 15))[0]):
                self._attachment(position)

    def _attachment(self, position: int) -> None:
        key, digest = timed_key(self.received_s, self.chance), f"{self.chance.getrandbits(256):064x}"
        name, size_bytes = f"IMG_{self.chance.randrange(10_000):04}.jpg", self.chance.randrange(80_000, 6_000_000)
        sent = iso(self.received_s)
        self.add("attachment", key, self.person, self.key, position, name, "image/jpeg", size_bytes, digest, sent)
