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
"""The roots an expression sees, by name: `message`, `item`, `case`, `steps`, `now`, `our`, `poll`, `http`, `fault`, `reply`, or a
reply's fields.
"""


def _says(text: str) -> dict[str, str]:
    return {"says": text}


@dataclass(frozen=True, slots=True)
class AttachmentContext:
    """One attachment as `item.*` in the steps `upload` and `attachment`, and in `each: message.attachments`."""

    id: str = field(metadata=_says("our machine's key of the attachment, a UUID"))
    name: str = field(metadata=_says("file name as the citizen's device gave it"))
    media_type: str = field(metadata=_says("checked media type, such as `image/jpeg`"))
    size_bytes: int = field(metadata=_says("size in bytes"))
    sha256: str = field(metadata=_says("hex digest of the content"))
    content: bytes = field(repr=False, metadata=_says("the bytes themselves"))
    number: int = field(default=1, metadata=_says("its place among the attachments, from 1"))
    uploaded: Mapping[str, str] = field(
        default_factory=dict, metadata=_says("what the answer to its upload kept, such as `item.uploaded.token`")
    )
    link: str | None = field(
        default=None,
        metadata=_says(
            "an address of the hub at which whoever holds it finds the file, for a while (`limits.link_lives`)"
        ),
    )


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
    attachments: tuple[AttachmentContext, ...] = field(
        default=(),
        metadata=_says("the attachments themselves, for `each:`; there where the agency takes them in this call"),
    )

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError("received_at needs a time zone")


PERSON: Mapping[str, str] = {}
CASE: Mapping[str, str] = {"id": "the agency's number of the case"}
POLL: Mapping[str, str] = {
    "since": "how far back to ask, overlap included; a time, so it needs `| local` or `| utc_ms`",
    "until": "end of the span that is asked for; a time, so it needs a form",
    "cursor": "where the last page of the feed ended; missing at the very first poll",
    "page": "number of the page, with `pages: {by: page}`",
    "offset": "how many items were read already, with `pages: {by: offset}`",
    "marker": "what the last page gave as its marker; missing at the first page",
    "case_ids": "the agency's numbers of the cases asked for, with `shows: cases-asked-for`; a list",
    "case_id": "the first of them, for a system that is asked for one at a time",
}
HTTP: Mapping[str, str] = {
    "status": "status of the reply as text, such as `201`",
    "headers": "headers of the reply, lower case",
}
FAULT: Mapping[str, str] = {"code": "code of a SOAP fault", "text": "text of a SOAP fault"}


OUR: Mapping[str, str] = {"reference": "our number of the message", "id": "our machine's key of the message"}
COMMENT: Mapping[str, str] = {
    "id": "our machine's key of the comment, a UUID",
    "text": "what the citizen adds",
    "at": "when it was written; a time, so it needs a form",
}
REOPENING: Mapping[str, str] = {
    "reason": "code of the reason",
    "text": "why the citizen does not take the answer",
    "round": "which consideration this is, from 2",
}
PRIORITY: Mapping[str, str] = {"value": "our word: low, usual, high, urgent"}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a call depends on beside the message.

    `steps` holds what the answers to finished steps kept, by step; `tables` are the fetched tables of `translate`; `resend` is the place of the
    rule of `resend_once` by which this call is changed.
    """

    now: datetime | None = None
    steps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    clock_ahead_s: float = 0.0
    resend: int | None = None


USUAL = Circumstances()


def described(context: type[MessageContext] | type[AttachmentContext]) -> dict[str, str]:
    """Every name of a context with its description: for checks, editor completion and docs."""
    return {one.name: str(one.metadata["says"]) for one in fields(context)}


def as_scope(context: MessageContext | AttachmentContext) -> dict[str, object]:
    """The present values of a context by name."""
    scope = {one.name: value for one in fields(context) if not is_missing(value := getattr(context, one.name))}
    if isinstance(context, MessageContext):
        scope["attachments"] = [as_scope(item) for item in context.attachments]
    return scope


def is_missing(value: object) -> bool:
    """Whether a value leaves its field out. Zero and false are values."""
    return value is None or value in ("", b"")
