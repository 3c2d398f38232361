"""What a mail is: a reply, a bounce, an automatic answer; which case it is about; what its writer said. Pure functions.

`kind` is `reply`, `bounce` (it was not delivered and will not be), `delayed`, or `automatic`. Text is what stands above the quotation of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser

from connectors.base import Tree
from connectors.mail.addresses import CaseAddresses
from connectors.mail.writing import MARK

_LONGEST_TEXT = 20_000
_LONGEST_HEADER = 1_000
_RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
_REFERENCES = ("In-Reply-To", "References")
_AUTOMATIC_SUBJECTS = re.compile(
    r"(автоответ|автоматический ответ|automatic reply|auto(matic)?[- ]?reply|out of (the )?office|вне офиса)",
    re.IGNORECASE,
)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_POSTMASTERS = re.compile(r"(mailer-daemon|postmaster)@", re.IGNORECASE)
_MARK_WORDS = " ".join(MARK.strip("— ").split())
_QUOTE_BEGINS = re.compile(
    r"^\s*(-{2,}\s*(original message|исходное сообщение|пересылаемое сообщение|forwarded message).*"
    r"|_{10,}"
    r"|(on|в|am) .{5,200}(wrote|schrieb|написал\(?а?\)?|пишет)\s*:"
    r"|.{0,200}(писал\(?а?\)?|пишет|написал\(?а?\)?)\s*:"
    r"|(от|from):\s.*@.*)\s*$",
    re.IGNORECASE,
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def read_mail(raw: bytes, mail_id: str, addresses: CaseAddresses, *, keeps_quotes: bool = False) -> dict[str, Tree]:
    """The mail as an item. It never raises: what cannot be read has a `problem`."""
    item: dict[str, Tree] = {"id": mail_id, "kind": "reply"}
    try:
        mail = message_from_bytes(raw, policy=default)
        item.update(_item(mail, addresses, keeps_quotes=keeps_quotes))
    # The standard parser raises all kinds of errors on mail that is broken in ways nobody foresaw; such mail goes to a person.
    except Exception as error:  # noqa: BLE001
        item["problem"] = f"the mail cannot be read ({type(error).__name__})"
    else:
        if "case" not in item:
            item["problem"] = "it names no case of ours: its address has no seal of ours"
    return item


def _item(mail: EmailMessage, addresses: CaseAddresses, *, keeps_quotes: bool) -> dict[str, Tree]:
    kind, reason = _kind(mail)
    item: dict[str, Tree] = {"kind": kind, "subject": _header(mail, "Subject")}
    senders = getaddresses([_header(mail, "From")])
    if senders and senders[0][1]:
        item["from"] = senders[0][1].lower()
    case = addresses.case_of(_where_a_case_may_be(mail, kind))
    if case is not None:
        item["case"] = case
    if reason:
        item["reason"] = reason
    moment = _moment(mail)
    if moment is not None:
        item["at"] = moment
    text = _text_of(mail)
    text = text if keeps_quotes else _without_quotes(text)
    if text:
        item["text"] = text[:_LONGEST_TEXT]
        item["first_line"] = text.split("\n", 1)[0][:200].strip()
    names = (
        [part.get_filename() or "" for part in mail.iter_attachments()]
        if mail.is_multipart() and kind == "reply"
        else []
    )
    item["files"] = [{"name": _plain(name)} for name in names]
    return item


def _kind(mail: EmailMessage) -> tuple[str, str]:
    report = str(mail.get_param("report-type", "")).lower() if mail.get_content_type() == "multipart/report" else ""
    if report == "delivery-status":
        return _of_report(mail)
    nobody = _header(mail, "Return-Path") == "<>"
    if nobody and _POSTMASTERS.search(_header(mail, "From")):
        # A bounce of a system that knows no reports.
        return "bounce", ""
    submitted = _header(mail, "Auto-Submitted").split(";")[0].strip().lower()
    automatic = (
        report != ""
        or nobody
        or submitted not in ("", "no")
        or _header(mail, "Precedence").strip().lower() in _BULK
        or any(name in mail for name in ("X-Autoreply", "X-Autorespond", "List-Id"))
        or _AUTOMATIC_SUBJECTS.match(_header(mail, "Subject").strip()) is not None
    )
    return ("automatic" if automatic else "reply"), ""


def _of_report(mail: EmailMessage) -> tuple[str, str]:
    """What a delivery report says of the first recipient that it says something bad of."""
    found = ("automatic", "")
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in part.iter_parts() if isinstance(part, EmailMessage) else ():
            action = _header(block, "Action").strip().lower()
            status = _header(block, "Status").strip()[:20]
            if action == "failed":
                return "bounce", status
            if action == "delayed":
                found = ("delayed", status)
    return found


def _where_a_case_may_be(mail: EmailMessage, kind: str) -> Iterator[str]:
    for name in (*_RECIPIENTS, *_REFERENCES):
        yield from (str(value)[:_LONGEST_HEADER] for value in mail.get_all(name, []))
    if kind in ("bounce", "delayed"):
        # A report brings back the headers of what it is about.
        for part in mail.walk():
            if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
                yield part.as_string()[:20_000]


def _header(mail: Message, name: str) -> str:
    return _plain(str(mail.get(name, "")))[:_LONGEST_HEADER]


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text.replace("\n", " ")).strip()


def _moment(mail: EmailMessage) -> str | None:
    try:
        moment = parsedate_to_datetime(_header(mail, "Date"))
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    text = _decoded(body)
    if body.get_content_type() == "text/html":
        text = _Words.of(text)
    lines = [_CONTROL.sub("", line).rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return "\n".join(lines).strip()


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    for charset in (part.get_content_charset() or "utf-8", "utf-8", "windows-1251"):
        try:
            return raw.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("utf-8", "replace")


def _without_quotes(text: str) -> str:
    """What the writer said: everything above our mark, or above where a quotation begins; no quoted line, no signature."""
    kept: list[str] = []
    for line in text.split("\n"):
        words = " ".join(line.strip(" >—-").split())
        if words == _MARK_WORDS or line == "-- " or line.rstrip() == "--" or _QUOTE_BEGINS.match(line[:500]):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return "\n".join(kept).strip()


class _Words(HTMLParser):
    """The words of a page: no markup, no styles, blocks on lines of their own."""

    _BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "blockquote"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._hidden = 0
        self._quoted = 0

    @classmethod
    def of(cls, page: str) -> str:
        reader = cls()
        reader.feed(page[:500_000])
        reader.close()
        return re.sub(r"\n{3,}", "\n\n", "".join(reader._parts)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("style", "script", "head")
        self._quoted += tag == "blockquote"
        if tag in self._BLOCKS:
            self._parts.append("\n> " if self._quoted else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script", "head") and self._hidden > 0
        self._quoted -= tag == "blockquote" and self._quoted > 0
        if tag in self._BLOCKS - {"br"}:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(" ".join(data.split()) + (" " if data[-1:].isspace() else "") if data.strip() else " ")
