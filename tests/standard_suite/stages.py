"""Where the suite is played: one agency's file, its adapter and connector, and a system behind them that can be disturbed.

`FromFile` is the stand-in made from the file. `ByHand` is a sample agency's own system in a process of its own.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

from adapters.adapter import Adapter, AttachmentContext, Found, MessageContext, PageItem, PollPage
from adapters.building import CannotBuild
from adapters.context import Circumstances
from adapters.plan import AttachmentsGo, Step
from agencies.build import build_adapter
from agencies.connecting import Surroundings, connect
from agencies.fake.fake import Fake
from agencies.fake.ledger import Answer
from agencies.fake.values import Values
from agencies.model import AgencyFile
from connectors.base import Call, Connector, ConnectorError
from connectors.http import Wire
from domain.outcome import Outcome, OutcomeKind, WhenAnswerIsLost
from domain.status import Status
from tests.adapters.words import MESSAGE
from tests.fakes.serving import AgencyProcess

TIMEOUT_S = 0.4
"""How long the connectors of the suite wait for an answer in all."""


class Stage(ABC):
    """One agency, its file, and what stands at the other end."""

    def __init__(
        self, file: AgencyFile, folder: Path, address: str, values: Values, session: aiohttp.ClientSession
    ) -> None:
        connection = file.connection.model_copy(update={"address": address, "network": "private"})
        self.file = file.model_copy(update={"connection": connection})
        self._folder = folder
        self._session = session
        self._values = values
        self.adapter: Adapter = build_adapter(self.file, values.reveal)
        self.connector = self.connector_with(values)

    def connector_with(self, values: Values, timeout_s: float = 20.0) -> Connector:
        """A connector with other credentials, or less patience."""
        connection = self.file.connection.model_copy(update={"timeout": timeout_s})
        file = self.file.model_copy(update={"connection": connection})
        return connect(file, Surroundings(self._folder, "sandbox", values.reveal, self._folder), Wire(self._session))

    def impatient(self) -> Connector:
        return self.connector_with(self._values, TIMEOUT_S)

    def stranger(self) -> Connector:
        """A connector whose credentials are wrong."""
        return self.connector_with(Values({}))

    def message(self, reference: str, **changes: object) -> MessageContext:
        """A message of a category that the agency receives."""
        base = dataclasses.replace(
            MESSAGE, reference=reference, category=category_of(self.file), received_at=datetime.now(UTC)
        )
        return dataclasses.replace(base, attachments_count=0, **changes)  # type: ignore[arg-type]  # tests name real fields

    # What the hub does

    async def submit(self, message: MessageContext, connector: Connector | None = None) -> Outcome:
        """The steps that make a case, as far as the first that is not accepted."""
        outcome, circumstances = Outcome(OutcomeKind.ACCEPTED, "nothing to do"), await self._circumstances()
        before = [f"{Step.BEFORE}:{one.name}" for one in self.adapter.plan.before]
        for step in (*before, Step.SUBMIT):
            outcome = await self.write(step, message, circumstances, connector=connector)
            if outcome.kind is not OutcomeKind.ACCEPTED:
                return outcome
            circumstances = dataclasses.replace(circumstances, steps={**circumstances.steps, step: outcome.kept})
        return outcome

    async def write(
        self,
        step: str,
        message: MessageContext,
        circumstances: Circumstances | None = None,
        *,
        connector: Connector | None = None,
        case_ids: Mapping[str, str] | None = None,
        item: AttachmentContext | None = None,
        roots: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    ) -> Outcome:
        """One step and what it came to; `roots` are the step's own names, such as `comment`."""
        around = circumstances or Circumstances()
        try:
            call = self.adapter.write_call(step, message, around, case_ids=case_ids, item=item, **roots)
            reply = await (connector or self.connector).send(call)
        except (ConnectorError, CannotBuild) as error:
            return self.adapter.outcome_of(error, Step(step.partition(":")[0]))
        return self.adapter.read_write(step, reply, message, around)

    async def look_up(self, message: MessageContext) -> object:
        return self.adapter.read_look_up(await self.connector.send(known(self.adapter.look_up_call(message))), message)

    async def settled(self, message: MessageContext, outcome: Outcome) -> Outcome:
        """What the file says is to be done after an outcome nobody knows, done."""
        if outcome.kind is not OutcomeKind.UNKNOWN:
            return outcome if outcome.kind is OutcomeKind.ACCEPTED else await self.submit(message)
        match self.adapter.when_answer_is_lost:
            case WhenAnswerIsLost.RESEND:
                return await self.submit(message)
            case WhenAnswerIsLost.LOOK_UP:
                found = await self.look_up(message)
                if isinstance(found, Found):
                    return Outcome(OutcomeKind.ACCEPTED, "found", found.case_ids, already_there=True)
                return await self.submit(message)
        return outcome

    async def poll(self, position: Mapping[str, str] | None = None, *, keeps: bool = False) -> PollPage:
        """One page; acknowledged, where the file does that, when the reader `keeps` it."""
        now = datetime.now(UTC)
        reply = await self.connector.send(self.adapter.poll_call(position, now))
        page = self.adapter.read_poll(reply, position, now)
        if keeps:
            for call in self.adapter.acknowledge_calls(reply, [item.item for item in page.items]):
                await self.connector.send(call)
        return dataclasses.replace(page, items=tuple([await self._followed(item) for item in page.items]))

    async def _followed(self, item: PageItem) -> PageItem:
        """The item with what its further reads bring."""
        poll = self.adapter.plan.poll
        if poll is None or not poll.follow:
            return item
        tree = item.item
        for step in poll.follow:
            call = self.adapter.follow_call(tree, step)
            if call is not None:
                tree = self.adapter.followed(tree, step.name, await self.connector.send(call))
        return self.adapter.read_kept_item(tree)

    async def everything(self, position: Mapping[str, str] | None = None) -> PollPage:
        """All pages of one reading as one."""
        page = await self.poll(position, keeps=True)
        items = page.items
        while page.has_more:
            page = await self.poll(page.next_cursor, keeps=True)
            items += page.items
        return dataclasses.replace(page, items=items)

    async def _circumstances(self) -> Circumstances:
        tables = {}
        for table in self.adapter.plan.tables:
            reply = await self.connector.send(self.adapter.table_call(table.name))
            tables[table.name] = self.adapter.read_table(table.name, reply) or {}
        return Circumstances(now=datetime.now(UTC), tables=tables)

    # What stands at the other end

    @abstractmethod
    async def count(self, reference: str) -> int:
        """How many cases it has for our reference."""

    @abstractmethod
    async def disturb(self, fault: str, times: int = 1, seconds: float | None = None) -> None:
        """Show a fault to the next calls that make a case."""

    @abstractmethod
    async def calm(self) -> None:
        """No fault any more."""

    @abstractmethod
    async def move(self, case_id: str, status: Status, *, note: str | None = None, answer: str | None = None) -> None:
        """A clerk moves a case."""


class FromFile(Stage):
    """The stand-in made from the file."""

    def __init__(
        self, fake: Fake, file: AgencyFile, folder: Path, values: Values, session: aiohttp.ClientSession
    ) -> None:
        super().__init__(file, folder, fake.address, values, session)
        self.fake = fake
        self.ledger = fake.system.ledger
        self.faults = fake.system.faults

    async def count(self, reference: str) -> int:
        return sum(any(reference in text for text in one.created.texts) for one in self.ledger.cases.values())

    async def disturb(self, fault: str, times: int = 1, seconds: float | None = None) -> None:
        self.faults.switch_on(fault, times=times, step="submit", seconds=seconds)

    async def calm(self) -> None:
        self.faults.switch_off()

    async def move(self, case_id: str, status: Status, *, note: str | None = None, answer: str | None = None) -> None:
        await self.fake.move(
            case_id, status, note=note, note_is_public=note is not None, answer=Answer(answer) if answer else None
        )


_KINDS = {"half_an_answer": "half", "slow_trickle": "slow"}
_MOVES: Mapping[str, Mapping[Status, str]] = {
    "city-roads": {Status.IN_PROGRESS: "2", Status.WAITING_FOR_CITIZEN: "3", Status.CLOSED_UNSOLVED: "9"},
    "housing-inspection": {
        Status.IN_PROGRESS: "accepted",
        Status.WAITING_FOR_CITIZEN: "need_info",
        Status.CLOSED_UNSOLVED: "rejected",
    },
}
_OPERATIONS = {"city-roads": "CreateCase", "housing-inspection": "createRequest"}
CREDENTIALS: Mapping[str, str] = {
    "CITY_ROADS_USER": "okno",
    "CITY_ROADS_PASSWORD": "roads-secret",
    "HOUSING_CLIENT_ID": "okno",
    "HOUSING_CLIENT_SECRET": "housing-secret",
    "HOUSING_WEBHOOK_SECRET": "webhook-secret",
}


class ByHand(Stage):
    """A sample agency's own system."""

    def __init__(self, process: AgencyProcess, file: AgencyFile, folder: Path, session: aiohttp.ClientSession) -> None:
        super().__init__(file, folder, process.address, Values(CREDENTIALS), session)
        self._operator = process.operator

    async def count(self, reference: str) -> int:
        return len(await self._operator.cases(reference))

    async def disturb(self, fault: str, times: int = 1, seconds: float | None = None) -> None:
        await self._operator.faults(_KINDS.get(fault, fault), times, _OPERATIONS[self.file.agency.code], seconds)

    async def calm(self) -> None:
        await self._operator.clear_faults()

    async def move(self, case_id: str, status: Status, *, note: str | None = None, answer: str | None = None) -> None:
        if answer is not None:
            await self._operator.answer(case_id, answer)
        else:
            await self._operator.move(case_id, _MOVES[self.file.agency.code][status], note or "")


def known(call: Call | None) -> Call:
    assert call is not None
    return call


def category_of(file: AgencyFile) -> str:
    """A category that the file receives and can translate."""
    tables = [row for table in file.translate.values() for row in table if row != "*"]
    pattern = file.agency.receives[0]
    return tables[0] if tables else pattern.replace("*", "other") if pattern != "*" else "roads/pothole"


def takes_attachments_apart(stage: Stage) -> bool:
    """Whether attachments follow in calls of their own."""
    return stage.adapter.plan.attachments_go is AttachmentsGo.AFTER


def texts_of(call: Call) -> set[str]:
    """Every text that a call carries."""
    found: set[str] = set(call.form.values()) | set(call.query.values())

    def walk(tree: Any) -> None:
        if isinstance(tree, Mapping):
            for inner in tree.values():
                walk(inner)
        elif isinstance(tree, (list, tuple)):
            for inner in tree:
                walk(inner)
        elif isinstance(tree, str):
            found.add(str(tree))

    walk(call.body)
    return found
