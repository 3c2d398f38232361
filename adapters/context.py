"""What an agency file may speak of: the message, one attachment, the case, the poll, the reply.

Promises: these classes are the only source of the names known in expressions, so a name that is not here is a fault
of the file before anything runs; a missing value (`None` or empty text) is simply absent, and the field that asked
for it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TypeAlias

Scope: TypeAlias = "Mapping[str, object]"
"""The roots an expression sees, by name: `message`, `item`, `case`, `poll`, `http`, `fault`, `reply`, or a reply's fields."""


def _says(text: str) -> dict[str, str]:
    return {"says": text}


@dataclass(frozen=True, slots=True)
class MessageContext:
    """A citizen's message as `message.*`. Text is whole and unescaped: shortening and charset are the file's business."""

    reference: str = field(
        metadata=_says("our number, unique for each message; what the agency should keep beside its case")
    )
    id: str = field(metadata=_says("our machine's key of the message, a UUID"))
    subject: str = field(metadata=_says("one line made from the text or written by the citizen"))
    text: str = field(metadata=_says("what the citizen wrote"))
    category: str = field(metadata=_says("code of the rubricator, such as `roads/pothole`"))
    category_name: str = field(metadata=_says("name of the category in the agency's language"))
    received_at: datetime = field(
        metadata=_says("when the hub received it; a time, so it needs `| local` or `| utc_ms`")
    )
    latitude: float | None = field(default=None, metadata=_says("degrees north, WGS 84"))
    longitude: float | None = field(default=None, metadata=_says("degrees east, WGS 84"))
    accuracy_m: float | None = field(default=None, metadata=_says("how exact the point is, metres"))
    address: str | None = field(default=None, metadata=_says("the address as the citizen gave it or the map found it"))
    territory: str | None = field(default=None, metadata=_says("OKTMO code of the territory, 8 or 11 digits"))
    attachments_count: int = field(default=0, metadata=_says("how many attachments follow as later steps"))
    channel: str = field(default="portal", metadata=_says("where the message came from: portal, open311, file"))

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError("received_at needs a time zone")


@dataclass(frozen=True, slots=True)
class AttachmentContext:
    """One attachment as `item.*` in the `attachment` step."""

    id: str = field(metadata=_says("our machine's key of the attachment, a UUID"))
    name: str = field(metadata=_says("file name as the citizen's device gave it"))
    media_type: str = field(metadata=_says("checked media type, such as `image/jpeg`"))
    size_bytes: int = field(metadata=_says("size in bytes"))
    sha256: str = field(metadata=_says("hex digest of the content"))
    content: bytes = field(repr=False, metadata=_says("the bytes themselves"))


PERSON: Mapping[str, str] = {}
CASE: Mapping[str, str] = {"id": "the agency's number of the case"}
POLL: Mapping[str, str] = {
    "since": "how far back to ask, overlap included; a time, so it needs `| local` or `| utc_ms`",
    "cursor": "where the last page of the feed ended; missing at the very first poll",
}
HTTP: Mapping[str, str] = {
    "status": "status of the reply as text, such as `201`",
    "headers": "headers of the reply, lower case",
}
FAULT: Mapping[str, str] = {"code": "code of a SOAP fault", "text": "text of a SOAP fault"}


def described(context: type[MessageContext] | type[AttachmentContext]) -> dict[str, str]:
    """Every name of a context with its description: for checks, editor completion and docs."""
    return {one.name: str(one.metadata["says"]) for one in fields(context)}


def as_scope(context: MessageContext | AttachmentContext) -> dict[str, object]:
    """The present values of a context by name."""
    return {one.name: value for one in fields(context) if not is_missing(value := getattr(context, one.name))}


def is_missing(value: object) -> bool:
    """Whether a value leaves its field out. Zero and false are values."""
    return value is None or value in ("", b"")
