"""Files behind links (`domain/file_link.py`): whoever holds a link gets exactly that file, as something to be saved and never to be shown as a page.

Promises: everything else is one and the same 404, whatever is wrong; nothing is kept by caches on the way; a file is sent in pieces, so a slow reader
costs no memory. The log holds neither the link nor the name of the file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from domain.file_link import FileLinks
from gateway.refusals import Code, Refusal
from store.blobs import Blobs
from store.tables import AttachmentRow
from store.unit import Database

_PIECE_BYTES = 64 * 1024
_HEADERS = {
    "cache-control": "no-store, private",
    # Should a browser open it all the same, nothing in it runs.
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "x-robots-tag": "noindex",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharedFiles:
    """The citizens' files of one installation, for those who hold a link."""

    database: Database
    blobs: Blobs
    links: FileLinks
    clock: Callable[[], datetime]

    async def response(self, token: str) -> Response:
        """The file of a token. Raises Refusal."""
        attachment = self.links.read(token, self.clock())
        if attachment is None:
            raise _no_file()
        wanted = select(
            AttachmentRow.file_name, AttachmentRow.media_type, AttachmentRow.size_bytes, AttachmentRow.sha256
        ).where(AttachmentRow.id == attachment, AttachmentRow.message_id.is_not(None))
        async with self.database.reader() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            raise _no_file()
        path = self.blobs.path(row.sha256)
        if await asyncio.to_thread(_size_of, path) != row.size_bytes:
            log.error("the stored file of attachment %s is missing or not whole: restore it from a backup", attachment)
            raise _no_file()
        name = f"attachment; filename*=UTF-8''{quote(row.file_name, safe='')}"
        headers = {**_HEADERS, "content-disposition": name, "content-length": str(row.size_bytes)}
        return StreamingResponse(_pieces(path), media_type=row.media_type, headers=headers)


async def serve_file(request: Request) -> Response:
    """`GET /files/{token}`."""
    files: SharedFiles = request.app.state.services.files
    return await files.response(request.path_params["token"])


def _size_of(path: Path) -> int | None:
    """In bytes; None where there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return None


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
    finally:
        file.close()


def _no_file() -> Refusal:
    return Refusal(
        404,
        Code.BAD_REQUEST,
        "По этой ссылке ничего нет: она неверна или её срок прошёл. Запросите сообщение заново, чтобы получить новую.",
        "There is nothing behind this link: it is wrong or has ended. Ask for the message again to get a new one.",
        {"cache-control": "no-store"},
    )
