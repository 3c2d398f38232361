"""Makes the call of an attempt: the message in the file's words, its files within the agency's limits, what finished steps kept.

Reads stored files and fetched tables, and no other thing; what cannot be said is CannotBuild, and a photo that cannot fit DoesNotFit.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Protocol
from uuid import UUID

from adapters.adapter import Adapter, AttachmentContext, AttachmentsGo, CannotBuild, Circumstances, MessageContext
from connectors.base import Call, Connector, ConnectorError, Reply
from delivery import steps
from delivery.shrinking import shrink
from delivery.steps import ATTACHMENT, RESEND, SUBMIT_STEP, UPLOAD, message_context
from delivery.tables import Tables
from delivery.their_clock import TheirClock
from domain.file_link import ends_of_link
from domain.outcome import Outcome, OutcomeKind
from store.blobs import BlobDamaged, BlobMissing
from store.deliveries import Attempt, DueDelivery, StoredAttachment


class ReadsBlobs(Protocol):
    """Where the bytes of attachments are; `store.blobs.Blobs` is one. `read` blocks: it is called in a thread."""

    def read(self, sha256: str) -> bytes: ...


class MakesLinks(Protocol):
    """Makes the address of a file; `domain.file_link.FileLinks` is one."""

    def link(self, attachment: UUID, ends_at: datetime) -> str: ...


class DoesNotFit(Exception):
    """A photo that cannot be made as small as the agency wants it."""


class NotRead(Exception):
    """What must be read before a call was not: nothing was changed anywhere. `reply` is what came instead, if anything did."""

    def __init__(self, outcome: Outcome, reply: Reply | None = None) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome
        self.reply = reply


TOO_LARGE = "the photo cannot be made small enough for the agency"


class CallMaker:
    """Makes calls for one agency. `too_large` are the files of a delivery that were left out of its last call because nothing makes them fit."""

    def __init__(
        self,
        adapter: Adapter,
        connector: Connector,
        blobs: ReadsBlobs,
        clock: Callable[[], datetime],
        links: MakesLinks | None = None,
    ) -> None:
        """Without `links` a file that says `item.link` cannot be obeyed."""
        self._adapter = adapter
        self._links = links
        self._blobs = blobs
        self._clock = clock
        self._connector = connector
        self._tables = Tables(adapter, connector)
        self.their_clock = TheirClock()
        self.too_large: dict[UUID, frozenset[UUID]] = {}

    async def circumstances(self, attempt: Attempt) -> Circumstances:
        """What the call depends on beside the message; what must be read at once before it is read here. Raises CannotBuild and NotRead."""
        delivery = attempt.delivery
        rule = delivery.steps_done.get(RESEND + attempt.step, {}).get("rule")
        circumstances = Circumstances(
            now=self._clock(),
            steps=steps.kept(delivery),
            tables=await self._tables.current(),
            clock_ahead_s=self.their_clock.ahead_s,
        )
        for name, one in steps.reads_before(self._adapter, delivery, attempt.step):
            try:
                kept = await self._read(name, delivery, circumstances)
            except NotRead:
                if not one.go_on:
                    raise
                continue
            circumstances = replace(circumstances, steps={**circumstances.steps, one.name: kept})
        return replace(circumstances, resend=rule if isinstance(rule, int) else None)

    async def _read(self, name: str, delivery: DueDelivery, circumstances: Circumstances) -> Mapping[str, str]:
        """What a call that changes nothing keeps for the call after it. Raises CannotBuild and NotRead."""
        wish = steps.wish_of(delivery)
        message = message_context(delivery)
        call = self._adapter.write_call(name, message, circumstances, case_ids=delivery.case_ids, item=None, **wish)
        try:
            reply = await self._connector.send(call)
        except ConnectorError as error:
            # Even a lost answer leaves nothing behind.
            raise NotRead(Outcome(OutcomeKind.TRY_LATER, f"{name}: {error.text}")) from error
        self.their_clock.note(reply.headers.get("date"), self._clock())
        outcome = self._adapter.read_write(name, reply, message, circumstances)
        if outcome.kind is OutcomeKind.ACCEPTED:
            return outcome.kept
        kind = OutcomeKind.REFUSED if outcome.kind is OutcomeKind.REFUSED else OutcomeKind.TRY_LATER
        raise NotRead(replace(outcome, kind=kind, text=f"{name}: {outcome.text}"), reply)

    async def message(self, attempt: Attempt) -> MessageContext:
        """The message, with its attachments where they go inside the call that makes the case. Raises CannotBuild."""
        delivery = attempt.delivery
        message = message_context(delivery)
        go = self._adapter.plan.attachments_go
        if attempt.step != SUBMIT_STEP or go not in (AttachmentsGo.INSIDE, AttachmentsGo.UPLOADED_BEFORE):
            return message
        reasons = steps.left_out(self._adapter, delivery)
        items: list[AttachmentContext] = []
        too_large: set[UUID] = set()
        for file in delivery.attachments:
            if file.id in reasons or upload_refused(delivery, file):
                continue
            if go is AttachmentsGo.UPLOADED_BEFORE:
                described = replace(_described(file, len(items) + 1), uploaded=steps.uploaded(delivery, file))
                items.append(self._linked(described, attempt))
                continue
            try:
                items.append(self._linked(await self._item(file, len(items) + 1), attempt))
            except DoesNotFit:
                too_large.add(file.id)
        self.too_large[delivery.id] = frozenset(too_large)
        return replace(message, attachments=tuple(items))

    async def call(self, attempt: Attempt, message: MessageContext, circumstances: Circumstances) -> Call:
        delivery, step = attempt.delivery, attempt.step
        item = None
        if step.startswith((ATTACHMENT, UPLOAD)):
            number, file = next(
                (number, one) for number, one in enumerate(delivery.attachments, 1) if step.endswith(f":{one.id}")
            )
            item = replace(await self._item(file, number), uploaded=steps.uploaded(delivery, file))
            item = self._linked(item, attempt)
        wish = steps.wish_of(delivery)
        return self._adapter.write_call(step, message, circumstances, case_ids=delivery.case_ids, item=item, **wish)

    def _linked(self, item: AttachmentContext, attempt: Attempt) -> AttachmentContext:
        """With its link, where the agency's file says so: the stored file, whatever was made of it for the call. Raises CannotBuild."""
        if not self._adapter.plan.says_links:
            return item
        if self._links is None:
            raise CannotBuild("`item.link` needs the hub's public address: set OKNO_PUBLIC_ADDRESS")
        life = timedelta(seconds=self._adapter.attachment_limits.link_lives_s)
        first = attempt.delivery.first_attempt_at or attempt.started_at
        return replace(item, link=self._links.link(UUID(item.id), ends_of_link(first, attempt.started_at, life)))

    async def _item(self, file: StoredAttachment, number: int) -> AttachmentContext:
        """One attachment with its bytes, a photo made smaller where it must be. Raises CannotBuild and DoesNotFit."""
        try:
            content = await asyncio.to_thread(self._blobs.read, file.sha256)
        except (BlobMissing, BlobDamaged, OSError) as error:
            raise CannotBuild(f"the stored file of an attachment cannot be read ({type(error).__name__})") from error
        item = replace(_described(file, number), content=content)
        most = self._adapter.attachment_limits.max_bytes
        if most is None or len(content) <= most:
            return item
        smaller = await asyncio.to_thread(shrink, content, most)
        if smaller is None:
            raise DoesNotFit
        name = PurePath(file.file_name).stem + ".jpg"
        digest = hashlib.sha256(smaller).hexdigest()
        return replace(
            item, name=name, media_type="image/jpeg", size_bytes=len(smaller), sha256=digest, content=smaller
        )


def _described(file: StoredAttachment, number: int) -> AttachmentContext:
    return AttachmentContext(
        str(file.id),
        file.file_name.strip() or f"file-{number}",
        file.media_type,
        file.size_bytes,
        file.sha256,
        b"",
        number,
    )


def upload_refused(delivery: DueDelivery, file: StoredAttachment) -> bool:
    """Whether the agency did not take the upload of a file."""
    return "refused" in delivery.steps_done.get(UPLOAD + str(file.id), {})
