"""An agency on a profile, connected to a fake of its product: what the tests of all profiles do with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from adapters.adapter import (
    Adapter,
    AttachmentContext,
    Circumstances,
    LookedUp,
    MessageContext,
    PageItem,
    PollPage,
    Step,
)
from adapters.asking import CaseNow
from agencies.registry import Registry
from connectors.base import Call, Connector, ConnectorError, Reply
from domain.foreign_change import ForeignChange
from domain.outcome import Outcome, OutcomeKind
from tests.adapters.words import MESSAGE

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
HARD_TEXT = "Яма 🕳 стоила 5 000 ₽ <b>&amp;]]> „кавычки“ — №5…\r\nвторая строка"
_SYSTEMS = Path(__file__).parents[2] / "config" / "systems"


def photo(number: int, content: bytes, name: str = "Фото двора.JPG") -> AttachmentContext:
    """An attachment; its bytes are anything."""
    digest = hashlib.sha256(content).hexdigest()
    return AttachmentContext(
        f"00000000-0000-7000-8000-{number:012}", name, "image/jpeg", len(content), digest, content, number
    )


@dataclass
class Connected:
    """One agency with everything between us and its system."""

    adapter: Adapter
    connector: Connector

    @classmethod
    def by(
        cls,
        uses: str,
        answers: Mapping[str, object],
        variables: Mapping[str, str],
        folder: Path,
        session: aiohttp.ClientSession | None,
        *,
        own: str = "",
    ) -> Connected:
        """An agency file of ten lines in `folder`; `own` are YAML lines it adds to the profile."""
        config = folder / "config"
        (config / "agencies").mkdir(parents=True, exist_ok=True)
        if not (config / "systems").exists():
            (config / "systems").symlink_to(_SYSTEMS)
        path = config / "agencies" / "north.yaml"
        path.write_text(
            "version: 1\n"
            "agency: {code: north, name: {ru: Северная служба, en: North}, owner: it@north.example, timezone: Europe/Moscow, "
            f"receives: [roads/*]}}\nuses: {uses}\nwith: {json.dumps(answers, ensure_ascii=False)}\n{own}"
        )
        registry = Registry.of_files([path], variables=variables)
        assert registry.faults == (), [str(fault) for fault in registry.faults]
        return cls(registry.adapter("north"), registry.connector("north", session))

    @staticmethod
    def message(reference: str = "26-0001-2345-8", **changes: object) -> MessageContext:
        """An invented message."""
        return replace(MESSAGE, reference=reference, received_at=NOW, attachments_count=0, **changes)  # type: ignore[arg-type]  # tests name real fields

    async def write(
        self,
        step: str,
        message: MessageContext,
        *,
        case_ids: Mapping[str, str] | None = None,
        item: AttachmentContext | None = None,
        **others: Mapping[str, object],
    ) -> Outcome:
        """One step as the sender makes it."""
        call = self.adapter.write_call(step, message, Circumstances(now=NOW), case_ids=case_ids, item=item, **others)
        try:
            return self.adapter.read_write(step, await self.connector.send(call), message)
        except ConnectorError as error:
            return self.adapter.outcome_of(error, Step(step))

    async def submit(self, message: MessageContext) -> Outcome:
        """The step that makes the case."""
        return await self.write("submit", message)

    async def submitted(self, message: MessageContext) -> dict[str, str]:
        """The case ids of a message that must be accepted."""
        outcome = await self.submit(message)
        assert outcome.kind is OutcomeKind.ACCEPTED, outcome.text
        return dict(outcome.case_ids)

    async def attach(self, message: MessageContext, case_ids: Mapping[str, str], item: AttachmentContext) -> Outcome:
        """One attachment after the case is made, uploaded first where the product wants that."""
        if self.adapter.supports(Step.UPLOAD):
            uploaded = await self.write("upload", message, case_ids=case_ids, item=item)
            if uploaded.kind is not OutcomeKind.ACCEPTED:
                return uploaded
            item = replace(item, uploaded=dict(uploaded.kept))
        return await self.write("attachment", message, case_ids=case_ids, item=item)

    async def comment(self, message: MessageContext, case_ids: Mapping[str, str], text: str) -> Outcome:
        """The citizen adds something."""
        words = {"id": "00000000-0000-7000-8000-00000000c001", "text": text, "at": NOW}
        return await self.write("add_comment", message, case_ids=case_ids, comment=words)

    async def reopen(self, message: MessageContext, case_ids: Mapping[str, str], text: str) -> Outcome:
        """The citizen does not take the answer."""
        return await self.write(
            "reopen", message, case_ids=case_ids, reopening={"reason": "not_solved", "text": text, "round": 2}
        )

    async def look_up(self, message: MessageContext) -> LookedUp:
        """Whether the agency has the message."""
        return self.adapter.read_look_up(await self.connector.send(known(self.adapter.look_up_call(message))), message)

    async def ask(self, case_ids: Mapping[str, str]) -> CaseNow:
        """The state of a case now."""
        reply = await self.connector.send(known(self.adapter.ask_call(case_ids)))
        return self.adapter.read_ask(reply, case_ids["case_id"])

    async def page(
        self, cursor: Mapping[str, str] | None, now: datetime = NOW, feed: str = "", *, acknowledges: bool = True
    ) -> tuple[PollPage, list[PageItem]]:
        """One page of a feed with what follows its items, acknowledged as the poller does."""
        reply: Reply = await self.connector.send(self.adapter.poll_call(cursor, now, feed))
        page = self.adapter.read_poll(reply, cursor, now, feed)
        items = [await self._followed(item, feed) for item in page.items]
        for call in (
            self.adapter.acknowledge_calls(reply, [item.item for item in page.items], feed) if acknowledges else ()
        ):
            answer = await self.connector.send(call)
            assert 200 <= answer.status < 300
        return page, items

    async def reading(
        self, cursor: Mapping[str, str] | None = None, now: datetime = NOW, feed: str = ""
    ) -> tuple[list[ForeignChange], Mapping[str, str]]:
        """Every page of one reading: the changes, and where the next reading goes on. Every item must be readable."""
        changes: list[ForeignChange] = []
        for _ in range(50):
            page, items = await self.page(cursor, now, feed)
            assert [item.fault for item in items if item.fault is not None] == []
            changes += [item.change for item in items if item.change is not None]
            cursor = page.next_cursor
            if not page.has_more:
                return changes, cursor
        raise AssertionError("the feed does not end")

    async def _followed(self, item: PageItem, feed: str) -> PageItem:
        became = item.item
        steps = self.adapter.feeds[feed].follow
        for step in steps:
            call = self.adapter.follow_call(became, step)
            if call is not None:
                became = self.adapter.followed(became, step.name, await self.connector.send(call))
        return self.adapter.read_kept_item(became, feed=feed) if steps and item.aside is None else item


def known(call: Call | None) -> Call:
    """A call that the file must be able to make."""
    assert call is not None
    return call
