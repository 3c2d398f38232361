"""Takes a citizen's file: streams it to the disk, looks at what it really is, and writes its row (A-069).

Nothing is kept of a file that is refused. The row belongs to the person and to no message yet; `submitMessage` claims
it. Where and when a photo was taken stays in the row, on the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select
from starlette.datastructures import UploadFile
from uuid6 import uuid7

from domain.attachment import (
    HEAD_BYTES,
    MAX_FILE_BYTES,
    MAX_UNUSED_PER_DAY,
    TAIL_BYTES,
    MediaType,
    check_kind,
    check_size,
    damaged,
    hides_something,
    hiding,
    not_a_file,
    stored_name,
    too_many_unused,
)
from domain.problem import Problem, ProblemsFound
from gateway.photo import Damaged, Shot, look_into
from store.blobs import ArrivingBlob, Blobs
from store.tables import AttachmentRow
from store.unit import Database

_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is on disk, with its row."""

    attachment_id: UUID
    file_name: str
    media_type: MediaType
    size_bytes: int
    sha256: str
    uploaded_at: datetime


class Uploads:
    """The `Uploads` of `schema.context` for one process."""

    def __init__(self, database: Database, blobs: Blobs, *, at_once: int, clock: Callable[[], datetime]) -> None:
        """`at_once`: how many files may be looked into at the same time; more wait."""
        self._database = database
        self._blobs = blobs
        self._turns = asyncio.Semaphore(at_once)
        self._clock = clock

    async def take(self, person_id: UUID, upload: object) -> StoredFile:
        """Store the file for this person. Raises ProblemsFound when it cannot be taken; then nothing is stored."""
        if not isinstance(upload, UploadFile):
            # The scalar of GraphQL uploads lets any JSON value through.
            raise ProblemsFound(not_a_file())
        now = self._clock()
        await self._check_allowance(person_id, now)
        async with self._turns:
            with await asyncio.to_thread(self._blobs.receive) as file:
                await _receive(upload, file)
                media_type, shot = await asyncio.to_thread(_judge, upload.filename or "", file, now)
                sha256 = await asyncio.to_thread(file.keep)
                size_bytes = file.size_bytes
        stored = StoredFile(
            uuid7(), stored_name(upload.filename or "", media_type), media_type, size_bytes, sha256, now
        )
        await self._write_row(person_id, stored, shot)
        return stored

    async def _check_allowance(self, person_id: UUID, now: datetime) -> None:
        unused = (
            select(func.count())
            .select_from(AttachmentRow)
            .where(
                AttachmentRow.person_id == person_id,
                AttachmentRow.message_id.is_(None),
                AttachmentRow.uploaded_at > now - timedelta(days=1),
            )
        )
        async with self._database.reader() as connection:
            if (await connection.execute(unused)).scalar_one() >= MAX_UNUSED_PER_DAY:
                raise ProblemsFound(too_many_unused())

    async def _write_row(self, person_id: UUID, stored: StoredFile, shot: Shot) -> None:
        async with self._database.unit(person_id) as unit:
            await unit.execute(
                insert(AttachmentRow),
                {
                    "id": stored.attachment_id,
                    "person_id": person_id,
                    "file_name": stored.file_name,
                    "media_type": stored.media_type.value,
                    "size_bytes": stored.size_bytes,
                    "sha256": stored.sha256,
                    "uploaded_at": stored.uploaded_at,
                    "latitude": shot.latitude,
                    "longitude": shot.longitude,
                    "taken_at": shot.taken_at,
                },
            )


async def _receive(upload: UploadFile, file: ArrivingBlob) -> None:
    await upload.seek(0)
    while piece := await upload.read(_PIECE_BYTES):
        await asyncio.to_thread(file.write, piece)
        if file.size_bytes > MAX_FILE_BYTES:
            break
    _refuse(check_size(file.size_bytes))


def _judge(file_name: str, file: ArrivingBlob, now: datetime) -> tuple[MediaType, Shot]:
    """What the file is. Blocks. Raises ProblemsFound."""
    file.flush()
    with file.path.open("rb") as written:
        head = written.read(HEAD_BYTES)
        written.seek(max(0, file.size_bytes - TAIL_BYTES))
        tail = written.read()
    media_type = check_kind(file_name, head)
    if isinstance(media_type, Problem):
        raise ProblemsFound(media_type)
    if hides_something(media_type, head, tail):
        raise ProblemsFound(hiding(media_type))
    try:
        return media_type, look_into(file.path, media_type, now)
    except Damaged:
        raise ProblemsFound(damaged(media_type)) from None


def _refuse(problem: Problem | None) -> None:
    if problem is not None:
        raise ProblemsFound(problem)
