"""Writes one mail: who, about which case, the rows of its text, its files. Pure functions; nothing is sent here.

The same content gives the same Message-ID, so that a repeat is known as one. Nothing that is written can begin a header of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError, MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from connectors.base import Call, FilePart, NotSent, Tree
from connectors.mail.addresses import CaseAddresses

MARK = "——— Ответ пишите над этой чертой / Please reply above this line ———"
"""The first line of what we write: a reply is what stands above it."""

_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")
_MEDIA_TYPE = re.compile(r"([a-z0-9.+-]+)/([a-z0-9.+-]+)", re.IGNORECASE)
_NOT_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_A_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_HEADERS = ("to", "subject", "case")
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it goes out: whom the server is told it is from and for, and its bytes."""

    sender: str
    to: str
    message_id: str
    raw: bytes = field(repr=False)


def write_letter(call: Call, sender: str, addresses: CaseAddresses, now: datetime | None = None) -> Letter:
    """The mail of a call. Raises NotSent with the row's name and the remedy, never a value."""
    for name in call.headers:
        if name not in _HEADERS:
            raise NotSent(f"headers.{name}: mail has `to`, `subject` and `case`; remove it")
    to, subject, case = (call.headers.get(name, "") for name in _HEADERS)
    if not _MAILBOX.fullmatch(to):
        raise NotSent("headers.to: must be one mail address such as `roads@north.example`")
    if not subject.strip() or len(subject) > _LONGEST_SUBJECT or _NOT_ONE_LINE.search(subject):
        raise NotSent(
            f"headers.subject: must be one line of at most {_LONGEST_SUBJECT} characters; add `| one_line | shorten(…)`"
        )
    reply_to = addresses.address(case)
    text = _text(call.body)
    digest = _digest(to, subject, text, call.files)
    message_id = addresses.message_id(case, digest[:16])
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = sender
        mail["To"] = to
        mail["Reply-To"] = reply_to
        mail["Subject"] = subject
        mail["Date"] = format_datetime(now or datetime.now(UTC))
        mail["Message-ID"] = message_id
        mail["References"] = addresses.message_id(case)
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(text, charset="utf-8", cte="base64")
        _add_files(mail, call.files)
    except (MessageError, HeaderParseError, ValueError) as error:
        raise NotSent("the mail cannot be written: a header or the name of a file is none") from error
    if call.files:
        mail.set_boundary(f"okno-{digest[:40]}")
    # What cannot be delivered comes back to the case's own address.
    return Letter(reply_to, to, message_id, mail.as_bytes())


def _text(body: Tree) -> str:
    """`text` stands by itself; every other row is a line `name: value`."""
    if not isinstance(body, Mapping) or "text" not in body:
        raise NotSent("send: mail has a row `text`; other rows become lines `name: value`")
    parts = [MARK, ""]
    for name, value in body.items():
        if not isinstance(value, str | int | float):
            raise NotSent(f"send.{name}: must be a text")
        plain = _NOT_A_TEXT.sub("\ufffd", str(value))
        parts += ["", plain, ""] if name == "text" else [f"{name}: {' '.join(plain.split())}"]
    return "\n".join(parts).rstrip() + "\n"


def _add_files(mail: EmailMessage, files: tuple[FilePart, ...]) -> None:
    for number, file in enumerate(files):
        kind = _MEDIA_TYPE.fullmatch(file.media_type)
        if kind is None:
            raise NotSent(f"files.{number}.media_type: must look like image/jpeg")
        if not file.file_name.strip() or _NOT_ONE_LINE.search(file.file_name):
            raise NotSent(f"files.{number}.name: must be a name in one line; add `| plain_name`")
        mail.add_attachment(file.content, maintype=kind[1], subtype=kind[2], filename=file.file_name)


def _digest(to: str, subject: str, text: str, files: tuple[FilePart, ...]) -> str:
    told = hashlib.sha256()
    for piece in (to, subject, text, *(part for file in files for part in (file.file_name, file.media_type))):
        told.update(hashlib.sha256(piece.encode()).digest())
    for file in files:
        told.update(hashlib.sha256(file.content).digest())
    return told.hexdigest()
