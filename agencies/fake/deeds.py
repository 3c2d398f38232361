"""What the system can do: one deed for each step of the file, over one ledger.

A repeat is recognised where the file says that the agency recognises it, and nowhere else: elsewhere a second case is made, as the
real system would.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from adapters.expressions import parse
from adapters.plan import (
    AgencyPlan,
    AskStep,
    Field,
    LookUpStep,
    Reading,
    Sending,
    TableStep,
    Verdict,
    WriteStep,
)
from agencies import model
from agencies.build_sending import request_line
from agencies.fake.doors import Doors
from agencies.fake.draft import Draft
from agencies.fake.faults import Switchboard
from agencies.fake.feeds import Feeds
from agencies.fake.ledger import Captured, Case, Ledger
from agencies.fake.replies import Replies
from agencies.model_security import Login
from domain.status import Status

Answers: TypeAlias = "Callable[[Captured, str], Draft]"
"""From what a request said and the path it came to, to the reply."""
_CLOSED = (Status.ANSWERED, Status.CLOSED_UNSOLVED)
_KNOWN_BY: Mapping[str, tuple[str, ...]] = {
    "attachment": ("item.sha256", "item.name", "item.id", "item.content"),
    "add_comment": ("comment.id", "comment.text"),
    "reopen": ("reopening.round", "reopening.text"),
    "set_priority": ("priority.value",),
}
_OUR_NUMBERS = ("message.reference", "message.id", "our.reference", "our.id")


class CannotBeDone(Exception):
    """There is no such case, or it cannot be done to it any more."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing the system can do: what it is asked by, and how it answers. `reading` is there where it changes something."""

    name: str
    sending: Sending
    answer: Answers
    reading: Reading | None = None
    is_login: bool = False


class Deeds:
    """All deeds of one agency's system."""

    def __init__(
        self,
        file: model.AgencyFile,
        plan: AgencyPlan,
        replies: Replies,
        feeds: Feeds,
        doors: Doors,
        tables: Mapping[str, Mapping[str, str]],
    ) -> None:
        """`tables` are what the system's catalogues hold, by the table's name."""
        self._file = file
        self._plan = plan
        self._replies = replies
        self._feeds = feeds
        self._doors = doors
        self._tables = tables
        self.ledger: Ledger = feeds.ledger
        self._faults: Switchboard = feeds.faults

    def __iter__(self) -> Iterator[Deed]:
        plan = self._plan
        for one in plan.before:
            yield self._write(f"before:{one.name}", one.step, self._note)
        if plan.upload is not None:
            yield self._write("upload", plan.upload, self._upload)
        yield self._write("submit", plan.submit, self._create)
        for one in plan.then:
            yield self._write(f"then:{one.name}", one.step, self._note)
        for name in ("withdraw", *_KNOWN_BY):
            step: WriteStep | None = getattr(plan, name)
            if step is not None:
                for one in step.before:
                    yield self._write(f"before:{name}.{one.name}", one.step, self._note)
                yield self._write(name, step, partial(self._add, name, step, itertools.count()))
        yield from self._readings()
        for way in self._file.connection.securities:
            if isinstance(way, Login):
                yield Deed("login", _login_sending(way), partial(self._log_in, way), is_login=True)

    def _readings(self) -> Iterator[Deed]:
        plan = self._plan
        if plan.look_up is not None:
            yield Deed("look_up", plan.look_up.sending, partial(self._find, plan.look_up))
        if plan.ask is not None:
            yield Deed("ask", plan.ask.sending, partial(self._ask, plan.ask))
        for table in plan.tables:
            yield Deed(f"table:{table.name}", table.sending, partial(self._table, table))
        for poll in (plan.poll, *plan.also_poll):
            if poll is None:
                continue
            name = f"poll:{poll.name}" if poll.name else "poll"
            yield Deed(name, poll.sending, partial(self._feeds.page, poll, name))
            for follow in poll.follow:
                yield Deed(f"{name}.{follow.name}", follow.sending, partial(self._feeds.detail, poll, follow.name))
            if poll.acknowledge is not None:
                yield Deed(f"{name}.acknowledge", poll.acknowledge.sending, partial(self._feeds.acknowledged, poll))

    def _write(self, name: str, step: WriteStep, does: Callable[[Captured], tuple[str, bool]]) -> Deed:
        sending, reading = step.sending, step.reading

        def answer(said: Captured, _path: str) -> Draft:
            number, is_new = does(said)
            repeat = not is_new and self._replies.knows(sending, reading, Verdict.ALREADY_THERE)
            return self._replies.outcome(
                sending, reading, Verdict.ALREADY_THERE if repeat else Verdict.ACCEPTED, number
            )

        return Deed(name, sending, answer, reading)

    def _create(self, said: Captured) -> tuple[str, bool]:
        submit = self._plan.submit
        recognises = self._file.submit.repeats_known_by is not None
        if recognises or self._replies.knows(submit.sending, submit.reading, Verdict.ALREADY_THERE):
            known = self.ledger.known_by(said) if said.get(*_OUR_NUMBERS) else []
            if known:
                return known[0].id, False
        return self.ledger.create(said, self._replies.first_status()).id, True

    def _add(self, name: str, step: WriteStep, counter: Iterator[int], said: Captured) -> tuple[str, bool]:
        case = self._case(said)
        last = self.ledger.last_change(case.id)
        if name == "withdraw" and last is not None and last.status in _CLOSED:
            raise CannotBeDone
        recognises = getattr(getattr(self._file, name), "repeats_known_by", None) is not None
        if not recognises and not self._replies.knows(step.sending, step.reading, Verdict.ALREADY_THERE):
            return case.id, self.ledger.add_piece(case.id, name, f"number {next(counter)}")
        return case.id, self.ledger.add_piece(case.id, name, said.get(*_KNOWN_BY.get(name, ())) or name)

    def _note(self, _said: Captured) -> tuple[str, bool]:
        return str(len(self.ledger.cases) + 1), True

    def _upload(self, said: Captured) -> tuple[str, bool]:
        self.ledger.uploads.append(said.get("item.sha256", "item.name", "item.content") or "a file")
        return str(900_000 + len(self.ledger.uploads)), True

    def _find(self, step: LookUpStep, said: Captured, _path: str) -> Draft:
        return self._replies.look_up(step, self.ledger.known_by(said), said.get(*_OUR_NUMBERS))

    def _ask(self, step: AskStep, said: Captured, _path: str) -> Draft:
        case = self._case(said)
        change = self.ledger.last_change(case.id)
        if change is None:
            raise CannotBeDone
        return self._replies.ask(step, case.id, change)

    def _table(self, step: TableStep, _said: Captured, _path: str) -> Draft:
        shown = list(self._tables.get(step.name, {}).items())
        if self._faults.reading("catalogue_shrink", f"table:{step.name}"):
            shown = shown[: max(1, len(shown) // 10)]
        return self._replies.table(step, dict(shown))

    def _log_in(self, way: Login, said: Captured, _path: str) -> Draft:
        draft = self._doors.login_draft(way, said)
        if draft is None:
            raise CannotBeDone
        return draft

    def _case(self, said: Captured) -> Case:
        """The case a request is about. Raises CannotBeDone."""
        for name, value in said.names.items():
            if name == "poll.case_id" or name.startswith("case."):
                # Another identifier of a case is made of its name and the number.
                number = value if name in ("case.id", "poll.case_id") else value.rpartition("-")[2]
                if number in self.ledger.cases:
                    return self.ledger.cases[number]
        found = self.ledger.known_by(said) if said.get(*_OUR_NUMBERS) else []
        if not found:
            raise CannotBeDone
        return found[0]


def _login_sending(way: Login) -> Sending:
    operation, path = request_line(way.request) if way.request else (way.operation or "", ())
    return Sending(operation, _rows(way.send), path, _rows(way.query), _rows(way.headers), _rows(way.form))


def _rows(rows: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(Field(tuple(name.split(".")), parse(text)) for name, text in rows.items())
